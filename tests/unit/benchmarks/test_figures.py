"""The arithmetic behind published ratios."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import Bound, Goal, number, percentile, spread, verdict


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(values: list[float], percent: int) -> None:
    ranked = sorted(values)
    found = percentile(ranked, percent)
    assert 100 * sum(value <= found for value in ranked) >= percent * len(ranked)
    below = [value for value in ranked if value < found]
    assert not below or 100 * sum(value <= below[-1] for value in ranked) < percent * len(ranked)


def test_a_spread_is_taken_from_unordered_seconds() -> None:
    found = spread([float(value) for value in range(200, 0, -1)])
    assert (found.count, found.p50, found.p90, found.p99) == (200, 100.0, 180.0, 198.0)
    assert (found.least, found.most) == (1.0, 200.0)


def test_nothing_measured_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        spread([])


@pytest.mark.parametrize(
    ("goal", "figure", "met"),
    [
        (Goal(Bound.AT_MOST, 0.4), 0.4, True),
        (Goal(Bound.AT_MOST, 0.4), 0.401, False),
        (Goal(Bound.AT_LEAST, 2.0), 2.0, True),
        (Goal(Bound.AT_LEAST, 2.0), 1.99, False),
    ],
)
def test_a_goal_is_met_on_its_good_side(goal: Goal, figure: float, *, met: bool) -> None:
    assert goal.met_by(figure) is met
    assert ("NOT met" in verdict(figure, goal)) is not met


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.0125, "0.0125"), (0.000123, "0.000123"), (0.4, "0.4"), (1.234, "1.23"), (12.34, "12.3"),
        (123.4, "123"), (100, "100"), (1530.4, "1530"), (-2.5, "-2.5"),
    ],
)  # fmt: skip
def test_numbers_have_three_significant_digits(value: float, text: str) -> None:
    assert number(value) == text
