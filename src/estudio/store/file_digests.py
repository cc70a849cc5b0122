"""Digests of the workspace's files and bundles, remembered as long as a file looks the same.

A file that was changed within two seconds before its digest was taken may be changed again without looking different
(clocks of file systems are coarse); such a digest is not trusted the next time. Git calls that file racily clean.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from estudio.errors import InvalidBundle, InvalidInput
from estudio.store import rows, tables
from estudio.store.objects import digest_of_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from estudio.store.connections import Connections

RACY_SECONDS = 2.0
"""The coarsest clock of a file system in use (FAT)."""
IGNORED_FOLDERS = frozenset({"__pycache__"})
"""Made by Python beside the sources; part of no bundle."""
MAX_BUNDLE_FILES = 20_000
"""A bundle is helper modules; a folder with more is a mistake, such as a home directory."""
MAX_BUNDLE_DEPTH = 32
"""As deep as a bundle may be unpacked."""


@dataclass(frozen=True, slots=True)
class _Look:
    """How a file looks from outside: if any of it differs, the bytes may."""

    stamp: str
    changed_at: float


class FileDigests:
    """The digests of files below one folder. Any thread may use it."""

    def __init__(self, connections: Connections, root: Path, clock: Callable[[], float] = time.time) -> None:
        """Remember digests in the workspace's database, by paths relative to `root`."""
        self._connections = connections
        self._root = root
        self._clock = clock

    def digests_of(self, paths: Sequence[str]) -> dict[str, str]:
        """The digests of files, by their paths relative to the root; a missing one is not in the answer.

        Raises InvalidInput for what is no regular file or cannot be read.
        """
        looks = {path: look for path in dict.fromkeys(paths) if (look := self._look_at(path)) is not None}
        known = self._known(looks)
        fresh = {path: self._digest_of(path) for path in looks if path not in known}
        self._remember(fresh, looks)
        return {path: known.get(path) or fresh[path] for path in looks}

    def digest_of_bundle(self, folder: str) -> str:
        """The digest of a folder's files: their names and contents, in the order of the names.

        `__pycache__` and empty folders are left out: they are in no bundle; dot files count like all others. Raises
        InvalidBundle for a symbolic link, for more files or deeper folders than a bundle may have, for a missing one.
        """
        files = sorted(bundle_files(self._root / folder))
        paths = [f"{folder}/{name}" for name in files]
        digests = self.digests_of(paths)
        lines = [f"{digests.get(path, '')} {rows.to_json(name)}\n" for path, name in zip(paths, files, strict=True)]
        return blake3("".join(lines).encode("ascii")).hexdigest()

    def _look_at(self, path: str) -> _Look | None:
        try:
            status = (self._root / path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(path, error.strerror) from error
        if not stat.S_ISREG(status.st_mode):
            raise _unreadable(path, "it is no regular file")
        look = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
        return _Look(" ".join(map(str, look)), max(status.st_mtime, status.st_ctime))

    def _known(self, looks: dict[str, _Look]) -> dict[str, str]:
        """The remembered digests that can be trusted."""
        wanted = rows.to_json([path for path in looks if _is_text(path)])
        with self._connections.reading() as connection:
            found = connection.execute(tables.select_stamps, {"wanted": wanted}).all()
        return {
            path: digest
            for path, stamp, computed_at, digest in found
            if stamp == looks[path].stamp and looks[path].changed_at < computed_at - RACY_SECONDS
        }

    def _digest_of(self, path: str) -> str:
        try:
            return digest_of_path(self._root / path)
        except OSError as error:
            raise _unreadable(path, error.strerror) from error

    def _remember(self, digests: dict[str, str], looks: dict[str, _Look]) -> None:
        """The looks are from before the digests were taken: a change in between shows the next time."""
        now = self._clock()
        stamps = [
            {"path": path, "stamp": looks[path].stamp, "computed_at": now, "digest": digest}
            for path, digest in digests.items()
            if _is_text(path)
        ]
        if stamps:
            with self._connections.writing(durable=False) as connection:
                connection.execute(tables.replace_stamps, stamps)


def bundle_files(folder: Path) -> list[str]:
    """The files of a bundle's folder, relative to it, with `/`; what `digest_of_bundle` says is left out or refused."""
    found: list[str] = []
    for name in _walk(folder, ""):
        found.append(name)
        if len(found) > MAX_BUNDLE_FILES:
            raise InvalidBundle(
                f"The folder {folder} has more than {MAX_BUNDLE_FILES} files, which is no bundle of helper modules. "
                "Name a smaller folder.",
                path=str(folder),
            )
    return found


def _walk(folder: Path, beginning: str) -> Iterator[str]:
    if beginning.count("/") > MAX_BUNDLE_DEPTH:
        raise InvalidBundle(f"The folder {folder} is nested more than {MAX_BUNDLE_DEPTH} deep.", path=str(folder))
    for entry in _entries(folder):
        name = beginning + entry.name
        if entry.is_symlink():
            raise InvalidBundle(
                f"{entry.path} is a symbolic link, and a bundle has none: its content would not be part of the bundle. "
                "Put the file itself there.",
                path=entry.path,
            )
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{name}/")
        else:
            yield name


def _entries(folder: Path) -> Iterable[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.name not in IGNORED_FOLDERS]
    except OSError as error:
        raise InvalidBundle(
            f"The folder {folder} cannot be read: {error.strerror}. A bundle is a zip file or a folder.",
            path=str(folder),
        ) from error


def _is_text(path: str) -> bool:
    """Whether the database can keep this name; others (bytes that are no UTF-8) are read anew each time."""
    return path.isascii() or not any("\ud800" <= character <= "\udfff" for character in path)


def _unreadable(path: str, reason: str | None) -> InvalidInput:
    return InvalidInput(f"The file {path} cannot be read: {reason}.", path=path)
