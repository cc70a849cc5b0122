"""How states of runs and modules look: a sign, a word and a tone for each. Colour never stands alone.

A test holds that every state has its entry here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.run import ModuleState, ReasonCode, RunState

if TYPE_CHECKING:
    from estudio.cli.screen import Tone
    from estudio.core.run import Reason

MAX_NAMED_CHANGES = 2
"""Of a reason on one line; `estudio history show` has all."""


@dataclass(frozen=True, slots=True)
class StateWords:
    """A state for people. `plain_sign` is for terminals that know ASCII only."""

    sign: str
    plain_sign: str
    words: str
    tone: Tone


MODULE_WORDS: dict[ModuleState, StateWords] = {
    ModuleState.WAITING: StateWords("·", ".", "waits", "faint"),
    ModuleState.RUNNING: StateWords("▶", ">", "runs", "plain"),
    ModuleState.FINISHED: StateWords("✓", "+", "finished", "good"),
    ModuleState.REUSED: StateWords("↺", "=", "reused", "good"),
    ModuleState.FAILED: StateWords("✗", "x", "failed", "error"),
    ModuleState.BLOCKED: StateWords("⊘", "-", "blocked", "warning"),
    ModuleState.SKIPPED: StateWords("○", "o", "skipped", "faint"),
    ModuleState.CANCELLED: StateWords("■", "c", "cancelled", "warning"),
    ModuleState.INTERRUPTED: StateWords("!", "!", "interrupted", "warning"),
}
RUN_WORDS: dict[RunState, StateWords] = {
    RunState.RUNNING: StateWords("▶", ">", "running", "plain"),
    RunState.FINISHED: StateWords("✓", "+", "finished", "good"),
    RunState.FINISHED_WITH_FAILURES: StateWords("✗", "x", "finished with failures", "warning"),
    RunState.FAILED: StateWords("✗", "x", "failed", "error"),
    RunState.CANCELLED: StateWords("■", "c", "cancelled", "warning"),
    RunState.INTERRUPTED: StateWords("!", "!", "interrupted", "warning"),
}
REASON_WORDS: dict[ReasonCode, str] = {
    ReasonCode.REUSED: "nothing changed",
    ReasonCode.FIRST: "ran for the first time",
    ReasonCode.CHANGED: "ran again: it changed",
    ReasonCode.FRESH: "ran again: asked for fresh",
    ReasonCode.NOT_DETERMINISTIC: "ran again: not deterministic",
    ReasonCode.RESULT_LOST: "ran again: its stored result was lost",
}


def reason_words(reason: Reason | None, *, most: int = MAX_NAMED_CHANGES) -> str:
    """Why a module ran or was reused, on one line; "" where nobody said."""
    if reason is None:
        return ""
    if not reason.changes:
        return REASON_WORDS[reason.code]
    named = "; ".join(reason.changes[:most])
    more = len(reason.changes) - most
    return f"ran again: {named}{f'; and {more} more' if more > 0 else ''}"
