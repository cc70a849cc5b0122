"""Rate limits of keys: a bucket of tokens for each, refilled evenly over the minute.

Buckets live in this process alone: with several worker processes a key may call that many times more often.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.errors import RateLimited

if TYPE_CHECKING:
    from estudio.core.service import ServiceKey

MINUTE_SECONDS = 60.0
MAX_BUCKETS = 10_000
"""Keys that are remembered; a bucket that is left out is a full one again, which the least recently used nearly is."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimits:
    """The buckets of all keys with a limit. Any thread may use it. Times are those of a clock that never goes back."""

    def __init__(self, processes: int = 1) -> None:
        """Limits for one of so many processes, each of which gets its part."""
        self._processes = max(1, processes)
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: ServiceKey, now: float) -> None:
        """Count a call. `now` is `time.monotonic()`.

        A whole minute's calls may come at once; then they are as far apart as the limit says.

        Raises:
            RateLimited: the key's calls are used up; `retry_after_seconds` says when the next one may come.
        """
        if key.calls_per_minute is None:
            return
        most = max(1.0, key.calls_per_minute / self._processes)
        per_second = most / MINUTE_SECONDS
        with self._lock:
            bucket = self._buckets.setdefault(key.id, _Bucket(most, now))
            self._buckets.move_to_end(key.id)
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)
            bucket.tokens = min(most, bucket.tokens + max(0.0, now - bucket.at) * per_second)
            bucket.at = max(bucket.at, now)
            if bucket.tokens >= 1:
                bucket.tokens -= 1
                return
            wait = math.ceil((1 - bucket.tokens) / per_second)
        raise RateLimited(
            f"The key {key.id} allows {key.calls_per_minute} calls in a minute, and they are used up. Try again in "
            f"{wait} seconds.",
            key=key.id,
            retry_after_seconds=wait,
        )
