"""Calls of an endpoint in figures: how many, how many failed, and how long they took.

Latencies are counted in buckets, so a percentile is the upper bound of its bucket: the calls took no longer than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.service import LATENCY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from estudio.core.service import CallCounts


@dataclass(frozen=True, slots=True)
class CallSummary:
    """Figures of some calls. A percentile is None where nothing was called, infinity above the largest bound."""

    calls: int
    failed: int
    throttled: int
    p50_seconds: float | None
    p99_seconds: float | None


def summarise_calls(counts: Iterable[CallCounts]) -> CallSummary:
    """Add up counts of any minutes, versions and endpoints."""
    buckets = [0] * (len(LATENCY_SECONDS) + 1)
    calls = failed = throttled = 0
    for count in counts:
        calls, failed, throttled = calls + count.calls, failed + count.failed, throttled + count.throttled
        for place, number in enumerate(count.latencies[: len(buckets)]):
            buckets[place] += number
    return CallSummary(calls, failed, throttled, percentile(buckets, 0.5), percentile(buckets, 0.99))


def summaries_by_version(counts: Sequence[CallCounts]) -> dict[int, CallSummary]:
    """The same for each version, the newest first."""
    versions = sorted({count.version for count in counts}, reverse=True)
    return {number: summarise_calls(count for count in counts if count.version == number) for number in versions}


def percentile(buckets: Sequence[int], share: float) -> float | None:
    """The bound below which this share of the calls ended; None without calls."""
    wanted = share * sum(buckets)
    reached = 0
    for place, number in enumerate(buckets):
        reached += number
        if number and reached >= wanted:
            return LATENCY_SECONDS[place] if place < len(LATENCY_SECONDS) else float("inf")
    return None
