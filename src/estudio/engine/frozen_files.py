"""Files of the workspace as a run sees them: as they were when it first asked, whatever is edited while it runs.

A file is copied when it is first asked for, so that its digest in a cache key and what a script gets are the same
bytes. Only files too large for that are used in place, and refused when they have changed meanwhile.
"""

from __future__ import annotations

import os
import shutil
import stat
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from estudio.engine.snapshot import KeptFile
from estudio.engine.stored_values import SMALL_BYTES
from estudio.errors import InvalidInput
from estudio.store.objects import copy_descriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from estudio.store.protocols import ObjectStore

LARGE_FILE_BYTES = 64 << 20
"""Larger files, datasets as a rule, are neither copied nor kept: only their digest is."""
FILES_TOGETHER = 256
"""Small files that are stored with one wait for the disk; together they fit into memory."""
MAX_FOLDER_FILES = 50_000
"""As many as a bundle may have."""
_IGNORED = "__pycache__"
"""Made by Python beside the sources; bundles leave it out, too."""


@dataclass(frozen=True, slots=True)
class _InPlace:
    """A large file: where it is, and how it looked."""

    path: Path
    look: tuple[int, ...]


class FrozenFiles:
    """Opens files and folders of a workspace for one run: `files("scripts/rank.py")` is a path. Any thread may call it.

    Use it as a context manager: its folder is deleted at the end.

    Args:
        find: where a path of the workspace lies; refuses what is outside or missing.
        folder: a new folder of this run on the disk of the object store.
        file_digest: the digest of a large file; may remember it.
        large_bytes: from what size on files are used in place.
    """

    def __init__(
        self,
        find: Callable[[str], Path],
        folder: Path,
        file_digest: Callable[[Path], str],
        *,
        large_bytes: int = LARGE_FILE_BYTES,
    ) -> None:
        self._find = find
        self._folder = folder
        self._file_digest = file_digest
        self._large_bytes = large_bytes
        self._lock = threading.Lock()
        self._frozen: dict[str, Path] = {}
        self._copied: dict[str, Path] = {}
        self._folders: list[str] = []
        self._in_place: dict[str, _InPlace] = {}

    def __call__(self, path: str) -> Path:
        """Where the frozen file or folder lies.

        Raises:
            InvalidInput: no such file, or a large one that changed since the run began.
        """
        with self._lock:
            if path not in self._frozen:
                self._frozen[path] = self._freeze(path)
            if path in self._in_place:
                self._check_unchanged(path)
            return self._frozen[path]

    def keep(self, objects: ObjectStore) -> tuple[Mapping[str, KeptFile], tuple[str, ...]]:
        """Keep what was asked for so far; returns files and folders for the snapshot.

        Raises:
            StoreFailed: it cannot be kept.
            InvalidInput: a large file that changed since the run began.
        """
        with self._lock:
            files = _keep_copies(objects, self._copied)
            for path, large in self._in_place.items():
                files[path] = KeptFile(self._file_digest(large.path), large.look[0], is_kept=False)
                self._check_unchanged(path)
            return files, tuple(self._folders)

    def close(self) -> None:
        """Delete the copies."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _freeze(self, path: str) -> Path:
        found = self._find(path)
        try:
            if not found.is_dir():
                return self._freeze_file(path, found)
            target = self._folder / path
            target.mkdir(parents=True, exist_ok=True)
            self._folders.append(path)
            for inner in _files_below(found):
                self._freeze_file(f"{path.rstrip('/')}/{inner}", found / inner, always_copy=True)
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error.strerror or error}.", path=path) from error
        return target

    def _freeze_file(self, path: str, found: Path, *, always_copy: bool = False) -> Path:
        look = _look_at(found)
        if look[0] > self._large_bytes and not always_copy:
            self._in_place[path] = _InPlace(found, look)
            return found
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, target)
        self._copied[path] = target
        return target

    def _check_unchanged(self, path: str) -> None:
        large = self._in_place[path]
        try:
            unchanged = _look_at(large.path) == large.look
        except OSError:
            unchanged = False
        if not unchanged:
            raise InvalidInput(
                f"{path} was changed while it was used. Files larger than {self._large_bytes >> 20} MiB are used where "
                "they lie: leave them alone until the run has ended, then run again.",
                path=path,
            )


def _keep_copies(objects: ObjectStore, copies: Mapping[str, Path]) -> dict[str, KeptFile]:
    """Store copies: small ones together, larger ones each by itself."""
    sizes = {path: copy.stat().st_size for path, copy in copies.items()}
    small = [path for path, size in sizes.items() if size <= SMALL_BYTES]
    kept: dict[str, str] = {}
    for begin in range(0, len(small), FILES_TOGETHER):
        some = small[begin : begin + FILES_TOGETHER]
        digests = objects.put_many([copies[path].read_bytes() for path in some])
        kept |= dict(zip(some, digests, strict=True))
    for path in copies:
        if path not in kept:
            with copies[path].open("rb") as stream:
                kept[path] = objects.put_file(partial(copy_descriptor, stream.fileno()))
    return {path: KeptFile(kept[path], sizes[path]) for path in copies}


def _look_at(path: Path) -> tuple[int, ...]:
    """Size first; then what changes when the content does."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise InvalidInput(f"{path} is neither a file nor a folder.", path=str(path))
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _files_below(folder: Path) -> Iterator[str]:
    """The files below a folder, relative to it; links to folders are not followed."""
    count = 0
    for place, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if name != _IGNORED)
        for name in sorted(names):
            count += 1
            if count > MAX_FOLDER_FILES:
                raise InvalidInput(
                    f"The folder {folder} has more than {MAX_FOLDER_FILES} files; name a smaller one.",
                    path=str(folder),
                )
            yield os.path.relpath(os.path.join(place, name), folder)  # noqa: PTH118 -- os.walk gives texts
