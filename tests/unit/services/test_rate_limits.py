"""Rate limits: bursts, refilling, bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estudio.core.service import KeyScope, ServiceKey
from estudio.errors import RateLimited
from estudio.services.rate_limits import MAX_BUCKETS, RateLimits

KEY = ServiceKey("1" * 16, "d", KeyScope.CALL, 1.0, calls_per_minute=6)


def taken(limits: RateLimits, key: ServiceKey, times: list[float]) -> list[bool]:
    """Which calls were let in."""
    answers = []
    for now in times:
        try:
            limits.take(key, now)
        except RateLimited:
            answers.append(False)
        else:
            answers.append(True)
    return answers


def test_a_minute_s_calls_may_come_at_once() -> None:
    assert taken(RateLimits(), KEY, [100.0] * 8) == [True] * 6 + [False] * 2


def test_calls_come_back_evenly() -> None:
    limits = RateLimits()
    taken(limits, KEY, [100.0] * 6)
    assert taken(limits, KEY, [109.9, 110.1, 110.2, 120.2]) == [False, True, False, True]
    assert taken(limits, KEY, [1000.0] * 7) == [True] * 6 + [False]


def test_the_caller_is_told_when_to_come_again() -> None:
    limits = RateLimits()
    taken(limits, KEY, [100.0] * 6)
    with pytest.raises(RateLimited, match="6 calls in a minute") as caught:
        limits.take(KEY, 104.0)
    assert caught.value.facts["retry_after_seconds"] == 6


def test_keys_do_not_share_and_those_without_a_limit_have_none() -> None:
    limits = RateLimits()
    assert taken(limits, KEY, [1.0] * 7)[-1] is False
    assert taken(limits, replace(KEY, id="2" * 16), [1.0]) == [True]
    assert all(taken(limits, replace(KEY, calls_per_minute=None), [1.0] * 50))


def test_each_process_gets_its_part() -> None:
    assert sum(taken(RateLimits(processes=3), KEY, [1.0] * 9)) == 2
    assert sum(taken(RateLimits(processes=99), KEY, [1.0] * 9)) == 1


def test_the_number_of_buckets_is_bounded() -> None:
    limits = RateLimits()
    for number in range(MAX_BUCKETS + 5):
        limits.take(replace(KEY, id=str(number)), 1.0)
    assert len(limits._buckets) == MAX_BUCKETS


def test_a_clock_that_stands_gives_nothing() -> None:
    limits = RateLimits()
    assert taken(limits, KEY, [10.0] * 6 + [5.0, 10.0]) == [True] * 6 + [False, False]
