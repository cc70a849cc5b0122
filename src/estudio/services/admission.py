"""Who may call now: so many at one time on each endpoint, and nobody once the server stops.

A call that finds no room is refused at once, as the old system did: waiting would only move the queue in here.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections import Counter
from typing import TYPE_CHECKING

from estudio.errors import ServiceBusy, ServiceThrottled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estudio.core.service import Endpoint

RETRY_SECONDS = 1
"""After which a refused call is worth another try: a call takes milliseconds."""
STOP_RETRY_SECONDS = 5
"""After which another process is likely to stand in this one's place."""


class Admission:
    """Counts calls in flight. Any thread may use it.

    Args:
        processes: how many server processes share each endpoint's calls; each admits its part, rounded up.
    """

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._flying: Counter[str] = Counter()
        self._total = 0
        self._is_closed = False
        self._changed = threading.Condition()

    def most(self, endpoint: Endpoint) -> int:
        """How many calls of an endpoint this process takes at one time."""
        return math.ceil(endpoint.max_concurrent_calls / self._processes)

    def in_flight(self, endpoint_id: str) -> int:
        """How many calls of an endpoint go on now."""
        with self._changed:
            return self._flying[endpoint_id]

    @contextlib.contextmanager
    def admitted(self, endpoint: Endpoint) -> Iterator[None]:
        """A place for one call.

        Raises:
            ServiceThrottled: all places are taken.
            ServiceBusy: the server stops.
        """
        self._enter(endpoint)
        try:
            yield
        finally:
            self._leave(endpoint)

    def close(self, drain_seconds: float) -> bool:
        """Refuse further calls and wait for those in flight; whether all of them ended in time."""
        with self._changed:
            self._is_closed = True
            return self._changed.wait_for(lambda: self._total == 0, drain_seconds)

    def _enter(self, endpoint: Endpoint) -> None:
        with self._changed:
            if self._is_closed:
                raise ServiceBusy(
                    "The server stops and takes no new calls; call again.", retry_after_seconds=STOP_RETRY_SECONDS
                )
            if self._flying[endpoint.id] >= self.most(endpoint):
                raise ServiceThrottled(
                    f"Request was throttled for {endpoint.name} endpoint. "
                    f"The maximum concurrency for the endpoint is {endpoint.max_concurrent_calls}.",
                    endpoint=endpoint.name,
                    maximum=endpoint.max_concurrent_calls,
                    retry_after_seconds=RETRY_SECONDS,
                )
            self._flying[endpoint.id] += 1
            self._total += 1

    def _leave(self, endpoint: Endpoint) -> None:
        with self._changed:
            self._flying[endpoint.id] -= 1
            if not self._flying[endpoint.id]:
                del self._flying[endpoint.id]
            self._total -= 1
            if self._is_closed:
                self._changed.notify_all()


def call_deadline(asked: float | None, endpoint: Endpoint, now: float) -> float:
    """When a call is to end (`time.monotonic()`): by the endpoint's timeout, or earlier where the caller says so."""
    own = now + endpoint.timeout_seconds
    return own if asked is None else min(asked, own)
