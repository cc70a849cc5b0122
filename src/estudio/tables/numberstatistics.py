"""Statistics of one column of numbers, in one of three ways: by its few different values, whole, or in one pass.

Times and durations come here as whole numbers too: what they mean is the caller's business.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.core.statistics import BoxPlot, Figure
from estudio.tables import making
from estudio.tables.countedvalues import chunks_of
from estudio.tables.histograms import MAX_OUTLIERS, bin_counts, bin_edges, box_plot, weighted_counts
from estudio.tables.kernels import as_floats, outermost
from estudio.tables.kernels import compute as pc
from estudio.tables.kernels import extremes as extremes_of
from estudio.tables.missing import mark_missing, without_validity
from estudio.tables.numberpasses import MIDDLE_SHARE, TAIL_SHARE, Ends, Middle, Moments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.tables.countedvalues import CountedValues
    from estudio.tables.typenames import Arrow

QUARTILES = (0.25, 0.5, 0.75)
_CUTS = (TAIL_SHARE, 0.5 - MIDDLE_SHARE, 0.5 + MIDDLE_SHARE, 1 - TAIL_SHARE)


@dataclass(frozen=True, slots=True)
class NumberSummary:
    """What is known of the numbers of a column. `least` and `most` can be infinite; None where there are none."""

    infinite: int = 0
    least: float | None = None
    most: float | None = None
    mean: float | None = None
    median: float | None = None
    standard_deviation: float | None = None
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    box: BoxPlot | None = None
    approximate: frozenset[Figure] = frozenset()


def summary_of_counted(counted: CountedValues, bins: int) -> NumberSummary:
    """Exact, from the different values and how often each occurs."""
    pairs = sorted(zip(counted.values.to_pylist(), counted.counts.to_pylist(), strict=True))
    finite = [pair for pair in pairs if math.isfinite(pair[0])]
    infinite = sum(count for value, count in pairs if not math.isfinite(value))
    least, most = (pairs[0][0], pairs[-1][0]) if pairs else (None, None)
    if not finite:
        return NumberSummary(infinite, least, most)
    values, counts = [value for value, _ in finite], [count for _, count in finite]
    rows = sum(counts)
    mean = _mean(values, counts, rows)
    quartiles = _weighted_quartiles(values, counts, rows)
    edges = bin_edges(values[0], values[-1], bins)
    ends = _weighted_ends(finite)
    return NumberSummary(
        infinite,
        least,
        most,
        mean,
        quartiles[1],
        _weighted_deviation(values, counts, mean, rows),
        edges,
        weighted_counts(values, counts, edges),
        box_plot(quartiles, making.numbers([float(value) for value in values], pa.float64()), ends),
    )


def summary_of_whole(column: Arrow, bins: int) -> NumberSummary:
    """Exact, from all values of an array of numbers."""
    values, infinite, ends = _finite(column.drop_null())
    if not len(values):
        return NumberSummary(infinite, *ends)
    numbers = as_floats(values)
    quartiles = pc.quantile(numbers, list(QUARTILES)).to_pylist()
    edges = bin_edges(*extremes_of(values), bins)
    return NumberSummary(
        infinite,
        ends[0],
        ends[1],
        pc.mean(numbers).as_py(),
        quartiles[1],
        pc.stddev(numbers, ddof=1).as_py(),
        edges,
        bin_counts(values, edges),
        box_plot(quartiles, numbers, _outermost(values)),
    )


def summary_in_one_pass(column: Arrow, sample: Arrow, bins: int) -> NumberSummary:
    """From one pass over a large array and a sample of it: quartiles and bins are the sample's, the rest is exact.

    Missing floats must be NaN under their null bits, as in the canonical form.
    """
    inner = _finite(sample.drop_null())[0]
    low, middle_low, middle_high, high = pc.quantile(inner, list(_CUTS), interpolation="nearest")
    moments = Moments(pc.mean(as_floats(inner)).as_py())
    ends, middle = Ends(low, high), Middle(middle_low, middle_high, len(column) - column.null_count)
    plain = without_validity(column)  # NaN is neither below nor above anything
    for chunk, plain_chunk in zip(chunks_of(column), chunks_of(plain), strict=True):
        ends.add(plain_chunk)
        middle.add(plain_chunk)
        moments.add(chunk)
    outer, infinite, extremes = _finite(ends.values())
    if infinite:
        finite = mark_missing(pc.if_else(pc.is_finite(plain), plain, making.number(math.nan, plain.type)))
        without = summary_in_one_pass(finite, inner, bins)
        return replace(without, infinite=infinite, least=extremes[0], most=extremes[1])
    median = middle.median()
    if median is None:
        median = pc.quantile(as_floats(column), 0.5)[0].as_py()
    return _of_pass(inner, outer, moments, median, bins)


def _of_pass(inner: Arrow, outer: Arrow, moments: Moments, median: float, bins: int) -> NumberSummary:
    least, most = extremes_of(outer)
    first, _, third = pc.quantile(as_floats(inner), list(QUARTILES)).to_pylist()
    edges = bin_edges(least, most, bins)
    return NumberSummary(
        0,
        least,
        most,
        moments.mean(),
        median,
        moments.standard_deviation(),
        edges,
        scaled_counts(bin_counts(inner, edges), moments.count),
        box_plot((first, median, third), inner, _outermost(outer)),
        frozenset({Figure.HISTOGRAM, Figure.BOX_PLOT}),
    )


def scaled_counts(counts: Sequence[int], rows: int) -> tuple[int, ...]:
    """A sample's counts for all rows: they add up to `rows`, the largest remainders are rounded up."""
    total = sum(counts)
    scaled = [divmod(count * rows, total) for count in counts]
    short = rows - sum(whole for whole, _ in scaled)
    up = sorted(range(len(counts)), key=lambda place: -scaled[place][1])[:short]
    return tuple(whole + (place in set(up)) for place, (whole, _) in enumerate(scaled))


def _finite(values: Arrow) -> tuple[Arrow, int, tuple[float | None, float | None]]:
    """The finite values of an array without missing ones, the number of others, the extremes of all."""
    least, most = extremes_of(values)
    if not pa.types.is_floating(values.type) or least is None or (math.isfinite(least) and math.isfinite(most)):
        return values, 0, (least, most)
    finite = values.filter(pc.is_finite(values))
    return finite, len(values) - len(finite), (least, most)


def _outermost(values: Arrow) -> list[float]:
    """The smallest and the largest, sorted: at most MAX_OUTLIERS of each, none twice."""
    if len(values) <= 2 * MAX_OUTLIERS:
        return sorted(float(value) for value in values.to_pylist())
    ends: list[float] = []
    for order in ("ascending", "descending"):
        places = outermost(values, MAX_OUTLIERS, order)
        ends += (float(value) for value in values.take(places).to_pylist())
    return sorted(ends)


def _mean(values: Sequence[float], counts: Sequence[int], rows: int) -> float:
    products = [value * count for value, count in zip(values, counts, strict=True)]
    if all(isinstance(product, int) for product in products):
        return sum(products) / rows
    mean = _sum(products) / rows
    if math.isfinite(mean):
        return mean
    return _sum([value * (count / rows) for value, count in zip(values, counts, strict=True)])


def _weighted_deviation(values: Sequence[float], counts: Sequence[int], mean: float, rows: int) -> float | None:
    if rows < 2:
        return None
    if len(values) == 1:
        return 0.0
    shares = [count / (rows - 1) for count in counts]
    squares = [(value - mean) * (value - mean) * share for value, share in zip(values, shares, strict=True)]
    return float(_sum(squares) ** 0.5)


def _sum(numbers: list[float]) -> float:
    try:
        return math.fsum(numbers)
    except OverflowError:
        return sum(numbers)


def _weighted_quartiles(values: Sequence[float], counts: Sequence[int], rows: int) -> list[float]:
    """By linear interpolation between ranks, as pandas."""
    return [_at_rank(values, counts, share * (rows - 1)) for share in QUARTILES]


def _at_rank(values: Sequence[float], counts: Sequence[int], rank: float) -> float:
    whole, part = int(rank), rank - int(rank)
    seen = 0
    for place, count in enumerate(counts):
        seen += count
        if whole < seen:
            here = values[place]
            following = here if whole + 1 < seen or place + 1 == len(values) else values[place + 1]
            return float(here) if here == following else here * (1 - part) + following * part
    return float(values[-1])


def _weighted_ends(pairs: Sequence[tuple[float, int]]) -> list[float]:
    low = [value for value, count in pairs[:MAX_OUTLIERS] for _ in range(min(count, MAX_OUTLIERS))]
    high = [value for value, count in pairs[-MAX_OUTLIERS:] for _ in range(min(count, MAX_OUTLIERS))]
    return [float(value) for value in (*low[:MAX_OUTLIERS], *high[-MAX_OUTLIERS:])]
