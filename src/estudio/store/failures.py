"""What the database or the file system complains about, as our own errors: what, which file, what to do.

Busy, full, damaged and read-only come from SQLite's result codes, never from its texts.
"""

from __future__ import annotations

import errno
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from estudio.errors import StoreDamaged, StoreDiskFull, StoreFailed, StoreLocked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PRIMARY_CODE = 0xFF
"""The low byte of SQLite's extended result codes is the code itself."""


def disk_full(path: Path) -> StoreDiskFull:
    """No room at `path`."""
    return StoreDiskFull(
        f"There is no room left to write {path}. What was finished before is kept. Make room "
        "(`estudio store prune` removes results that nothing refers to), then run again.",
        path=str(path),
    )


def damaged_database(path: Path, detail: str) -> StoreDamaged:
    """The database cannot be understood."""
    return StoreDamaged(
        f"The database {path} is damaged: {detail}. `estudio store verify` says what else is. To go on, move the file "
        "away together with those that begin with its name; the stored objects stay, the history begins anew.",
        path=str(path),
        detail=detail,
    )


def failure_of_os(error: OSError, path: Path) -> StoreFailed:
    """The store's error for one of the file system."""
    if error.errno in _FULL_ERRNOS:
        return disk_full(path)
    detail = error.strerror or str(error)
    return StoreFailed(
        f"{path} cannot be used: {detail}. The store needs a folder that it may read and write.",
        path=str(path),
        detail=detail,
    )


def failure_of_sqlite(error: BaseException, path: Path) -> StoreFailed:
    """The store's error for one of SQLite."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY_CODE
    detail = str(error)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StoreLocked(
            f"Another process holds the database {path} for too long. Wait for it, or end it, and run again.",
            path=str(path),
        )
    if code == sqlite3.SQLITE_FULL:
        return disk_full(path)
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}:
        return StoreFailed(
            f"The database {path} cannot be written: {detail}. The file and its folder must be readable and writable "
            "for you, and the file system not mounted read-only.",
            path=str(path),
            detail=detail,
        )
    if code == sqlite3.SQLITE_IOERR:
        return StoreFailed(
            f"The disk failed at the database {path}: {detail}. Look at the system's log; what was finished is kept.",
            path=str(path),
            detail=detail,
        )
    return damaged_database(path, detail)


@contextmanager
def readable_rows(path: Path) -> Iterator[None]:
    """Raise StoreDamaged where a row holds what never was written."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise damaged_database(path, f"a record cannot be read ({error!r})") from error
