"""Processor time of process trees: unlike wall time, it hardly moves when others use the machine.

Ended processes count as soon as their parent has waited for them, so a side has to settle before it is read.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree_seconds(pid: int) -> float:
    """Processor seconds so far of a process, its living descendants, and all that they have waited for."""
    total = 0.0
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        total += sum(ticks_of(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))) / _TICKS
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                total += tree_seconds(int(child))
    return total


def own_and_waited(pid: int) -> tuple[float, float]:
    """Processor seconds of a process itself, and of the children that it has waited for."""
    own_user, own_system, children_user, children_system = ticks_of(
        Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    )
    return (own_user + own_system) / _TICKS, (children_user + children_system) / _TICKS


def children_of(pid: int) -> list[int]:
    """The living children of a process's first thread."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def ticks_of(stat: str) -> tuple[int, int, int, int]:
    """User and system time of a process, and of its waited-for children, from a line of /proc/PID/stat (proc(5))."""
    words = stat.rpartition(")")[2].split()  # the name in front may hold blanks
    return int(words[11]), int(words[12]), int(words[13]), int(words[14])
