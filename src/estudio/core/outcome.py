"""What came of one script call, as values: states, the author's error, pictures, times, walls.

A script's failure is data, not an exception: whoever runs other people's scripts must be able to look at it calmly.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ScriptState(StrEnum):
    """How a script call ended."""

    FINISHED = "finished"
    FAILED = "failed"
    """The author's error: an exception, a wrong return value, an exit."""
    TIMED_OUT = "timed-out"
    OUT_OF_MEMORY = "out-of-memory"
    """Said by the kernel, or by the interpreter with a MemoryError; never guessed."""
    OUTPUT_TOO_LARGE = "output-too-large"
    KILLED = "killed"
    """The process died by a signal: a crash in compiled code, or a forbidden system call."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ScriptError:
    """Why a call did not finish.

    Attributes:
        code: stable: `script-raised`, `syntax-error`, `wrong-result`, `wrong-parameter`, `no-entry-point`,
            `script-exited`, `process-died`, `timed-out`, `out-of-memory`, `output-too-large`, `cancelled`.
        message: one sentence for people, starting with what happened.
        traceback: the author's frames with their source lines, or "".
        line: the innermost line of the script itself, counted from 1, or None.
        classic_text: what the old system would have shown (Error 0085, 0138, 1000), lines joined by CR LF.
    """

    code: str
    message: str
    traceback: str = ""
    line: int | None = None
    classic_text: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture as the script made it. The bytes were checked for PNG's magic and size only, never decoded."""

    name: str
    png: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Visualization:
    """The second output of the old module: printed text and pictures, in order of creation.

    `concatenated` is all pictures below one another, where there are several and the environment can draw it.
    """

    text: str = ""
    images: tuple[Image, ...] = ()
    concatenated: Image | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of a call went, in seconds.

    `queue`: waiting for a ready guest · `start`: job sent until the guest has it · `hand_over`: mapping the tables ·
    `script`: the script's own code · `result`: writing, sending and validating the result · `total`: all of it.
    The three in the middle are the guest's own word.
    """

    queue_seconds: float = 0.0
    start_seconds: float = 0.0
    hand_over_seconds: float = 0.0
    script_seconds: float = 0.0
    result_seconds: float = 0.0
    total_seconds: float = 0.0


class IsolationLevel(StrEnum):
    """How far a script call was walled in."""

    FULL = "full"
    """Namespaces, Landlock, seccomp, limits: for scripts of people whom you do not know."""
    NONE = "none"
    """No walls at all: the script can do what you can do."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """The walls around one call: those that stood, and those that this machine did not give."""

    level: IsolationLevel
    walls: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
