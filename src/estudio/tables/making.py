"""Makes pyarrow arrays and scalars from Python's values without `pa.array` and `pa.scalar`.

Those two import pandas, where it is installed, to see whether they were given something of it: half a second that
reading a CSV file should not cost.
"""

from __future__ import annotations

import array
import functools
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from estudio.tables.typenames import Arrow

_CODES: dict[Any, str] = {pa.int32(): "i", pa.int64(): "q", pa.float32(): "f", pa.float64(): "d"}


def texts(values: Iterable[str | None]) -> Arrow:
    """A `large_string` array."""
    encoded = [None if value is None else value.encode() for value in values]
    ends = array.array("q", [0])
    for value in encoded:
        ends.append(ends[-1] + len(value or b""))
    content = b"".join(value for value in encoded if value)
    buffers = [_validity(encoded), pa.py_buffer(ends), pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers)


def numbers(values: Sequence[float | None], arrow: Arrow) -> Arrow:
    """An array of int32, int64, float32 or float64.

    Raises:
        OverflowError: a number that does not fit.
    """
    plain = array.array(_CODES[arrow], [0 if value is None else value for value in values])
    return pa.Array.from_buffers(arrow, len(plain), [_validity(values), pa.py_buffer(plain)])


@functools.lru_cache(maxsize=1024)
def text(value: str) -> Arrow:
    """A `large_string` scalar."""
    return texts([value])[0]


def number(value: float, arrow: Arrow) -> Arrow:
    """A scalar of int32, int64, float32 or float64."""
    return numbers([value], arrow)[0]


def missing(arrow: Arrow) -> Arrow:
    """The missing scalar of a type."""
    return pa.nulls(1, arrow)[0]


def nothing(arrow: Arrow) -> Arrow:
    """An array without values."""
    return pa.nulls(0, arrow)


def _validity(values: Sequence[object]) -> pa.Buffer | None:
    if all(value is not None for value in values):
        return None
    bits = bytearray((len(values) + 7) // 8)
    for place, value in enumerate(values):
        if value is not None:
            bits[place >> 3] |= 1 << (place & 7)
    return pa.py_buffer(bytes(bits))
