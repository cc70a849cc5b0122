"""Which modules can go, given what is done: the state of one walk over the graph, without threads or clocks.

All moves of a walk together cost time linear in modules and connections.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Scheduler:
    """Counts for each module how many of its upstream modules are not done yet."""

    def __init__(self, upstream: Mapping[str, Collection[str]]) -> None:
        self._missing = {name: len(set(above)) for name, above in upstream.items()}
        self._downstream: dict[str, list[str]] = {name: [] for name in upstream}
        for name, above in upstream.items():
            for other in dict.fromkeys(above):
                self._downstream[other].append(name)
        self._over: set[str] = set()

    def first(self) -> list[str]:
        """Modules that wait for nothing."""
        return [name for name, missing in self._missing.items() if missing == 0]

    def finish(self, name: str) -> list[str]:
        """A module's result is there; returns the modules that can go because of it."""
        self._over.add(name)
        ready = []
        for other in self._downstream[name]:
            self._missing[other] -= 1
            if self._missing[other] == 0 and other not in self._over:
                ready.append(other)
        return ready

    def fail(self, name: str) -> list[str]:
        """A module gave no result; returns all that can never go because of it, each once."""
        self._over.add(name)
        blocked: list[str] = []
        left = deque(self._downstream[name])
        while left:
            other = left.popleft()
            if other not in self._over:
                self._over.add(other)
                blocked.append(other)
                left.extend(self._downstream[other])
        return blocked

    @property
    def left(self) -> int:
        """How many modules are neither finished, failed nor blocked."""
        return len(self._missing) - len(self._over)
