"""Answers kept for their Idempotency-Key: in files of the workspace, so that all workers and a restart know them.

A file is locked while its call goes on; the kernel opens the lock when the process dies: none stays "in use".
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from estudio.server.problems import Refused

if TYPE_CHECKING:
    from types import TracebackType

MAX_KEY_CHARACTERS = 255
KEY = re.compile(r"[A-Za-z0-9._:-]+")
"""What UUIDs and most other keys are made of."""
SWEEP_SECONDS = 60.0
MAX_HEAD_BYTES = 4096
KEPT_STATUSES = frozenset({200, 422})
"""Of answers that the same call would get again; after others it is to be done anew."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A whole answer."""

    status: int
    media_type: str
    body: bytes
    version: int


class AnswerStore:
    """The kept answers of one workspace. Its methods block; any thread and process may call them."""

    def __init__(self, folder: Path, max_bytes: int, seconds: float) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._swept = 0.0

    def claim(self, endpoint_id: str, key: str, request_digest: str) -> AnswerClaim:
        """The right to answer this call, or the answer that there is.

        Raises:
            Refused: the key is too long (400), was used for another call (422), or its call is being answered (409).
        """
        if len(key) > MAX_KEY_CHARACTERS or not KEY.fullmatch(key):
            raise Refused(400, f"An Idempotency-Key has 1 to {MAX_KEY_CHARACTERS} letters, digits, and ._:-")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep()
        path = self._folder / hashlib.sha256(f"{endpoint_id}\n{key}".encode()).hexdigest()
        descriptor = _lock(path)
        if descriptor is None:
            raise Refused(409, "A call with this Idempotency-Key is being answered.", {"Retry-After": "1"})
        claim = AnswerClaim(descriptor, request_digest)
        try:
            claim.read(time.time() - self._seconds)
        except BaseException:
            claim.close()
            raise
        return claim

    def _sweep(self) -> None:
        """Remove what has expired, and the oldest beyond the room that there is; now and then."""
        now = time.monotonic()
        if now - self._swept < SWEEP_SECONDS and self._swept:
            return
        self._swept = now
        oldest = time.time() - self._seconds
        size = 0
        facts = [(entry.stat(), entry) for entry in os.scandir(self._folder)]
        for fact, entry in sorted(facts, key=lambda each: -each[0].st_mtime):
            size += fact.st_size
            if fact.st_mtime < oldest or size > self._max_bytes:
                _remove(entry.path)


class AnswerClaim:
    """A locked file. `answer` is what was kept for the same call; None where it is to be made now, and then `keep`."""

    def __init__(self, descriptor: int, request_digest: str) -> None:
        self._descriptor = descriptor
        self._digest = request_digest
        self.answer: KeptAnswer | None = None

    def read(self, oldest: float) -> None:
        """Read what is there; a file that was not finished is as none. Raises Refused (422)."""
        size = os.fstat(self._descriptor).st_size
        if size == 0 or os.fstat(self._descriptor).st_mtime < oldest:
            return
        head, _, body = os.pread(self._descriptor, size, 0).partition(b"\n")
        try:
            facts = json.loads(head[:MAX_HEAD_BYTES])
        except ValueError:
            return
        if facts["size"] != len(body):
            return
        if facts["request"] != self._digest:
            raise Refused(422, "This Idempotency-Key was used for another call; make a new key for each call.")
        self.answer = KeptAnswer(facts["status"], facts["media_type"], body, facts["version"])

    def keep(self, answer: KeptAnswer) -> None:
        """Keep an answer that the same call would get again."""
        if answer.status not in KEPT_STATUSES:
            return
        facts = {
            "status": answer.status,
            "media_type": answer.media_type,
            "version": answer.version,
            "request": self._digest,
            "size": len(answer.body),
        }
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(facts).encode() + b"\n" + answer.body, 0)

    def close(self) -> None:
        """Open the lock."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lock(path: Path) -> int | None:
    """A descriptor of the locked file, or None where somebody else has it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.close(descriptor)


def _remove(path: str) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        Path(path).unlink()
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)
