"""Histograms and boxes of numbers, exact for the array they are given.

Edges stand at equal distances from the smallest to the largest value; a bin has its lower edge, the last one both, as
NumPy's.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.core.statistics import BoxPlot
from estudio.tables import making
from estudio.tables.countedvalues import chunks_of
from estudio.tables.kernels import as_floats, extremes, number_scalar
from estudio.tables.kernels import compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.tables.typenames import Arrow

MAX_OUTLIERS = 25
"""On each side of a box: dots that a picture can show."""
WHISKER = 1.5
"""Box lengths from the box to the fence, after Tukey (Exploratory Data Analysis, 1977)."""


def bin_edges(least: float, most: float, bins: int) -> tuple[float, ...]:
    """`bins + 1` edges; the ends are the two values themselves. One bin where they are equal."""
    if least == most:
        return (least, most)
    step = (most - least) / bins
    if math.isfinite(step):
        between = [least + number * step for number in range(1, bins)]
    else:  # the distance is larger than any number
        between = [least * (1 - number / bins) + most * (number / bins) for number in range(1, bins)]
    edges = [least, *between, most]
    return tuple(edges) if all(low < high for low, high in pairwise(edges)) else (least, most)


def bin_counts(values: Arrow, edges: Sequence[float]) -> tuple[int, ...]:
    """How many values lie in each bin.

    Args:
        values: finite numbers between the outer edges; missing ones are not counted.
        edges: as `bin_edges` gives them.
    """
    below = [0] * (len(edges) - 2)
    for chunk in chunks_of(values):
        for number, edge in enumerate(edges[1:-1]):
            below[number] += pc.less(chunk, edge_scalar(edge, chunk.type)).true_count
    totals = [0, *below, len(values) - values.null_count]
    return tuple(high - low for low, high in pairwise(totals))


def edge_scalar(edge: float, arrow: Arrow) -> Arrow:
    """An edge to compare an array with: whole numbers are compared with the next whole number above."""
    if pa.types.is_integer(arrow):
        whole = int(edge)
        return number_scalar(whole if whole >= edge else whole + 1, arrow)
    return making.number(edge, pa.float64())


def weighted_counts(values: Sequence[float], counts: Sequence[int], edges: Sequence[float]) -> tuple[int, ...]:
    """The same for sorted values that occur several times."""
    bins = [0] * (len(edges) - 1)
    place = 0
    for value, count in zip(values, counts, strict=True):
        while place < len(bins) - 1 and value >= edges[place + 1]:
            place += 1
        bins[place] += count
    return tuple(bins)


def box_plot(quartiles: Sequence[float], values: Arrow, ends: Sequence[float]) -> BoxPlot | None:
    """The box of three quartiles; None where they are so far apart that it has no length.

    Args:
        quartiles: the first, the median, the third.
        values: where the whiskers end, finite numbers.
        ends: the outermost values, sorted: at least the 25 smallest and the 25 largest, if there are so many.
    """
    first, median, third = quartiles
    length = third - first
    if not math.isfinite(length):
        return None
    low, high = first - WHISKER * length, third + WHISKER * length
    floats = as_floats(values)
    fences = (number_scalar(fence, floats.type) for fence in (low, high))
    inside = pc.and_(pc.greater_equal(floats, next(fences)), pc.less_equal(floats, next(fences)))
    least, most = extremes(floats.filter(inside))
    return BoxPlot(
        first if least is None else min(least, first),
        first,
        median,
        third,
        third if most is None else max(most, third),
        tuple(value for value in ends[:MAX_OUTLIERS] if value < low),
        tuple(value for value in ends[-MAX_OUTLIERS:] if value > high),
    )
