"""Digests of files and folders by content: what a module's result depends on.

A folder's digest is of what a script gets of it: names and contents, without times, permissions or bytecode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blake3 import blake3

from estudio.errors import InvalidInput
from estudio.modules.inputs import MAX_BUNDLE_FILES, bundle_files

if TYPE_CHECKING:
    from pathlib import Path

LARGE_BYTES = 1 << 20
"""From here on a file is mapped and hashed on all cores; below, starting threads costs more."""


def digest_of(path: Path) -> str:
    """The BLAKE3 digest of a file's content, or of all files in a folder, in hexadecimal digits.

    Raises:
        InvalidInput: not there, or not readable.
        InvalidBundle: a folder of more than MAX_BUNDLE_FILES files.
    """
    try:
        return _folder_digest(path) if path.is_dir() else _file_digest(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}.", path=str(path)) from error


def _file_digest(path: Path) -> str:
    if path.stat().st_size < LARGE_BYTES:
        return blake3(path.read_bytes()).hexdigest()
    return blake3(max_threads=blake3.AUTO).update_mmap(path).hexdigest()


def _folder_digest(folder: Path) -> str:
    whole = blake3(b"folder")
    for path in bundle_files(folder, MAX_BUNDLE_FILES):
        name = path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")
        whole.update(len(name).to_bytes(8, "little") + name + bytes.fromhex(_file_digest(path)))
    return whole.hexdigest()
