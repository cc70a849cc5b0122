"""Lets one process at a time build an environment, and tells those who wait how far it is.

The lock is the kernel's (flock): it ends with the processes that hold it, whatever ends them, so a file that is left
behind locks nobody out. The file's text is the last progress of whoever holds it.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

POLL_SECONDS = 0.1
"""Short beside any build, long beside a system call."""
MAX_WORDS_BYTES = 400
"""One line of progress."""


@contextmanager
def building_lock(path: Path, on_progress: Callable[[str], None]) -> Iterator[int]:
    """Hold the lock file `path` and give its descriptor, waiting as long as another process builds.

    Processes that inherit the descriptor keep the lock too.

    Raises:
        OSError: the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait(descriptor, on_progress)
        yield descriptor
    finally:
        os.close(descriptor)


def note_progress(descriptor: int, words: str) -> None:
    """Leave the last progress for those who wait."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, words.encode()[:MAX_WORDS_BYTES], 0)


def _wait(descriptor: int, on_progress: Callable[[str], None]) -> None:
    told = ""
    while not _try(descriptor):
        words = os.pread(descriptor, MAX_WORDS_BYTES, 0).decode(errors="replace")
        waiting = f"waiting for another process that builds it: {words}" if words else "waiting for another process"
        if waiting != told:
            on_progress(waiting)
            told = waiting
        time.sleep(POLL_SECONDS)
    os.ftruncate(descriptor, 0)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
