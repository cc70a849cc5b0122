"""Objects as files of one folder: `ab/cdef…-SIZE`, named by the BLAKE3 digest of the bytes and by their number.

The size in the name makes a truncated file visible at each use, without reading it. It is a secret of this module:
everybody else knows the digest alone. An object's time of change is its time of last use; `store.prune` relies on that.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from estudio.errors import ObjectDamaged, ObjectMissing
from estudio.store.failures import failure_of_os
from estudio.store.incoming import IncomingFiles, sync_folder, write_all
from estudio.store.journal import SMALL_BYTES, Journal, settle_abandoned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

DIGEST_CHARACTERS = 64
"""32 bytes in lower-case hex."""
TOUCH_SECONDS = 60.0
"""A use is recorded only where the last one is older: far below any grace time, and no write at most uses."""
MANY_THREADS_BYTES = 1024 * 1024
"""From this size on hashing uses all cores; below, starting threads costs more than it gains."""
_HEX = frozenset("0123456789abcdef")


class ObjectFolder:
    """The `ObjectStore` in a folder. Any thread and any number of processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        """Use this folder; it is made where it is missing. Raises StoreFailed."""
        self.folder = folder
        self._folder_text = str(folder)
        self._sizes: dict[str, dict[str, int]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._incoming = IncomingFiles(folder / "incoming")
            _make_folders(folder)
            self._journal = Journal(folder / "journal")
            settle_abandoned(folder / "journal", self._restore)
        except OSError as error:
            raise failure_of_os(error, folder) from error

    def close(self) -> None:
        """Let go of the journal; the store may be used on."""
        self._journal.close()

    def put_bytes(self, content: bytes) -> str:
        """Keep these bytes; returns their digest. What is there already is not written again."""
        return self.put_many([content])[0]

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        """Keep several at once, which costs less than one after the other; returns their digests in order."""
        digests = [digest_of_bytes(content) for content in contents]
        try:
            pairs = dict(zip(digests, contents, strict=True)).items()
            self._put({digest: content for digest, content in pairs if not self._is_durable(digest, len(content))})
        except OSError as error:
            raise failure_of_os(error, self.folder) from error
        return digests

    def _put(self, contents: Mapping[str, bytes]) -> None:
        """Small ones are durable by the journal, others by themselves; all of them before they have their names."""
        small = {digest: content for digest, content in contents.items() if len(content) <= SMALL_BYTES}
        if small:
            self._journal.append(small)
        with self._incoming.files(len(contents)) as files:
            for file, content in zip(files, contents.values(), strict=True):
                write_all(file.descriptor, content)
            for file, digest in zip(files, contents, strict=True):
                if digest not in small:
                    os.fsync(file.descriptor)
            for file, (digest, content) in zip(files, contents.items(), strict=True):
                self._name(file.path, digest, len(content))
        for beginning in {digest[:2] for digest in contents if digest not in small}:
            sync_folder(self.folder / beginning)

    def put_file(self, write: Callable[[int], None]) -> str:
        """Keep what `write` writes into the descriptor it is given; nobody may write into it any later."""
        try:
            with self._incoming.files(1) as (file,):
                write(file.descriptor)
                return self._keep(Path(file.path), file.descriptor)
        except OSError as error:
            raise failure_of_os(error, self.folder) from error

    def put_descriptor(self, source: int) -> str:
        """Keep a copy of a regular file or memfd, made by the kernel; its position does not matter and stays.

        What is there already is not copied.
        """
        try:
            digest = digest_of_descriptor(source)
            if self._is_durable(digest, os.fstat(source).st_size):
                return digest
        except OSError as error:
            raise failure_of_os(error, self.folder) from error
        return self.put_file(lambda target: copy_descriptor(source, target))

    def read_bytes(self, digest: str, most: int) -> bytes:
        """The bytes, at most `most` of them. Raises ObjectMissing or ObjectDamaged."""
        path = self.path_of(digest)
        try:
            with path.open("rb") as file:
                return file.read(most)
        except FileNotFoundError as error:
            raise object_missing(digest) from error
        except OSError as error:
            raise failure_of_os(error, path) from error

    def path_of(self, digest: str) -> Path:
        """Where the object lies, for mapping; its size is checked. Raises ObjectMissing or ObjectDamaged."""
        found = self._find(digest)
        if found is None:
            raise object_missing(digest)
        path, size, status = found
        if status.st_size != size:
            raise object_damaged(digest, f"it has {status.st_size} bytes, not {size}")
        if not _touch(path, status):
            raise object_missing(digest)
        return path

    def has(self, digest: str) -> bool:
        """Whether it is there with its right size; then it was used now, and no prune removes it for a while."""
        found = self._find(digest)
        return found is not None and found[2].st_size == found[1] and _touch(found[0], found[2])

    def list_objects(self) -> Iterator[tuple[str, int, float]]:
        """All objects as (digest, size in bytes, time of last use or writing)."""
        for digest, path, _ in self._all():
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            yield digest, status.st_size, status.st_mtime

    def remove(self, digest: str) -> None:
        """Delete an object; nothing happens where it is gone already."""
        found = self._find(digest)
        if found is not None:
            found[0].unlink(missing_ok=True)
            self._sizes.get(digest[:2], {}).pop(digest[2:], None)

    def remove_unused(self, digest: str, used_before: float) -> bool:
        """Delete an object unless it was used at or after this time, even in this very moment.

        It is taken out of its place first and put back if somebody's use had come before that.
        """
        found = self._find(digest)
        if found is None or found[2].st_mtime >= used_before:
            return False
        path = found[0]
        aside = self._incoming.new_path()
        try:
            path.rename(aside)
        except FileNotFoundError:
            return False
        if aside.stat().st_mtime >= used_before:
            aside.rename(path)
            return False
        aside.unlink()
        return True

    def verify(self) -> Iterator[str]:
        """Read every object; yields the digests of those that are damaged."""
        for digest, path, size in self._all():
            try:
                is_whole = path.stat().st_size == size and digest_of_path(path) == digest
            except FileNotFoundError:
                continue
            except OSError:
                is_whole = False
            if not is_whole:
                yield digest

    def _keep(self, path: Path, descriptor: int) -> str:
        size = os.fstat(descriptor).st_size
        if size <= SMALL_BYTES:
            return self.put_bytes(path.read_bytes())
        with ThreadPoolExecutor(1) as disk:
            synced = disk.submit(os.fsync, descriptor)
            digest = digest_of_path(path)
            synced.result()
        if not self._is_durable(digest, size):
            self._name(path, digest, size)
            sync_folder(self.folder / digest[:2])
        return digest

    def _name(self, path: str | Path, digest: str, size: int) -> None:
        """Move a durable file to its place."""
        os.rename(path, self._place(digest, size))  # noqa: PTH104 -- texts: this is the hot path
        self._sizes.setdefault(digest[:2], {})[digest[2:]] = size

    def _restore(self, digest: str, content: bytes) -> None:
        """Make the file of a journal's object where the power failed before it was on disk."""
        path = self._path(digest, len(content))
        try:
            is_whole = path.stat().st_size == len(content) and path.read_bytes() == content
        except FileNotFoundError:
            is_whole = False
        if not is_whole:
            with self._incoming.files(1) as (file,):
                write_all(file.descriptor, content)
                self._name(file.path, digest, len(content))

    def _is_durable(self, digest: str, size: int) -> bool:
        """Whether it is here whole, and stays: whoever made it may not have synced the folder yet."""
        place = self._place(digest, size)
        try:
            status = os.stat(place)  # noqa: PTH116 -- parsing a path takes longer than this
        except FileNotFoundError:
            return False
        if status.st_size != size or not _touch(place, status):
            return False
        if size > SMALL_BYTES:
            sync_folder(self.folder / digest[:2])
        return True

    def _path(self, digest: str, size: int) -> Path:
        return Path(self._place(digest, size))

    def _place(self, digest: str, size: int) -> str:
        return f"{self._folder_text}/{digest[:2]}/{digest[2:]}-{size}"

    def _find(self, digest: str) -> tuple[Path, int, os.stat_result] | None:
        """The object's path, its right size, and how it is."""
        if len(digest) != DIGEST_CHARACTERS or not _HEX.issuperset(digest):
            return None
        for sizes in (self._sizes.get(digest[:2]), None):
            size = (self._sizes_of(digest[:2]) if sizes is None else sizes).get(digest[2:])
            if size is not None:
                path = self._path(digest, size)
                with suppress(FileNotFoundError):
                    return path, size, path.stat()
        return None

    def _sizes_of(self, beginning: str) -> dict[str, int]:
        """List a folder anew: what is in it, by the rest of the digest."""
        sizes: dict[str, int] = {}
        try:
            for entry in os.scandir(self.folder / beginning):
                rest, _, size = entry.name.partition("-")
                if size.isdecimal():
                    sizes[rest] = int(size)
        except FileNotFoundError:
            return {}
        self._sizes[beginning] = sizes
        return sizes

    def _all(self) -> Iterator[tuple[str, Path, int]]:
        """Every object's digest, path and right size, in the order of the digests."""
        for folder in sorted(self.folder.iterdir()):
            if len(folder.name) == 2:
                for rest, size in sorted(self._sizes_of(folder.name).items()):
                    yield folder.name + rest, folder / f"{rest}-{size}", size


def _make_folders(folder: Path) -> None:
    """All 256 at once: making one and syncing its parent during a put would cost more than the put."""
    names = [f"{number:02x}" for number in range(256)]
    if not (folder / names[-1]).is_dir():
        for name in names:
            (folder / name).mkdir(exist_ok=True)
        sync_folder(folder)


def digest_of_bytes(content: bytes) -> str:
    """The digest that an object of these bytes has."""
    threads = blake3.AUTO if len(content) >= MANY_THREADS_BYTES else 1
    return blake3(content, max_threads=threads).hexdigest()


def digest_of_path(path: Path) -> str:
    """The digest that an object with the bytes of this file has; large files are mapped. Raises OSError."""
    threads = blake3.AUTO if path.stat().st_size >= MANY_THREADS_BYTES else 1
    return blake3(max_threads=threads).update_mmap(path).hexdigest()


def digest_of_descriptor(descriptor: int) -> str:
    """The digest that a copy of this regular file or memfd has, wherever its position is. Raises OSError."""
    return digest_of_path(Path(f"/proc/self/fd/{descriptor}"))


def copy_descriptor(source: int, target: int) -> None:
    """Copy a whole regular file or memfd inside the kernel, wherever their positions are. Raises OSError."""
    size, done = os.fstat(source).st_size, 0
    while done < size:
        try:
            copied = os.copy_file_range(source, target, size - done, offset_src=done)
        except OSError:
            copied = os.sendfile(target, source, done, size - done)
        if copied == 0:
            break
        done += copied


def object_missing(digest: str) -> ObjectMissing:
    """The error for an object that is not there."""
    return ObjectMissing(
        f"The stored object {digest} is missing. Run the experiment again: what made it is then executed anew. "
        "`estudio store verify` lists what else is missing.",
        digest=digest,
    )


def object_damaged(digest: str, detail: str) -> ObjectDamaged:
    """The error for an object that is not what was stored."""
    return ObjectDamaged(
        f"The stored object {digest} is damaged: {detail}. Run the experiment again: what made it is then executed "
        "anew and replaces it. `estudio store verify` lists what else is damaged.",
        digest=digest,
        detail=detail,
    )


def _touch(path: str | Path, status: os.stat_result) -> bool:
    """Record a use; False where the object went away meanwhile. Who may not change the time only reads."""
    if status.st_mtime >= time.time() - TOUCH_SECONDS:
        return True
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    except PermissionError:
        return Path(path).exists()
    return True
