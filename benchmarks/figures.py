"""From measured seconds to the figures of a table: percentiles, ratios, and whether a goal is met.

Pure: no clock and no process in here, so that the arithmetic behind every published ratio can be tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Bound(StrEnum):
    """Which side of a goal is the good one."""

    AT_MOST = "≤"
    AT_LEAST = "≥"


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure to reach, as the issue that set it words it."""

    bound: Bound
    value: float
    unit: str = "×"

    def met_by(self, figure: float) -> bool:
        """Whether a figure reaches the goal."""
        return figure <= self.value if self.bound is Bound.AT_MOST else figure >= self.value

    def __str__(self) -> str:
        return f"{self.bound} {number(self.value)} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds of many calls: the median, the slow tenth, the slow hundredth."""

    count: int
    p50: float
    p90: float
    p99: float
    least: float
    most: float


def spread(seconds: Sequence[float]) -> Spread:
    """The spread of measured seconds, by the nearest rank.

    Raises:
        ValueError: nothing was measured.
    """
    if not seconds:
        raise ValueError("nothing was measured")
    ranked = sorted(seconds)
    return Spread(
        len(ranked), percentile(ranked, 50), percentile(ranked, 90), percentile(ranked, 99), ranked[0], ranked[-1]
    )


def percentile(ranked: Sequence[float], percent: int) -> float:
    """The smallest value that at least `percent` of the ranked values do not exceed (nearest rank)."""
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]


def verdict(figure: float, goal: Goal) -> str:
    """A figure beside its goal, for a table's cell."""
    return f"{number(figure)} {goal.unit} (goal {goal}: {'met' if goal.met_by(figure) else 'NOT met'})"


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    while digits < 9 and digits >= 3 and size < 10 ** (2 - digits):
        digits += 1
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds, for a table's cell."""
    return number(seconds * 1000)
