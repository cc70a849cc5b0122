"""Files on their way into the object store: written under a name that tells whose they are, then renamed.

What a process left behind is swept by the next one, once its owner is dead and some time has passed: a process of
another container may look dead from here.
"""

from __future__ import annotations

import itertools
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.core.run import Owner
from estudio.store.owners import is_alive, this_process

if TYPE_CHECKING:
    from collections.abc import Iterator

ABANDONED_SECONDS = 3600.0
"""Longer than writing one object takes anywhere."""
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A new file, open for writing and reading, readable only for whoever opens it later.

    Its path is a text: parsing it takes longer than making the file.
    """

    path: str
    descriptor: int


class IncomingFiles:
    """The folder of files on their way."""

    def __init__(self, folder: Path) -> None:
        """Make the folder and sweep it. Raises OSError."""
        self.folder = folder
        self._folder_text = str(folder)
        folder.mkdir(exist_ok=True)
        self.sweep(time.time())

    @contextmanager
    def files(self, count: int) -> Iterator[list[IncomingFile]]:
        """New files; what was not renamed at the end is deleted. Raises OSError."""
        made: list[IncomingFile] = []
        try:
            for _ in range(count):
                path = self._new_place()
                made.append(IncomingFile(path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)))
            yield made
        finally:
            for file in made:
                os.close(file.descriptor)
                with suppress(FileNotFoundError):
                    os.unlink(file.path)  # noqa: PTH108 -- see `IncomingFile`

    def new_path(self) -> Path:
        """A name that nobody else uses, which tells its owner."""
        return Path(self._new_place())

    def _new_place(self) -> str:
        return f"{self._folder_text}/{_prefix(os.getpid())}_{next(_numbers)}"

    def sweep(self, now: float) -> None:
        """Delete files of dead owners that are older than ABANDONED_SECONDS. Raises OSError."""
        for entry in os.scandir(self.folder):
            with suppress(FileNotFoundError):
                if entry.stat().st_mtime < now - ABANDONED_SECONDS and not _has_owner(entry.name):
                    Path(entry.path).unlink()


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it. Raises OSError."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_folder(folder: Path) -> None:
    """Wait until the folder's names are on disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@cache
def _prefix(_pid: int) -> str:
    """What names this process; once for each, also after a fork."""
    owner = this_process()
    return f"{owner.pid}_{owner.started}_{owner.boot}"


def _has_owner(name: str) -> bool:
    pid, _, rest = name.partition("_")
    started, _, rest = rest.partition("_")
    return pid.isdecimal() and is_alive(Owner(int(pid), started, rest.rpartition("_")[0]))
