"""Counts of calls and what diagnostics keep of them: collected in memory, written every second by a thread.

Noting a call never waits for the disk. What a killed process had not written yet is lost: at most a second of counts.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from estudio.core.service import LATENCY_SECONDS, CallCounts, Diagnostics
from estudio.errors import RateLimited, ServiceThrottled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.core.service import CallRecord
    from estudio.store.service_protocols import ServiceRepository

FLUSH_SECONDS = 1.0
MAX_WAITING_RECORDS = 10_000
"""Not written yet: a second of the fastest service; older ones are dropped where the disk does not keep up."""
KEPT_RECORDS = 1_000
"""Of each endpoint in the store."""
MAX_LOG_CHARACTERS = 8_000
"""Of what a call's scripts printed: the end of it, where the error stands."""
MAX_MESSAGE_CHARACTERS = 2_000
FIRST_FAILURE = 400
"""Of HTTP status."""
_THROTTLED = frozenset({ServiceThrottled.code, RateLimited.code})


@dataclass(slots=True)
class _Count:
    calls: int = 0
    failed: int = 0
    throttled: int = 0
    latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_SECONDS) + 1))


class CallLog:
    """Notes calls of one process. Any thread may call it; `close` writes what is left."""

    def __init__(self, repository: ServiceRepository, *, flush_seconds: float = FLUSH_SECONDS) -> None:
        self._repository = repository
        self._flush_seconds = flush_seconds
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._counts: dict[tuple[str, int, int], _Count] = {}
        self._records: deque[CallRecord] = deque(maxlen=MAX_WAITING_RECORDS)
        self._stop = threading.Event()
        self.trouble = ""
        self._thread = threading.Thread(target=self._write_on, name="estudio-calls", daemon=True)
        self._thread.start()

    def note(self, record: CallRecord, diagnostics: Diagnostics) -> None:
        """Count a call, and keep it where diagnostics ask for that. Returns at once."""
        key = (record.endpoint_id, record.version, int(record.at // 60))
        is_throttled = record.code in _THROTTLED
        is_failed = record.status >= FIRST_FAILURE
        with self._lock:
            count = self._counts.setdefault(key, _Count())
            count.calls += 1
            count.throttled += is_throttled
            count.failed += is_failed and not is_throttled
            count.latencies[bisect_left(LATENCY_SECONDS, record.seconds)] += 1
            if diagnostics is Diagnostics.ALL or (diagnostics is Diagnostics.ERRORS and is_failed):
                self._records.append(_bounded(record))

    def statistics(self, endpoint_id: str, minutes: int) -> Sequence[CallCounts]:
        """Counts of the last minutes, of all processes. Raises StoreFailed."""
        self.flush()
        return self._repository.list_counts(endpoint_id, int(time.time() // 60) - minutes + 1)

    def flush(self) -> None:
        """Write what has been noted. Raises StoreFailed; then it is kept for the next time."""
        with self._writing:
            with self._lock:
                counts, self._counts = self._counts, {}
                records = list(self._records)
                self._records.clear()
            try:
                if counts:
                    self._repository.add_counts([_counts(key, count) for key, count in counts.items()])
                    counts = {}
                if records:
                    self._repository.add_calls(records, KEPT_RECORDS)
            except BaseException:
                self._take_back(counts, records)
                raise

    def close(self) -> None:
        """Write what is left, and end the thread. Raises StoreFailed."""
        self._stop.set()
        self._thread.join()
        self.flush()

    def _take_back(self, counts: dict[tuple[str, int, int], _Count], records: list[CallRecord]) -> None:
        with self._lock:
            for key, count in counts.items():
                now = self._counts.setdefault(key, _Count())
                now.calls += count.calls
                now.failed += count.failed
                now.throttled += count.throttled
                now.latencies = [one + other for one, other in zip(now.latencies, count.latencies, strict=True)]
            later = list(self._records)
            self._records.clear()
            self._records.extend((*records, *later))

    def _write_on(self) -> None:
        while not self._stop.wait(self._flush_seconds):
            try:
                self.flush()
                self.trouble = ""
            except Exception as error:  # noqa: BLE001 -- a full disk may have room later; readiness tells of it
                self.trouble = f"calls cannot be noted: {error}"


def _counts(key: tuple[str, int, int], count: _Count) -> CallCounts:
    return CallCounts(*key, count.calls, count.failed, count.throttled, tuple(count.latencies))


def _bounded(record: CallRecord) -> CallRecord:
    if len(record.log) <= MAX_LOG_CHARACTERS and len(record.message) <= MAX_MESSAGE_CHARACTERS:
        return record
    return replace(record, log=record.log[-MAX_LOG_CHARACTERS:], message=record.message[:MAX_MESSAGE_CHARACTERS])
