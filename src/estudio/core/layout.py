"""Where a table's values lie in a file: names, types, and the offset and length of every buffer.

This is the hand-over between host and guest, in both directions, so that a guest needs no Arrow reader and
the host never parses a file that a guest wrote. A layout from a guest is untrusted: `parse_table_layout` checks
its form and bounds; whether the *values* are sound is checked where arrays are built from it.

The buffers of a column follow the Arrow columnar format, by type:

    null                            (no buffers)
    bool, intN, uintN, floatN,
    date32, timeN[unit], timestamp[unit(, tz=ZONE)], duration[unit],
    decimal128(p, s), decimal256(p, s)
                                    validity, values
    large_string, large_binary      validity, int64 offsets, bytes
    large_list                      validity, int64 offsets; children = (values,)
    dictionary, dictionary-ordered  validity, int32 codes; children = (categories,)

Validity is a bitmap (least significant bit first, 1 = present) or absent where nothing is missing. In the canonical
form missing floats hold NaN and missing timestamps and durations hold the smallest int64 under their null bits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from estudio.core.calling import MAX_TABLES
from estudio.errors import InvalidDataset

MAX_COLUMNS = 100_000
"""Wider tables cost more for their names than for their values."""
MAX_NAME_CHARACTERS = 4_096
"""A column name is a label; longer ones are data in the wrong place."""
MAX_ROWS = 2**40
"""Far above what fits a machine: a bound against nonsense, not a quota."""

_FIXED = {
    "bool": 1, "int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint8": 8, "uint16": 16, "uint32": 32,
    "uint64": 64, "float32": 32, "float64": 64, "date32": 32,
    "time32[s]": 32, "time32[ms]": 32, "time64[us]": 64, "time64[ns]": 64,
}  # fmt: skip
_PATTERNS = (
    (re.compile(r"(?:timestamp|duration)\[(?:s|ms|us|ns)\]"), 64),
    (re.compile(r"timestamp\[(?:s|ms|us|ns), tz=[A-Za-z0-9_+\-:/]{1,64}\]"), 64),
    (re.compile(r"decimal128\((?:[1-9]|[12][0-9]|3[0-8]), -?[0-9]{1,2}\)"), 128),
    (re.compile(r"decimal256\((?:[1-9]|[1-6][0-9]|7[0-6]), -?[0-9]{1,2}\)"), 256),
)
VARIABLE = ("large_string", "large_binary")
DICTIONARIES = ("dictionary", "dictionary-ordered")


def value_bits(type_name: str) -> int | None:
    """Bits of one value of a fixed-width type, `None` for the other types."""
    bits = _FIXED.get(type_name)
    if bits is not None:
        return bits
    return next((bits for pattern, bits in _PATTERNS if pattern.fullmatch(type_name)), None)


@dataclass(frozen=True, slots=True)
class BufferSpan:
    """A piece of a file, in bytes."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """One column. `same_as` = (port from 0, column number): the guest hands an input column back untouched."""

    name: str
    type: str
    rows: int
    missing: int = 0
    buffers: tuple[BufferSpan | None, ...] = ()
    children: tuple[ColumnLayout, ...] = ()
    same_as: tuple[int, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """The form on the wire."""
        if self.same_as is not None:
            return {"name": self.name, "same": list(self.same_as)}
        return {
            "name": self.name,
            "type": self.type,
            "rows": self.rows,
            "missing": self.missing,
            "buffers": [None if span is None else [span.offset, span.length] for span in self.buffers],
            "children": [child.to_json() for child in self.children],
        }


@dataclass(frozen=True, slots=True)
class TableLayout:
    """A table: its number of rows and its columns."""

    rows: int
    columns: tuple[ColumnLayout, ...]

    def to_json(self) -> dict[str, Any]:
        """The form on the wire."""
        return {"rows": self.rows, "columns": [column.to_json() for column in self.columns]}


def parse_table_layout(untrusted: object, *, file_bytes: int) -> TableLayout:
    """Check the form of a layout from outside.

    Args:
        untrusted: what a JSON reader gave.
        file_bytes: the size of the file that the spans point into.

    Raises:
        InvalidDataset: unknown fields or types, too many columns or rows, spans outside the file.
    """
    table = _object(untrusted, {"rows", "columns"}, set())
    rows = _whole(table["rows"], MAX_ROWS)
    columns = table["columns"]
    if not isinstance(columns, list) or len(columns) > MAX_COLUMNS:
        raise _invalid(f"more than {MAX_COLUMNS} columns, or no list of columns")
    parsed = tuple(_parse_column(column, rows, file_bytes, depth=0) for column in columns)
    if len({column.name for column in parsed}) != len(parsed):
        raise _invalid("two columns of one name")
    return TableLayout(rows, parsed)


def _parse_column(untrusted: object, rows: int, file_bytes: int, depth: int) -> ColumnLayout:
    if depth == 0 and isinstance(untrusted, dict) and "same" in untrusted:
        column = _object(untrusted, {"name", "same"}, set())
        port, number = _pair(column["same"], MAX_TABLES - 1, MAX_COLUMNS)
        return ColumnLayout(_name(column["name"]), "", rows, same_as=(port, number))
    column = _object(untrusted, {"name", "type", "rows", "missing", "buffers", "children"}, set())
    own_rows = _whole(column["rows"], MAX_ROWS)
    if depth == 0 and own_rows != rows:
        raise _invalid("columns of different lengths")
    type_name = column["type"]
    if not isinstance(type_name, str):
        raise _invalid("a type that is no text")
    buffers = _spans(column["buffers"], file_bytes)
    children = column["children"]
    if not isinstance(children, list):
        raise _invalid("children that are no list")
    expected_buffers, expected_children = _shape(type_name, depth)
    if len(buffers) != expected_buffers or len(children) != expected_children:
        raise _invalid(f"a wrong number of buffers for the type {type_name[:80]!r}")
    return ColumnLayout(
        _name(column["name"]),
        type_name,
        own_rows,
        _whole(column["missing"], own_rows),
        buffers,
        tuple(_parse_column(child, 0, file_bytes, depth + 1) for child in children),
    )


def _shape(type_name: str, depth: int) -> tuple[int, int]:
    if type_name == "null":
        return 0, 0
    if value_bits(type_name) is not None:
        return 2, 0
    if type_name in VARIABLE:
        return 3, 0
    if depth == 0 and (type_name == "large_list" or type_name in DICTIONARIES):
        return 2, 1
    raise _invalid(f"the type {type_name[:80]!r}")


def _spans(untrusted: object, file_bytes: int) -> tuple[BufferSpan | None, ...]:
    if not isinstance(untrusted, list) or len(untrusted) > 3:
        raise _invalid("buffers that are no short list")
    spans: list[BufferSpan | None] = []
    for item in untrusted:
        if item is None:
            spans.append(None)
            continue
        offset, length = _pair(item, file_bytes, file_bytes)
        if offset + length > file_bytes:
            raise _invalid("a buffer outside the file")
        spans.append(BufferSpan(offset, length))
    return tuple(spans)


def _pair(untrusted: object, most_first: int, most_second: int) -> tuple[int, int]:
    if not isinstance(untrusted, list) or len(untrusted) != 2:
        raise _invalid("no pair of numbers")
    return _whole(untrusted[0], most_first), _whole(untrusted[1], most_second)


def _object(untrusted: object, required: set[str], optional: set[str]) -> dict[str, Any]:
    if not isinstance(untrusted, dict) or not required <= set(untrusted) <= required | optional:
        raise _invalid("wrong fields")
    return untrusted


def _whole(untrusted: object, most: int) -> int:
    if isinstance(untrusted, bool) or not isinstance(untrusted, int) or not 0 <= untrusted <= most:
        raise _invalid("a number out of its range")
    return untrusted


def _name(untrusted: object) -> str:
    if not isinstance(untrusted, str) or len(untrusted) > MAX_NAME_CHARACTERS:
        raise _invalid(f"a column name of more than {MAX_NAME_CHARACTERS} characters")
    try:
        untrusted.encode()
    except UnicodeEncodeError:
        raise _invalid("a column name that is not Unicode text") from None
    return untrusted


def _invalid(what: str) -> InvalidDataset:
    return InvalidDataset(f"The table's description has {what}.", what=what)
