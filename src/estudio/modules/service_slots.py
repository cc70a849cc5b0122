"""Places for the calls of one script: as many at a time as there are, the longest waiting call first.

A place is held by one call, with a loaded guest in it or empty; who takes an empty one loads a guest.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

Held = TypeVar("Held")


class NoPlace(Exception):
    """No place came free in time."""


class _Waiter(Generic[Held]):
    __slots__ = ("called", "held", "is_served")

    def __init__(self) -> None:
        self.called = threading.Event()
        self.held: Held | None = None
        self.is_served = False


class Slots(Generic[Held]):
    """Places, and what is idle in them. Any thread may call it.

    Args:
        count: how many there are.
        last_first: prefer what was used last (warm caches) to what was used first (longest time to recover).
    """

    def __init__(self, count: int, *, last_first: bool) -> None:
        self.count = count
        self._last_first = last_first
        self._lock = threading.Lock()
        self._idle: deque[Held] = deque()
        self._used = 0
        self._waiting: deque[_Waiter[Held]] = deque()
        self._closed = False

    def take(self, seconds: float) -> Held | None:
        """A place: what is idle in it, or None where it is empty.

        Raises:
            NoPlace: none came free in that time, or all were closed.
        """
        with self._lock:
            if self._closed:
                raise NoPlace
            if self._used < self.count:
                self._used += 1
                return self._next_idle()
            waiter: _Waiter[Held] = _Waiter()
            self._waiting.append(waiter)
        waiter.called.wait(seconds)
        with self._lock:
            if not waiter.is_served:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
                raise NoPlace
        return waiter.held

    def _next_idle(self) -> Held | None:
        if not self._idle:
            return None
        return self._idle.pop() if self._last_first else self._idle.popleft()

    def give_back(self, held: Held | None) -> None:
        """Leave a place; `held` is idle there from now on."""
        with self._lock:
            if held is not None:
                self._idle.append(held)
            if not self._waiting:
                self._used -= 1
                return
            waiter = self._waiting.popleft()
            waiter.is_served, waiter.held = True, self._next_idle()
        waiter.called.set()

    def add_idle(self, held: Held) -> None:
        """Put something ready for later calls."""
        with self._lock:
            self._idle.append(held)

    def remove_idle(self) -> Held | None:
        """Take one that is idle without a place, None where there is none."""
        with self._lock:
            return self._idle.popleft() if self._idle else None

    @property
    def idle_count(self) -> int:
        """How many are idle."""
        with self._lock:
            return len(self._idle)

    def close(self) -> None:
        """Refuse all who wait and who come."""
        with self._lock:
            self._closed = True
            waiting = list(self._waiting)
            self._waiting.clear()
        for waiter in waiting:
            waiter.called.set()
