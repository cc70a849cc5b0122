"""Where parts of jobs are scored: threads for all jobs together, bounded by processors and by memory."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from estudio.engine.budget import Budget, claim_bytes, machine_budget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

T = TypeVar("T")


def part_of_machine(processes: int) -> Budget:
    """What one of several equal processes may take of this machine."""
    whole = machine_budget()
    return Budget(max(1, whole.parallel // processes), max(1, whole.memory_bytes // processes))


class ScoringSlots:
    """Any thread may use it. A part that alone exceeds the memory is scored when nothing else is."""

    def __init__(self, budget: Budget | None = None) -> None:
        """Slots of this machine as it is now, or of a budget."""
        self.budget = budget or machine_budget()
        self._threads = ThreadPoolExecutor(self.budget.parallel, thread_name_prefix="job-part")
        self._changed = threading.Condition()
        self._claims: list[int] = []

    def submit(self, input_bytes: int, function: Callable[[], T]) -> Future[T]:
        """Do it in a thread, when there is memory for a call with inputs of that size."""

        def work() -> T:
            with self._claim(claim_bytes(input_bytes)):
                return function()

        return self._threads.submit(work)

    def close(self) -> None:
        """Begin nothing further."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def _claim(self, size: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._claims or sum(self._claims) + size <= self.budget.memory_bytes)
            self._claims.append(size)
        try:
            yield
        finally:
            with self._changed:
                self._claims.remove(size)
                self._changed.notify_all()
