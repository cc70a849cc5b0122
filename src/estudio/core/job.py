"""A batch call of a web service: its states and their moves, what it reads and what it gave.

A job outlives the process that works on it: whoever claims it is its owner, and a job whose owner died is queued again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.module_kind import Value
    from estudio.core.run import Owner

MAX_ATTEMPTS = 3
"""How often a job is begun without getting on where our own processes fail; an author's error is never tried again."""


class JobState(StrEnum):
    """How far a job is, or how it ended."""

    NOT_STARTED = "not-started"
    """Made by an old client, which starts it by a call of its own."""
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


JOB_MOVES: Mapping[JobState, frozenset[JobState]] = {
    JobState.NOT_STARTED: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED, JobState.FAILED}),
    JobState.RUNNING: frozenset({JobState.QUEUED, JobState.FINISHED, JobState.FAILED, JobState.CANCELLED}),
}
"""Nothing leaves a final state. Running → queued: handed back by a server that stops, or left by one that died."""


class JobFileKind(StrEnum):
    """Where a job's input comes from or its output goes."""

    OBJECT = "object"
    """Uploaded, or a result: `place` is the digest of a stored object."""
    WORKSPACE = "workspace"
    """`place` is a path of the workspace."""


@dataclass(frozen=True, slots=True)
class JobFile:
    """A table's file. `format` is a suffix such as `csv` or `parquet`, as `tables.formats` knows it."""

    kind: JobFileKind
    place: str
    format: str


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What is asked for: a file for each input, for outputs where they go beside the store, parameters' values."""

    inputs: Mapping[str, JobFile] = field(default_factory=dict)
    outputs: Mapping[str, JobFile] = field(default_factory=dict)
    parameters: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobResult:
    """What one output gave: a stored file."""

    digest: str
    format: str
    size_bytes: int
    row_count: int


@dataclass(frozen=True, slots=True)
class Job:
    """One job. Times are seconds since the epoch, None before they happen.

    Attributes:
        id: 32 hexadecimal digits.
        service_id: of its service.
        endpoint_id: that was called.
        version: that scores it, fixed when it was made.
        attempts: how often it was begun since it last got on: a part that was kept makes it 1 again.
        rows_done: of `rows_total`, which is None until the input has been read.
        error: `code`, `message`, `module`, `classic_text` and what else is known.
        is_cancelling: somebody asked for its end; its owner sees that within a second.
        idempotency_key: of the caller, for whom the same key is the same job; "" for none.
        expires_at: when results and record are removed.
    """

    id: str
    service_id: str
    endpoint_id: str
    version: int
    state: JobState
    request: JobRequest
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    owner: Owner | None = None
    attempts: int = 0
    rows_done: int = 0
    rows_total: int | None = None
    results: Mapping[str, JobResult] = field(default_factory=dict)
    error: Mapping[str, str | int | None] | None = None
    is_cancelling: bool = False
    idempotency_key: str = ""
    expires_at: float | None = None


def can_move_job(before: JobState, after: JobState) -> bool:
    """Whether a state may follow another one."""
    return after in JOB_MOVES.get(before, frozenset())
