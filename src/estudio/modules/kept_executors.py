"""Executors by the digest of their environment: made once, cancelled and closed together.

A new one is made outside of the lock, for it may build an environment; others are made meanwhile.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


class Endable(Protocol):
    """What is kept."""

    def cancel(self) -> None:
        """End running calls, and all that begin later."""
        ...

    def close(self) -> None:
        """End everything."""
        ...


E = TypeVar("E", bound=Endable)


class KeptExecutors(Generic[E]):
    """Keeps one executor for each digest. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}
        self._executors: dict[str, E] = {}
        self._is_cancelled = False

    def find_or_make(self, digest: str, make: Callable[[], E]) -> E:
        """The executor of that digest; who asks for the same one waits while it is made. Raises what `make` does."""
        found = self._executors.get(digest)
        if found is not None:
            return found
        with self._lock:
            making = self._making.setdefault(digest, threading.Lock())
        with making:
            if digest not in self._executors:
                self._add(digest, make())
            return self._executors[digest]

    def _add(self, digest: str, executor: E) -> None:
        with self._lock:
            self._executors[digest] = executor
            if self._is_cancelled:
                executor.cancel()

    def cancel(self) -> None:
        """End running calls, and all that begin later; the executors stay until they are closed."""
        with self._lock:
            self._is_cancelled = True
            executors = list(self._executors.values())
        for executor in executors:
            executor.cancel()

    def close(self) -> None:
        """Cancel running calls and end all guests and zygotes."""
        with self._lock:
            executors = list(self._executors.values())
            self._executors.clear()
        for executor in executors:
            executor.close()
