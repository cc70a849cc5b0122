"""One execution of an experiment snapshot: states and their moves, records, and why a module ran or was reused.

States move along `RUN_MOVES` and `MODULE_MOVES` only; nothing leaves a final state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class RunState(StrEnum):
    """How far a run is, or how it ended."""

    RUNNING = "running"
    FINISHED = "finished"
    FINISHED_WITH_FAILURES = "finished-with-failures"
    """A partial run: some of the modules that were asked for finished, others did not."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """The process that ran it died; the next command noticed."""


class ModuleState(StrEnum):
    """How far a module of a run is, or how it ended."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    REUSED = "reused"
    """An earlier run had the same result; nothing was executed."""
    FAILED = "failed"
    BLOCKED = "blocked"
    """Something it depends on failed."""
    SKIPPED = "skipped"
    """Not asked for in this partial run."""
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


RUN_MOVES: Mapping[RunState, frozenset[RunState]] = {
    RunState.RUNNING: frozenset(RunState) - {RunState.RUNNING},
}
MODULE_MOVES: Mapping[ModuleState, frozenset[ModuleState]] = {
    ModuleState.WAITING: frozenset(ModuleState) - {ModuleState.WAITING, ModuleState.FINISHED, ModuleState.FAILED},
    ModuleState.RUNNING: frozenset(
        {ModuleState.FINISHED, ModuleState.FAILED, ModuleState.CANCELLED, ModuleState.INTERRUPTED}
    ),
}


def can_move(before: RunState | ModuleState, after: RunState | ModuleState) -> bool:
    """Whether a state may follow another one; both of a run, or both of a module."""
    if isinstance(before, RunState):
        return after in RUN_MOVES.get(before, frozenset())
    return after in MODULE_MOVES.get(before, frozenset())


class ReasonCode(StrEnum):
    """Why a module was executed, or was not."""

    REUSED = "reused"
    FIRST = "first"
    """It never ran before in this workspace with results that are still there."""
    CHANGED = "changed"
    """`Reason.changes` says what differs from the last time."""
    FRESH = "fresh"
    """The person asked for a fresh run."""
    NOT_DETERMINISTIC = "not-deterministic"
    RESULT_LOST = "result-lost"
    """It was stored, but its file is missing or damaged."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a module was executed or reused: a code, what changed in words, and the run whose result is reused."""

    code: ReasonCode
    changes: tuple[str, ...] = ()
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class KeyParts:
    """All that a module's result depends on, by name: `kind`, `script`, `dataset1`, `parameter trees`, `seed`.

    Values are short texts or digests. The cache key is a digest of the parts; the parts themselves are stored, so
    that two runs can be compared in words. `schemas` names the columns and types of each table input, for better words.
    """

    parts: Mapping[str, str]
    schemas: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """What an output port gave: the digest of its object, and enough to show it without opening that.

    For a table: rows, columns as (name, type). For a visualization and a bundle: only the digest.
    """

    port: str
    type: str
    digest: str
    size_bytes: int
    row_count: int | None = None
    columns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that executes a run: its pid and the time it started in clock ticks since boot, and the boot's id.

    Together they never come to mean another process.
    """

    pid: int
    started: str
    boot: str


@dataclass(frozen=True, slots=True)
class ModuleRun:
    """What became of one module in one run. Times are seconds since the epoch, None before they happen."""

    module: str
    kind: str
    state: ModuleState = ModuleState.WAITING
    reason: Reason | None = None
    key: str | None = None
    key_parts: KeyParts | None = None
    outputs: tuple[StoredOutput, ...] = ()
    log: str | None = None
    """The digest of what was printed."""
    error: Mapping[str, str | int | None] | None = None
    """`code`, `message`, `traceback`, `line`, `classic_text`; for a blocked module `message` names what failed."""
    started_at: float | None = None
    ended_at: float | None = None
    facts: Mapping[str, str | float | None] = field(default_factory=dict)
    """Isolation level, environment digest, seed, timings: for people and for later questions."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run, without its modules.

    Attributes:
        id: sorts by time of start.
        experiment: the document's name (its file's stem).
        snapshot: the digest of the snapshot object: documents, scripts, bundles, locks, parameters.
        partial: whether only some modules were asked for.
        owner: who executes it.
        facts: versions, parameters as given, machine.
    """

    id: str
    experiment: str
    snapshot: str
    state: RunState
    partial: bool
    started_at: float
    owner: Owner
    ended_at: float | None = None
    facts: Mapping[str, str | float | None] = field(default_factory=dict)
