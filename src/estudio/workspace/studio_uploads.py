"""Files on their way in, in numbered blocks, as the old client library sends them.

An upload lies in a folder of its own, so that any process of a server may take the next block. A block that is sent
again replaces the one before: clients repeat what they did not see answered.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from estudio.errors import InvalidDataset, ServiceBusy
from estudio.store.failures import failure_of_os

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

MAX_BLOCK_BYTES = 4 << 20
"""Twice what the Python client sends at once."""
MAX_BLOCKS = 4_096
"""8 GiB in the client's blocks: the store's files are no larger in practice."""
MAX_OPEN_UPLOADS = 1_000
"""Uploads that were begun and not used; each is a folder."""
ABANDONED_SECONDS = 24 * 3600.0
"""Nobody waits a day between two blocks."""
ID_CHARACTERS = 32
_HEX = frozenset("0123456789abcdef")
_COUNT = "count"
_WHOLE = "whole"
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Uploads:
    """The uploads of one workspace, below this folder. Any thread and process may use it."""

    folder: Path
    clock: Callable[[], float] = field(default=time.time)

    def begin(self) -> str:
        """A new upload's id: 32 hexadecimal digits. Abandoned ones are removed first.

        Raises:
            ServiceBusy: MAX_OPEN_UPLOADS are open already.
            StoreFailed: no folder can be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._sweep() >= MAX_OPEN_UPLOADS:
                raise ServiceBusy(
                    f"{MAX_OPEN_UPLOADS} uploads are open, the most there may be; they are given up after "
                    f"{ABANDONED_SECONDS / 3600:.0f} hours. Finish some, or try again later.",
                    retry_after_seconds=3600,
                )
            upload = secrets.token_hex(ID_CHARACTERS // 2)
            (self.folder / upload).mkdir(mode=0o700)
        except OSError as error:
            raise failure_of_os(error, self.folder) from error
        return upload

    def put_block(self, upload: str, count: int, number: int, content: bytes) -> None:
        """Keep block `number` (from 0) of `count`; blocks may come in any order and more than once.

        Raises:
            InvalidDataset: no such upload, a number that cannot be, another count than before, or too large a block.
            StoreFailed: it cannot be kept.
        """
        place = self._place(upload)
        if not (0 < count <= MAX_BLOCKS and 0 <= number < count):
            raise InvalidDataset(
                f"Block {number} of {count} cannot be: blocks are numbered from 0, and there are 1 to {MAX_BLOCKS}.",
                upload=upload,
            )
        if len(content) > MAX_BLOCK_BYTES:
            raise InvalidDataset(
                f"The block has {len(content)} bytes; a block has at most {MAX_BLOCK_BYTES}.", upload=upload
            )
        with self._written(place):
            known = _claim_count(place, count)
            if known != count:
                raise InvalidDataset(
                    f"This upload has {known} blocks, not {count}: that was said with its first block.", upload=upload
                )
            _replace(place, f"{number:06d}", [content])

    def put_whole(self, upload: str, chunks: Iterable[bytes]) -> None:
        """Keep a file that came at once. Raises InvalidDataset where there is no such upload, StoreFailed."""
        place = self._place(upload)
        with self._written(place):
            _claim_count(place, 1)
            _replace(place, f"{0:06d}", chunks)

    def assemble(self, upload: str, file_name: str) -> Path:
        """One file of all blocks in their order, of that name, in the upload's folder; empty where there are none.

        Raises:
            InvalidDataset: no such upload, or a block is missing.
            StoreFailed: there is no room.
        """
        place = self._place(upload)
        with self._written(place):
            count = int((place / _COUNT).read_text()) if (place / _COUNT).exists() else 0
            blocks = [place / f"{number:06d}" for number in range(count)]
            missing = [number for number, block in enumerate(blocks) if not block.exists()]
            if missing:
                listed = ", ".join(map(str, missing[:10])) + (" …" if len(missing) > 10 else "")
                raise InvalidDataset(
                    f"The upload lacks {len(missing)} of its {count} blocks: {listed}. Send them, then try again.",
                    upload=upload,
                )
            target = place / f"{_WHOLE}-{file_name}"
            with target.open("wb") as whole:
                for block in blocks:
                    with block.open("rb") as source:
                        shutil.copyfileobj(source, whole, 1 << 20)
            return target

    def remove(self, upload: str) -> None:
        """Forget it; nothing happens where it is gone."""
        if _is_id(upload):
            shutil.rmtree(self.folder / upload, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time: between looking for a dataset's name and taking it. Raises StoreFailed."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise failure_of_os(error, self.folder) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _place(self, upload: str) -> Path:
        place = self.folder / upload
        if _is_id(upload) and place.is_dir():
            return place
        raise InvalidDataset(
            f"There is no upload {upload[:ID_CHARACTERS]!r}: it was used already, or given up after "
            f"{ABANDONED_SECONDS / 3600:.0f} hours. Begin a new one.",
            upload=upload,
        )

    @contextmanager
    def _written(self, place: Path) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise InvalidDataset("The upload was given up meanwhile. Begin a new one.", upload=place.name) from error
        except OSError as error:
            raise failure_of_os(error, place) from error

    def _sweep(self) -> int:
        """Remove abandoned uploads; how many are left."""
        before, left = self.clock() - ABANDONED_SECONDS, 0
        for entry in os.scandir(self.folder):
            with suppress(FileNotFoundError):
                if not _is_id(entry.name):
                    continue
                if entry.stat().st_mtime < before:
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    left += 1
        return left


def _is_id(text: str) -> bool:
    return len(text) == ID_CHARACTERS and _HEX.issuperset(text)


def _claim_count(place: Path, count: int) -> int:
    """What the first block said; of two at the same time, one is first: the name appears with its content."""
    target = place / _COUNT
    if not target.exists():
        beside = place / f"{_COUNT}.{secrets.token_hex(4)}"
        beside.write_text(str(count))
        with suppress(FileExistsError):
            os.link(beside, target)
        beside.unlink()
    return int(target.read_text())


def _replace(place: Path, name: str, chunks: Iterable[bytes]) -> None:
    beside = place / f"{name}.{secrets.token_hex(4)}"
    try:
        with beside.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
        beside.replace(place / name)
    finally:
        beside.unlink(missing_ok=True)
