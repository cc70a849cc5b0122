"""What a run may take of the machine at one time, and what each module claims of it.

A claim is an estimate that keeps ten big modules from running at once; the limits that end a call are the sandbox's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from estudio.core.limits import GIB, MIB
from estudio.errors import InvalidUsage

BASE_CLAIM_BYTES = 128 * MIB
"""What a call takes beside its tables: its own pages of the interpreter, figures, a model."""
INPUT_FACTOR = 4
"""Memory of a call per byte of its inputs: copies that pandas makes on the way, and the result."""
MEMORY_SHARE = 0.75
"""Of the memory that is available now; the rest is for others, and for results on their way to the disk."""
LEAST_MEMORY_BYTES = 1 * GIB
"""Also on a machine that is full: one module at a time is tried."""
MAX_PARALLEL = 256
"""More threads than any machine has use for; a typing error must not start a million."""

MAX_UNSTORED = 128
"""Results that wait to be stored: each has one or two open files, of which a process has a thousand."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How many modules may run at one time, and the memory that they may claim together, in bytes."""

    parallel: int
    memory_bytes: int

    def __post_init__(self) -> None:
        if not 1 <= self.parallel <= MAX_PARALLEL:
            raise InvalidUsage(
                f"{self.parallel} modules at one time cannot be; give a number from 1 to {MAX_PARALLEL}.",
                parallel=self.parallel,
            )


def machine_budget(parallel: int | None = None) -> Budget:
    """The budget of this machine as it is now: one module per processor that this process may use, unless said."""
    cores = len(os.sched_getaffinity(0))
    memory = max(LEAST_MEMORY_BYTES, int(_available_bytes() * MEMORY_SHARE))
    return Budget(min(cores, MAX_PARALLEL) if parallel is None else parallel, memory)


def claim_bytes(input_bytes: int) -> int:
    """The memory that a module with inputs of that size is expected to take."""
    return BASE_CLAIM_BYTES + INPUT_FACTOR * input_bytes


class Ledger:
    """Who holds what of a budget. Not for several threads.

    A claim that alone exceeds the budget is admitted when nothing else runs, so that every module gets its turn.
    Results that are not stored yet lie in memory: they count, and when there are too many nothing starts.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._claims: dict[str, int] = {}
        self._results: dict[str, int] = {}
        self._taken_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be admitted, however small."""
        return len(self._claims) >= self.budget.parallel or len(self._results) >= MAX_UNSTORED

    def admit(self, name: str, memory_bytes: int) -> bool:
        """Take a module in, if there is room for it."""
        if self.is_full:
            return False
        if (self._claims or self._results) and self._taken_bytes + memory_bytes > self.budget.memory_bytes:
            return False
        self._claims[name] = memory_bytes
        self._taken_bytes += memory_bytes
        return True

    def release(self, name: str) -> None:
        """A module is done."""
        self._taken_bytes -= self._claims.pop(name)

    def hold(self, name: str, memory_bytes: int) -> None:
        """A module's result waits to be stored."""
        self._results[name] = memory_bytes
        self._taken_bytes += memory_bytes

    def release_stored(self, name: str) -> None:
        """A module's result is stored."""
        self._taken_bytes -= self._results.pop(name)


def _available_bytes() -> int:
    """Memory that can be had without swapping; no more than what the control group of this process leaves."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    available = int(facts["MemAvailable"].split()[0]) * 1024
    return min(available, *_cgroup_bytes(), available)


def _cgroup_bytes() -> list[int]:
    found = []
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            found.append(max(0, int(Path(limit).read_text()) - int(Path(used).read_text())))
        except (OSError, ValueError):
            continue  # no such limit here, or "max"
    return found
