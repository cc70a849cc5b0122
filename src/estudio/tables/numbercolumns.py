"""Columns of numbers and times: the numbers behind them are summed up, and shown again as what they are.

A time is its ticks, a decimal its nearest float: decimals keep their digits in the minimum, the maximum and the
frequent values alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.core.statistics import ColumnStatistics, FeatureType, Figure, Histogram
from estudio.tables import making
from estudio.tables.columnvalues import ValueLook, look_at_values, shown_values, with_values
from estudio.tables.countedvalues import CountedValues
from estudio.tables.kernels import compute as pc
from estudio.tables.missing import mark_missing
from estudio.tables.numberstatistics import (
    NumberSummary,
    summary_in_one_pass,
    summary_of_counted,
    summary_of_whole,
)
from estudio.tables.sampling import SAMPLE_ROWS, sample_of
from estudio.tables.valuetext import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.tables.typenames import Arrow


def number_column(head: ColumnStatistics, array: Arrow, bins: int) -> ColumnStatistics:
    """Numbers, decimals, times and durations."""
    if pa.types.is_decimal(array.type):
        return _decimal_column(head, array, bins)
    numbers = ticks_of(array)
    look = look_at_values(numbers)
    summary = _summary(numbers, look, bins)
    if head.feature_type is FeatureType.NUMERIC:
        return _with_numbers(with_values(head, look, shown_values(look.top)), summary)
    top = CountedValues(look.top.values.cast(ticks_type(array.type)).view(array.type), look.top.counts)
    return _with_times(with_values(head, look, shown_values(top)), summary, array.type)


def ticks_of(array: Arrow) -> Arrow:
    """Times as whole numbers, without a copy; numbers as they are."""
    return (
        array
        if pa.types.is_integer(array.type) or pa.types.is_floating(array.type)
        else array.view(ticks_type(array.type))
    )


def ticks_type(arrow: pa.DataType) -> pa.DataType:
    """The type of the whole numbers that times of a type are stored as."""
    return pa.int32() if arrow.bit_width == 32 else pa.int64()


def _summary(numbers: Arrow, look: ValueLook, bins: int) -> NumberSummary:
    if look.few and look.counted is not None:
        return summary_of_counted(look.counted, bins)
    if len(numbers) <= SAMPLE_ROWS:
        return summary_of_whole(numbers, bins)
    return summary_in_one_pass(numbers, sample_of(numbers), bins)


def _decimal_column(head: ColumnStatistics, array: Arrow, bins: int) -> ColumnStatistics:
    look = look_at_values(array)
    floats = mark_missing(array.cast(pa.float64()))
    of_floats = replace(look, few=False)
    found = _with_numbers(with_values(head, look, shown_values(look.top)), _summary(floats, of_floats, bins))
    if not head.count:
        return found
    both = pc.min_max(array)
    least, most = (as_text(pa.repeat(both[end], 1))[0].as_py() for end in ("min", "max"))
    return replace(found, min=least, max=most)


def _with_numbers(head: ColumnStatistics, summary: NumberSummary) -> ColumnStatistics:
    return replace(
        head,
        infinite=summary.infinite,
        min=summary.least,
        max=summary.most,
        mean=_number(summary.mean),
        median=_number(summary.median),
        standard_deviation=_number(summary.standard_deviation),
        histogram=Histogram(summary.edges, summary.counts) if summary.counts else None,
        box_plot=summary.box,
        approximate=head.approximate | summary.approximate,
    )


def _number(value: float | None) -> float | None:
    """None for NaN, which is what comes of sums beyond the largest float."""
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN differs from itself


def _with_times(head: ColumnStatistics, summary: NumberSummary, arrow: pa.DataType) -> ColumnStatistics:
    found = _with_numbers(head, replace(summary, box=None))
    if summary.least is None or summary.most is None or summary.mean is None or summary.median is None:
        return found
    least, most, mean, median, *edges = time_texts(
        [summary.least, summary.most, summary.mean, summary.median, *summary.edges], arrow
    )
    return replace(
        found,
        min=least,
        max=most,
        mean=mean,
        median=median,
        standard_deviation=_deviation_text(summary.standard_deviation, arrow),
        histogram=Histogram(tuple(edges), summary.counts),
        approximate=found.approximate - {Figure.BOX_PLOT},
    )


def time_texts(ticks: Sequence[float], arrow: pa.DataType) -> list[str]:
    """Ticks of a type as text, rounded to whole ones."""
    whole: Arrow = making.numbers([round(tick) for tick in ticks], ticks_type(arrow))
    texts: list[str] = as_text(whole.view(arrow)).to_pylist()
    return texts


def _deviation_text(ticks: float | None, arrow: Arrow) -> str | None:
    """A spread of times is a duration."""
    if ticks is None:
        return None
    if pa.types.is_date(arrow):
        return time_texts([ticks * 86_400], pa.duration("s"))[0]
    return time_texts([ticks], pa.duration(arrow.unit))[0]
