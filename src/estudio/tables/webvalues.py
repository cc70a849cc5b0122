"""Columns as lists of values that JSON can say, and as the texts of the old system's cells.

Read straight from the buffers: a column of a thousand numbers costs what its list costs. Missing is None.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from estudio.tables.missing import carries_missing
from estudio.tables.typenames import Arrow, scalar_type, type_name
from estudio.tables.valuetext import as_text, json_lists

if TYPE_CHECKING:
    from collections.abc import Sequence

_CODES: Final = {
    "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q",
    "float64": "d",
}  # fmt: skip
_CODES_BY_ID: Final = {scalar_type(name).id: code for name, code in _CODES.items()}
"""By Arrow's own number of the type: its name costs more than reading a value."""
_TEXT_ID, _BOOLEAN_ID = pa.large_string().id, pa.bool_().id
_BITS = tuple(tuple(bool(byte >> bit & 1) for bit in range(8)) for byte in range(256))
_CLASSIC_TYPES: Final = {
    "bool": "Boolean", "int8": "SByte", "int16": "Int16", "int32": "Int32", "int64": "Int64", "uint8": "Byte",
    "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64", "float32": "Single", "float64": "Double",
    "date32": "DateTime",
}  # fmt: skip
_DAY: Final = 86_400


def json_values(array: Arrow) -> Sequence[Any]:
    """A canonical array's values: numbers and booleans as such, lists as lists, all else as text.

    NaN is missing; infinity stays and is for the writer to turn into null. Times are ISO 8601 with a T, with an offset
    where the column has a zone; bytes are Base64; decimals and durations text.
    """
    kind = array.type.id
    code = _CODES_BY_ID.get(kind)
    if code is not None:
        return _present(array, _fixed(array, code))
    if kind == _TEXT_ID:
        return _texts(array)
    if kind == _BOOLEAN_ID:
        return _present(array, _bits(array.buffers()[1], len(array), array.offset))
    return _rarer_values(array, type_name(array.type))


def _rarer_values(array: Arrow, name: str) -> Sequence[Any]:
    if name == "float32":
        return [None if text is None else float(text) for text in _texts(as_text(array))]
    if name == "null":
        return [None] * len(array)
    if name == "large_list":
        return json_lists(array)
    if pa.types.is_dictionary(array.type):
        categories = json_values(array.dictionary)
        return [None if code is None else categories[code] for code in json_values(array.indices)]
    return _texts(_iso(as_text(array)) if pa.types.is_timestamp(array.type) else as_text(array))


def classic_texts(array: Arrow) -> Sequence[str | None]:
    """A canonical array's values as the old system wrote cells: `1`, `0.5`, `True`, `2/29/2024 2:30:00 PM`.

    Times finer than a second, or with a zone, are ISO 8601, so that nothing is lost.
    """
    kind = array.type
    if pa.types.is_large_string(kind):
        return _texts(array)
    if pa.types.is_dictionary(kind):
        categories = classic_texts(array.dictionary)
        return [None if code is None else categories[code] for code in json_values(array.indices)]
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return [None if value is None else str(value) for value in json_values(array)]
    if pa.types.is_floating(kind):
        return _float_texts(json_values(array))
    if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None):
        return _classic_times(array)
    return _texts(_iso(as_text(array)) if pa.types.is_timestamp(kind) else as_text(array))


def classic_type(arrow: Arrow) -> str:
    """The old system's name of a type, as `ColumnTypes` has it."""
    if pa.types.is_dictionary(arrow):
        return classic_type(arrow.value_type)
    if pa.types.is_timestamp(arrow):
        return "DateTime" if arrow.tz is None else "DateTimeOffset"
    if pa.types.is_duration(arrow) or pa.types.is_time(arrow):
        return "TimeSpan"
    if pa.types.is_decimal(arrow):
        return "Decimal"
    return _CLASSIC_TYPES.get(type_name(arrow), "String")


def _float_texts(values: Sequence[float | None]) -> list[str | None]:
    """As `webcells.value_text`, many at a time."""
    texts = map(repr, values)
    if None in values:
        return [None if text == "None" else text.removesuffix(".0") for text in texts]
    return [text.removesuffix(".0") for text in texts]


def _fixed(array: Arrow, code: str) -> list[Any]:
    if not len(array):
        return []
    view: Any = memoryview(array.buffers()[1])
    values: list[Any] = view.cast(code)[array.offset : array.offset + len(array)].tolist()
    return values


def _bits(buffer: pa.Buffer, count: int, offset: int) -> list[bool]:
    flags = [flag for byte in memoryview(buffer)[: (offset + count + 7) // 8].cast("B") for flag in _BITS[byte]]
    return flags[offset : offset + count]


def _present(array: Arrow, values: list[Any]) -> list[Any]:
    if not array.null_count:
        return values
    if carries_missing(array.type):
        return [None if value != value else value for value in values]  # noqa: PLR0124 - NaN
    return _masked(array, values)


def _masked(array: Arrow, values: list[Any]) -> list[Any]:
    valid = _bits(array.buffers()[0], len(array), array.offset)
    return [value if is_there else None for value, is_there in zip(values, valid, strict=True)]


def _texts(array: Arrow) -> list[str | None]:
    if not len(array):
        return []
    _, offsets, content = array.buffers()
    ends = memoryview(offsets).cast("q")[array.offset : array.offset + len(array) + 1].tolist()
    data = bytes(memoryview(content)[ends[0] : ends[-1]]) if content is not None else b""
    start = ends[0]
    texts: list[Any]
    if data.isascii():
        whole = data.decode("ascii")
        texts = [whole[begin - start : end - start] for begin, end in pairwise(ends)]
    else:
        texts = [data[begin - start : end - start].decode() for begin, end in pairwise(ends)]
    return _masked(array, texts) if array.null_count else texts


def _iso(text: Arrow) -> Arrow:
    return pc.replace_substring(text, " ", "T", max_replacements=1)


def _classic_times(array: Arrow) -> Sequence[str | None]:
    text = as_text(array)
    plain = _texts(text)
    if any(value is not None and "." in value for value in plain):
        return _texts(_iso(text))
    return [None if value is None else _classic_time(value) for value in plain]


def _classic_time(text: str) -> str:
    """`2024-02-29 14:30:00` as `2/29/2024 2:30:00 PM`; years that have not four digits stay ISO."""
    day, _, clock = text.partition(" ")
    year, _, rest = day.partition("-")
    month, _, date = rest.partition("-")
    if len(year) != 4:
        return text.replace(" ", "T")
    hour, minute, second = (clock or "00:00:00").split(":")
    half = "PM" if int(hour) >= 12 else "AM"
    return f"{int(month)}/{int(date)}/{year} {(int(hour) + 11) % 12 + 1}:{minute}:{second} {half}"
