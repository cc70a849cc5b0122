"""The values of a column whatever they are: how many different ones, and the frequent ones as people see them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.core.statistics import ColumnStatistics, Figure, TopValue
from estudio.tables.countedvalues import CountedValues, counted_values
from estudio.tables.distinct import FEW_VALUES, frequent_in_sample, top_values, unique_count
from estudio.tables.sampling import random_rows_of
from estudio.tables.valuetext import as_text

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

MAX_VALUE_CHARACTERS = 200
"""Of a top value: enough to recognise it."""


@dataclass(frozen=True, slots=True)
class ValueLook:
    """A column's values.

    `counted` are all its different values, where they were counted one by one; `few` says whether those are so few
    that everything else follows from them.
    """

    counted: CountedValues | None
    few: bool
    unique: int
    top: CountedValues
    approximate: frozenset[Figure]


def look_at_values(array: Arrow) -> ValueLook:
    """Count different values: one by one if the array is small or has few, by estimate otherwise."""
    counted, is_whole = counted_where_affordable(array)
    if is_whole:
        few = counted.unique <= FEW_VALUES or _has_few_at_most(array.type)
        return ValueLook(counted, few, counted.unique, top_values(counted), frozenset())
    unique, is_exact = unique_count(array, counted)
    top = top_values(frequent_in_sample(counted, len(array)))
    estimates = {Figure.TOP_VALUES} if is_exact else {Figure.TOP_VALUES, Figure.UNIQUE}
    return ValueLook(None, False, unique, top, frozenset(estimates))


def counted_where_affordable(array: Arrow) -> tuple[CountedValues, bool]:
    """All values of an array, counted one by one, if it is small or has few different ones; else those of a sample.

    The second value says whether they are all.
    """
    sample = random_rows_of(array)
    counted = counted_values(sample)
    if len(sample) == len(array):
        return counted, True
    if counted.unique <= FEW_VALUES or _has_few_at_most(array.type):
        return counted_values(array), True
    return counted, False


def _has_few_at_most(arrow: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(arrow) or (pa.types.is_integer(arrow) and arrow.bit_width <= 16))


def with_values(head: ColumnStatistics, look: ValueLook, top: tuple[TopValue, ...]) -> ColumnStatistics:
    """A column with its values' figures filled in."""
    return replace(head, unique=look.unique, top_values=top, approximate=head.approximate | look.approximate)


def shown_values(counted: CountedValues) -> tuple[TopValue, ...]:
    """Counted values as people see them: numbers and booleans as such, all else as text that is cut."""
    values = counted.values
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_boolean(values.type)):
        values = as_text(values)
    return tuple(
        _shown(value, count) for value, count in zip(values.to_pylist(), counted.counts.to_pylist(), strict=True)
    )


def _shown(value: float | str, count: int) -> TopValue:
    if isinstance(value, str) and len(value) > MAX_VALUE_CHARACTERS:
        return TopValue(value[:MAX_VALUE_CHARACTERS], count, cut=True)
    return TopValue(value, count)
