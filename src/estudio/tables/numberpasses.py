"""What one pass over a large column of numbers gathers, chunk by chunk: moments, ends, the middle, distinct values.

Each gatherer is told beforehand, from a sample, roughly where to look; what it returns is exact all the same, but for
the number of distinct values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.tables import making
from estudio.tables.kernels import as_floats
from estudio.tables.kernels import compute as pc

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

MIDDLE_SHARE = 0.005
"""Of the ranks on each side of the sample's median: five standard deviations of a median of 262 144 values."""
TAIL_SHARE = 0.0005
"""Of the rows at each end: of the smallest table that is sampled, 500 rows."""
_HASHES_WANTED = 8_192
"""Distinct values that are to be kept: the estimate's standard error is then about one percent."""
_MAX_KEPT_SHARE = 1 / 8
"""Of the distinct values: more would cost more than counting them all."""
_MULTIPLIER = -7_046_029_254_386_353_131
"""2⁶⁴ divided by the golden ratio, signed: Fibonacci hashing spreads runs of numbers evenly (Knuth, TAOCP 6.4)."""


@dataclass(slots=True)
class Moments:
    """Mean and variance around a value that is near the mean; missing values fall on it and so weigh nothing."""

    centre: float
    count: int = 0
    _first: float = 0.0
    _second: float = 0.0

    def add(self, chunk: Arrow) -> None:
        """Take in a chunk."""
        self.count += len(chunk) - chunk.null_count
        chunk = as_floats(chunk)
        if chunk.null_count:
            chunk = pc.fill_null(chunk, making.number(self.centre, pa.float64()))
        away = pc.mean(chunk).as_py() - self.centre
        self._first += len(chunk) * away
        self._second += len(chunk) * (pc.variance(chunk).as_py() + away * away)

    def mean(self) -> float:
        """The mean."""
        return self.centre + self._first / self.count

    def standard_deviation(self) -> float | None:
        """Of a sample (n - 1); None below two values."""
        if self.count < 2:
            return None
        squares = self._second - self._first * self._first / self.count
        return float((max(squares, 0.0) / (self.count - 1)) ** 0.5)


@dataclass(slots=True)
class Ends:
    """The values below `low` and above `high`, which are values of the column themselves."""

    low: Arrow
    high: Arrow
    _kept: list[Arrow] = field(default_factory=list)

    def add(self, chunk: Arrow) -> None:
        """Take in a chunk."""
        self._kept.append(chunk.filter(pc.or_(pc.less(chunk, self.low), pc.greater(chunk, self.high))))

    def values(self) -> Arrow:
        """Those values and the two cuts, unsorted."""
        cuts = [pa.repeat(cut, 1) for cut in (self.low, self.high)]
        return pa.concat_arrays([*self._kept, *cuts])


@dataclass(slots=True)
class Middle:
    """The values from `low` to `high`, and how many lie below: enough to select the median of `count` values."""

    low: Arrow
    high: Arrow
    count: int
    _below: int = 0
    _kept: list[Arrow] = field(default_factory=list)

    def add(self, chunk: Arrow) -> None:
        """Take in a chunk."""
        below = pc.less(chunk, self.low)
        self._below += below.true_count
        self._kept.append(chunk.filter(pc.and_not(pc.less_equal(chunk, self.high), below)))

    def median(self) -> float | None:
        """The median, None if it does not lie between `low` and `high`."""
        kept = pa.concat_arrays(self._kept)
        lower, upper = (self.count - 1) // 2 - self._below, self.count // 2 - self._below
        if lower < 0 or upper >= len(kept):
            return None
        order = pc.partition_nth_indices(kept, pivot=upper)
        one = other = kept[order[upper].as_py()].as_py()
        if lower != upper:
            one = pc.max(kept.take(order.slice(0, upper))).as_py()
        return float(one) if one == other else one / 2 + other / 2


@dataclass(slots=True)
class DistinctNumbers:
    """An estimate of how many different values there are: those in a small, fixed share of the space of hashes.

    Every value of that share is kept however often it occurs, so frequent values do not disturb the estimate.
    """

    share: float
    _kept: list[Arrow] = field(default_factory=list)

    def add(self, chunk: Arrow) -> None:
        """Take in a chunk."""
        bits = chunk.view(pa.int64()) if chunk.type.bit_width == 64 else chunk.view(pa.int32()).cast(pa.int64())
        hashes = pc.multiply(bits, making.number(_MULTIPLIER, pa.int64()))
        self._kept.append(hashes.filter(pc.less(hashes, making.number(share_limit(self.share), pa.int64()))))

    def estimate(self) -> int:
        """How many different values."""
        return round(len(pc.unique(pa.concat_arrays(self._kept))) / self.share)


def kept_share(distinct: float) -> float:
    """The share of hashes to keep for about so many distinct values."""
    return min(_MAX_KEPT_SHARE, _HASHES_WANTED / max(distinct, 1.0))


def share_limit(share: float) -> int:
    """The signed 64-bit number below which that share of all of them lies."""
    return round(share * 2**64) - 2**63
