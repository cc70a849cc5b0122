"""What goes into a script call beside its tables: the script's text, and the bundle as a descriptor of a zip file.

A guest gets read-only descriptors, never a path.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.errors import InvalidBundle, InvalidScript

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SCRIPT_BYTES = 16 * 1024 * 1024
"""A thousand times the longest script that the old system took."""
MAX_BUNDLE_BYTES = 2 * 1024 * 1024 * 1024
MAX_BUNDLE_FILES = 50_000
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ScriptSource:
    """A script: the file name that its traceback shows, and its text as written (any encoding it declares)."""

    name: str
    text: bytes


def read_script(script: str | Path) -> ScriptSource:
    """A script from a file, or from source text: a `str` with a newline in it.

    Raises:
        InvalidScript: no such file, not a file, not readable, or too large.
    """
    if isinstance(script, str) and "\n" in script:
        return _checked(ScriptSource("azuremod.py", script.encode("utf-8", "surrogatepass")))
    path = Path(script)
    try:
        with path.open("rb") as stream:
            return _checked(ScriptSource(path.name, stream.read(MAX_SCRIPT_BYTES + 1)))
    except OSError as error:
        raise InvalidScript(
            f"The script {path} cannot be read: {error.strerror}. Give the path of a Python file"
            " (or its source text, with a newline in it).",
            path=str(path),
        ) from error


def _checked(source: ScriptSource) -> ScriptSource:
    if len(source.text) > MAX_SCRIPT_BYTES:
        raise InvalidScript(
            f"The script {source.name} has more than {MAX_SCRIPT_BYTES} bytes; put data and modules into a bundle.",
            path=source.name,
        )
    return source


@contextlib.contextmanager
def opened_bundle(bundle: str | Path | None) -> Iterator[int | None]:
    """A descriptor of the bundle's zip file: the file itself, or a zip made of a folder.

    Raises:
        InvalidBundle: no such file or folder, or too large.
    """
    if bundle is None:
        yield None
        return
    path = Path(bundle)
    try:
        descriptor = _zip_folder(path) if path.is_dir() else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidBundle(
            f"The bundle {path} cannot be read: {error.strerror}. Give a zip file or a folder.", path=str(path)
        ) from error
    try:
        if os.fstat(descriptor).st_size > MAX_BUNDLE_BYTES:
            raise InvalidBundle(f"The bundle {path} has more than {MAX_BUNDLE_BYTES} bytes.", path=str(path))
        yield descriptor
    finally:
        os.close(descriptor)


def bundle_files(folder: Path, most: int) -> list[Path]:
    """The files below a folder that belong into a bundle, in a fixed order.

    Raises:
        InvalidBundle: more than `most`.
    """
    inside = (path for path in folder.rglob("*") if "__pycache__" not in path.parts and path.is_file())
    found = list(itertools.islice(inside, most + 1))
    if len(found) > most:
        raise InvalidBundle(f"The bundle {folder} has more than {most} files.", path=str(folder))
    return sorted(found)


def _zip_folder(folder: Path) -> int:
    """The files below a folder as an uncompressed zip in memory, in a fixed order and without times."""
    import zipfile  # noqa: PLC0415 -- only where a bundle is a folder

    descriptor = os.memfd_create("bundle", os.MFD_CLOEXEC)
    with os.fdopen(os.dup(descriptor), "wb") as stream, zipfile.ZipFile(stream, "w") as archive:
        for path in bundle_files(folder, MAX_BUNDLE_FILES):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _ZIP_EPOCH)
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w", force_zip64=True) as target, path.open("rb") as source:
                while part := source.read(1 << 20):
                    target.write(part)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
