"""A document's file is replaced as a whole: written beside it, synced, renamed; never over somebody else's change."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from estudio.errors import InvalidDocument, OutputFailed


def replace_file(path: Path, content: bytes, expected: bytes | None) -> bool:
    """Make a file's content this; returns whether anything was written.

    Where the content is the same already, nothing is. A link is followed; the file keeps its permissions.

    Args:
        path: the file.
        content: all of it.
        expected: what the file held when it was read; None for a file that must not exist.

    Raises:
        InvalidDocument: the file changed since it was read, or exists already.
        OutputFailed: it cannot be written.
    """
    if content == expected:
        return False
    path = Path(os.path.realpath(path))
    try:
        _check_unchanged(path, expected)
        _replace(path, content, expected)
    except OSError as error:
        what = f"{path.name} cannot be written ({error.strerror or error})"
        raise OutputFailed(f"{what}: check the folder's permissions and room.", path=str(path)) from error
    return True


def _check_unchanged(path: Path, expected: bytes | None) -> None:
    now = path.read_bytes() if path.exists() else None
    if now == expected:
        return
    if expected is None:
        raise InvalidDocument(f"{path.name} exists already: choose another name.", path=str(path))
    what = "was removed" if now is None else "was changed by somebody else"
    raise InvalidDocument(f"{path.name} {what} since it was read: read it again, then repeat the edit.", path=str(path))


def _replace(path: Path, content: bytes, expected: bytes | None) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            mode = stat.S_IMODE(path.stat().st_mode) if expected is not None else 0o666 & ~_umask()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        if expected is None:
            os.link(temporary, path)  # fails where somebody made it meanwhile
        else:
            os.replace(temporary, path)  # noqa: PTH105 beside os.link
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108 the same
    _sync_folder(path.parent)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
