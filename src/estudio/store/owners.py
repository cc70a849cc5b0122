"""Which process executes a run, and whether it still lives.

A pid alone says nothing: it is given again. With its start time and the boot's id it never means another process.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from estudio.core.run import Owner

_PROC = Path("/proc")
_STATE, _STARTED = 0, 19
"""Places in /proc/PID/stat after the name in parentheses: fields 3 and 22 of proc(5)."""
_DEAD_STATES = frozenset({"Z", "X", "x"})
"""A zombie has ended; only its parent has not asked yet."""


def this_process() -> Owner:
    """The owner of what this process executes; right in a forked child too."""
    pid = os.getpid()
    fields = _stat_of(pid)
    return Owner(pid, fields[_STARTED] if fields else "", _boot_id())


def is_alive(owner: Owner) -> bool:
    """Whether that very process still runs, on this machine since this boot.

    A workspace that two machines share is not served: a run of the other machine looks dead from here.
    """
    if owner.boot != _boot_id():
        return False
    fields = _stat_of(owner.pid)
    return fields is not None and fields[_STARTED] == owner.started and fields[_STATE] not in _DEAD_STATES


@cache
def _boot_id() -> str:
    return (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii").strip()


def _stat_of(pid: int) -> list[str] | None:
    """The fields after the process's name, which may hold blanks and parentheses itself; None where it is gone."""
    try:
        content = (_PROC / str(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return content[content.rindex(b")") + 1 :].decode("ascii").split()
