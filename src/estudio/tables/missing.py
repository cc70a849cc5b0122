"""Missing floats, timestamps and durations: the value says it, and the null bit says it.

NaN and the smallest int64 (pandas' NaT) *are* missing here, whatever the null bits said before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from estudio.tables import making

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

NOT_A_TIME = -(2**63)
"""The smallest int64: pandas' NaT in timestamps and durations."""


def carries_missing(arrow: pa.DataType) -> bool:
    """Whether the values of a type have a value of their own for "missing"."""
    return bool(pa.types.is_floating(arrow) or pa.types.is_timestamp(arrow) or pa.types.is_duration(arrow))


def mark_missing(array: Arrow) -> Arrow:
    """Make null bits and values agree, both ways; returns the same buffers where they already do.

    Args:
        array: a pyarrow array without offset, of a type for which `carries_missing` holds.
    """
    values = array.buffers()[1]
    if len(array) == 0 or values is None:
        return making.nothing(array.type)
    present = _present(array.type, len(array), values)
    if array.null_count == 0:
        missing = len(array) - present.true_count
        validity = present.buffers()[1] if missing else None
        return pa.Array.from_buffers(array.type, len(array), [validity, values], missing)
    if pc.is_valid(array).equals(present):
        return array
    return mark_missing(_filled(array))


def without_validity(array: Arrow) -> Arrow:
    """The same values with no null bits: NaN and NaT remain where something is missing, nothing is copied."""
    if array.null_count == 0 or not carries_missing(array.type):
        return array
    return pa.Array.from_buffers(array.type, len(array), [None, array.buffers()[1]], 0)


def _present(arrow: pa.DataType, rows: int, values: pa.Buffer) -> Arrow:
    if pa.types.is_floating(arrow):
        numbers = pa.Array.from_buffers(arrow, rows, [None, values], 0)
        return pc.equal(numbers, numbers)  # NaN is what differs from itself; faster than is_nan
    times = pa.Array.from_buffers(pa.int64(), rows, [None, values], 0)
    return pc.not_equal(times, making.number(NOT_A_TIME, pa.int64()))


def _filled(array: Arrow) -> Arrow:
    if pa.types.is_floating(array.type):
        return pc.fill_null(array, making.number(float("nan"), array.type))
    filled = pc.fill_null(array.view(pa.int64()), making.number(NOT_A_TIME, pa.int64()))
    return filled.view(array.type)
