"""Values as text, column by column, for CSV, previews and every other format that knows only text.

Missing stays missing: what it looks like is the format's business. Text of every kind but the following reads back
as the same value: bytes are Base64, durations are pandas' `1 days 02:03:04.000000005`, lists are JSON.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from estudio.tables import making

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""Ticks of each unit in a second."""


def as_text(array: Arrow) -> Arrow:
    """A `large_string` array as long as the given canonical array.

    Booleans are True and False, floats keep a point or an exponent (`1.0`) and enough digits to be exact, times are
    ISO 8601 with a space, decimals of seconds where there are any, and zones as an offset.
    """
    for matches, render in _RENDERERS:
        if matches(array.type):
            text: Arrow = render(array)  # type: ignore[no-untyped-call]
            return text
    return array.cast(pa.large_string())


def _time_text(array: Arrow) -> Arrow:
    if array.type.tz is None:
        return pc.replace_substring_regex(array.cast(pa.large_string()), r"\.0+$", "")
    zoned = pc.strftime(array, "%Y-%m-%d %H:%M:%S%z").cast(pa.large_string())
    return pc.replace_substring_regex(zoned, r"(?:\.0+)?([+-]\d\d)(\d\d)$", r"\1:\2")


def joined(*parts: Arrow | str, by: str = "") -> Arrow:
    """Texts put together row by row; a plain string is the same in every row, missing makes the row missing."""
    wide = [making.text(part) if isinstance(part, str) else part for part in (*parts, by)]
    return pc.binary_join_element_wise(*wide)


def _float_text(array: Arrow) -> Arrow:
    text = array.cast(pa.large_string())
    is_whole = pc.match_substring_regex(text, r"^-?\d+$")
    return pc.if_else(is_whole, joined(text, ".0"), text)


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode("ascii")


def _json(values: list[Any] | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False, allow_nan=False)


def _duration_text(array: Arrow) -> Arrow:
    per_second = PER_SECOND[array.type.unit]
    ticks = array.cast(pa.int64())
    day = making.number(86_400 * per_second, pa.int64())
    days = _floor_divide(ticks, day)
    rest = pc.subtract(ticks, pc.multiply(days, day))
    clock = rest.cast(pa.time64(array.type.unit) if per_second > 1_000 else pa.int32())
    if per_second <= 1_000:
        clock = clock.cast(pa.time32(array.type.unit))
    return joined(days.cast(pa.large_string()), " days ", clock.cast(pa.large_string()))


def _floor_divide(numbers: Arrow, by: Arrow) -> Arrow:
    quotient = pc.divide(numbers, by)  # towards zero
    is_below = pc.less(numbers, pc.multiply(quotient, by))
    return pc.subtract(quotient, is_below.cast(pa.int64()))


def json_lists(array: Arrow) -> list[list[Arrow] | None]:
    """The cells of a list array as JSON can say them: numbers and booleans as such, all else as text."""
    values, item = array.values, array.type.value_type
    if pa.types.is_integer(item) or pa.types.is_boolean(item):
        plain = values
    elif pa.types.is_floating(item):
        plain = pc.if_else(pc.is_finite(values), values, making.missing(item))
    else:
        plain = as_text(values)
    rebuilt = pa.Array.from_buffers(
        pa.large_list(plain.type), len(array), array.buffers()[:2], children=[plain], offset=array.offset
    )
    cells: list[list[Any] | None] = rebuilt.to_pylist()
    return cells


_RENDERERS = (
    (pa.types.is_large_string, lambda array: array),
    (pa.types.is_dictionary, lambda array: as_text(array.dictionary).take(array.indices)),
    (pa.types.is_boolean, lambda array: pc.if_else(array, making.text("True"), making.text("False"))),
    (pa.types.is_floating, _float_text),
    (pa.types.is_large_binary, lambda array: making.texts(map(_base64, array.to_pylist()))),
    (pa.types.is_duration, _duration_text),
    (pa.types.is_timestamp, _time_text),
    (pa.types.is_large_list, lambda array: making.texts(map(_json, json_lists(array)))),
)
