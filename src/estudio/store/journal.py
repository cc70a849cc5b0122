"""A journal that makes small objects durable by one sync for many, in place of two or more for each.

An object is appended here and synced before its file appears, so a file that is there is durable, though its own bytes
may still be in the kernel's memory only. After a power failure the next one who opens the store makes the files anew
from the journal. A journal is locked as long as its process lives; the kernel lets go, however that ends.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import threading
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from blake3 import blake3

from estudio.store.incoming import sync_folder, write_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

SMALL_BYTES = 16 * 1024
"""Objects up to here go through the journal; for larger ones writing the bytes twice costs more than a sync."""
MAX_JOURNAL_BYTES = 8 * 1024 * 1024
"""Then a new one is begun: reading it again after a crash takes a few milliseconds."""
_HEADER = struct.Struct("<4sI32s")
"""Magic, number of bytes, digest; then the bytes."""
_MAGIC = b"esj1"


class Journal:
    """The journal of this process, made when the first object comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._descriptor = -1
        self._size = 0
        self._pid = 0
        folder.mkdir(exist_ok=True)

    def append(self, contents: Mapping[str, bytes]) -> None:
        """Make these contents durable under their digests. Raises OSError."""
        frames = b"".join(
            _HEADER.pack(_MAGIC, len(content), bytes.fromhex(digest)) + content for digest, content in contents.items()
        )
        with self._lock:
            if self._pid != os.getpid() or self._size > MAX_JOURNAL_BYTES:
                self._begin()
            try:
                write_all(self._descriptor, frames)
                os.fdatasync(self._descriptor)
            except OSError:
                self._let_go()
                raise
            self._size += len(frames)

    def _begin(self) -> None:
        """Begin a new journal; the one before is no longer needed once all that it holds is synced."""
        before, is_own = (self._path, self._descriptor), self._pid == os.getpid()
        self._path, self._descriptor = _new_journal(self._folder)
        self._size, self._pid = 0, os.getpid()
        if before[0] is not None and is_own:
            sync_file_system(self._descriptor)
            before[0].unlink(missing_ok=True)
        if before[0] is not None:
            os.close(before[1])

    def close(self) -> None:
        """Let go of the journal; whoever opens the store next settles it."""
        with self._lock:
            if self._pid == os.getpid():
                self._let_go()

    def _let_go(self) -> None:
        """Never append to it again: a frame that was torn by a full disk would hide all that came after it."""
        os.close(self._descriptor)
        self._pid, self._path = 0, None


def settle_abandoned(folder: Path, restore: Callable[[str, bytes], None]) -> None:
    """Go through the journals of the dead: give each object to `restore`, sync everything, delete. Raises OSError."""
    for path in sorted(folder.iterdir()):
        with suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _is_locked_by_us(descriptor):
                    for digest, content in read_journal(path):
                        restore(digest, content)
                    sync_file_system(descriptor)
                    path.unlink(missing_ok=True)
            finally:
                os.close(descriptor)


def read_journal(path: Path) -> Iterator[tuple[str, bytes]]:
    """The digests and contents of a journal, up to where it was torn. Raises OSError."""
    content = path.read_bytes()
    place = 0
    while place + _HEADER.size <= len(content):
        magic, size, digest = _HEADER.unpack_from(content, place)
        place += _HEADER.size
        body = content[place : place + size]
        if magic != _MAGIC or blake3(body).digest() != digest:
            return
        yield digest.hex(), body
        place += size


def sync_file_system(descriptor: int) -> None:
    """Wait until all that was written to the file system of this descriptor is on disk. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _new_journal(folder: Path) -> tuple[Path, int]:
    while True:
        path = folder / uuid.uuid4().hex
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            sync_folder(folder)
            return path, descriptor
        os.close(descriptor)


def _is_locked_by_us(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
