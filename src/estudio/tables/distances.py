"""How far two distributions of values lie apart, from 0 (the same) to 1 (nothing in common).

Numbers and times: Kolmogorov-Smirnov. Text, categories, booleans: total variation. Missing values are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.tables import making
from estudio.tables.columnvalues import counted_where_affordable
from estudio.tables.kernels import as_floats
from estudio.tables.kernels import compute as pc
from estudio.tables.numbercolumns import ticks_of
from estudio.tables.sampling import random_rows_of
from estudio.tables.valuetext import as_text

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow


def distribution_distance(before: Arrow, after: Arrow) -> tuple[float | None, bool]:
    """The distance of two arrays, and whether it is exact; None where they cannot be compared.

    That is so for values of different kinds, for bytes and lists, for columns without values, and for large columns of
    text with thousands of different values, of which samples have little in common even if nothing changed.
    """
    if len(before) == before.null_count or len(after) == after.null_count:
        return None, True
    if _is_number(before.type) and _is_number(after.type):
        return _of_numbers(as_floats(before), as_floats(after))
    if before.type == after.type and _is_time(before.type):
        return _of_numbers(ticks_of(before), ticks_of(after))
    if _is_countable(before.type) and _is_countable(after.type):
        return _total_variation(_plain(before), _plain(after)), True
    return None, True


def _is_number(arrow: pa.DataType) -> bool:
    return bool(pa.types.is_integer(arrow) or pa.types.is_floating(arrow) or pa.types.is_decimal(arrow))


def _is_time(arrow: pa.DataType) -> bool:
    return bool(pa.types.is_temporal(arrow))


def _is_countable(arrow: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(arrow) or pa.types.is_boolean(arrow) or pa.types.is_dictionary(arrow))


def _plain(array: Arrow) -> Arrow:
    """Values as text: a category and the text that it stands for are the same."""
    return array if pa.types.is_large_string(array.type) else as_text(array)


def _of_numbers(before: Arrow, after: Arrow) -> tuple[float | None, bool]:
    one, other = (random_rows_of(array).drop_null() for array in (before, after))
    if not len(one) or not len(other):
        return None, False
    is_exact = len(one) + before.null_count == len(before) and len(other) + after.null_count == len(after)
    return kolmogorov_smirnov(one, other), is_exact


def kolmogorov_smirnov(one: Arrow, other: Arrow) -> float:
    """The largest difference of two cumulative distributions; arrays of one type, not empty, nothing missing."""
    values = pa.concat_arrays([one, other])
    order = pc.array_sort_indices(values)
    up = pa.repeat(making.number(1 / len(one), pa.float64()), len(one))
    down = pa.repeat(making.number(-1 / len(other), pa.float64()), len(other))
    steps = pa.concat_arrays([up, down]).take(order)
    heights = pc.cumulative_sum(steps)
    ranked = values.take(order)
    is_last = pc.not_equal(ranked.slice(0, len(ranked) - 1), ranked.slice(1))
    highest = pc.max(pc.abs(heights.slice(0, len(ranked) - 1).filter(is_last))).as_py()
    return 0.0 if highest is None else min(float(highest), 1.0)


def _total_variation(before: Arrow, after: Arrow) -> float | None:
    (one, one_is_whole), (other, other_is_whole) = map(counted_where_affordable, (before, after))
    if not (one_is_whole and other_is_whole):
        return None
    shares: dict[str, float] = {}
    for counted, sign in ((one, 1), (other, -1)):
        rows = counted.rows
        for value, count in zip(counted.values.to_pylist(), counted.counts.to_pylist(), strict=True):
            shares[value] = shares.get(value, 0.0) + sign * count / rows
    return min(sum(abs(share) for share in shares.values()) / 2, 1.0)
