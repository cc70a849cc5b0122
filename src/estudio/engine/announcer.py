"""Hands events to whoever watches a run: in order, from a thread of its own, so that a slow watcher holds up nothing.

A watcher that raises is not called again; what it raised is raised when the run is over.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.core.events import Event


class Announcer:
    """Any thread may call `announce`; it never waits."""

    def __init__(self, on_event: Callable[[Event], None] | None) -> None:
        self._on_event = on_event
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="estudio-events", daemon=True)

    def start(self) -> None:
        """Begin to hand over; `close` ends it."""
        if self._on_event is not None:
            self._thread.start()

    def announce(self, *events: Event) -> None:
        """Hand these over, soon."""
        if self._on_event is not None:
            for event in events:
                self._events.put(event)

    def close(self) -> Exception | None:
        """Wait until everything was handed over; returns what the watcher raised, if it did."""
        if self._on_event is not None:
            self._events.put(None)
            self._thread.join()
        return self._failure

    def _work(self) -> None:
        while (event := self._events.get()) is not None:
            if self._failure is None:
                self._hand_over(event)

    def _hand_over(self, event: Event) -> None:
        assert self._on_event is not None  # noqa: S101 -- the thread is started only then
        try:
            self._on_event(event)
        except Exception as error:  # noqa: BLE001 -- raised again by whoever closes
            self._failure = error
