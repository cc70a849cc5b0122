"""Builds a table from bytes that a guest wrote. Everything about them is untrusted: the layout and every byte.

The bytes must not change any more (every process of the guest dead, or the memory sealed): they are checked in place
and then used in place.
"""

from __future__ import annotations

import mmap  # noqa: TC003 - in a public signature
import struct
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from estudio.core.layout import VARIABLE, BufferSpan, ColumnLayout, TableLayout, value_bits
from estudio.errors import InvalidDataset
from estudio.tables.canonical import check_empty_cells, check_names, table_of
from estudio.tables.columns import distinct_categories, last_offset
from estudio.tables.inparallel import for_each_column
from estudio.tables.missing import carries_missing, mark_missing
from estudio.tables.table import Table
from estudio.tables.typenames import Arrow, scalar_type
from estudio.tables.zones import is_known_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_REPEATED_BYTES = 4 << 30
"""Bytes of input columns handed back a second time and more: free for the guest, costly for all who write them out."""
FEW_ROWS = 64
"""Rows up to which values are looked at one by one, instead of by a function that has to be called first."""
_PLAIN = {
    kind: (scalar_type(kind), int(kind.lstrip("uintfloa")) // 8)
    for kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")
}
"""Types whose every bit pattern but NaN is a value: the Arrow type, bytes of one."""
BUFFER_ALIGNMENT = 8
"""Bytes: compiled code may fault on numbers that are not at a multiple of their size."""


def table_from_layout(
    layout: TableLayout, buffer: memoryview | mmap.mmap | pa.Buffer, inputs: Sequence[Table | None]
) -> Table:
    """Check what a guest wrote, and make it a table without copying it.

    Args:
        layout: from `parse_table_layout`; nothing in it is believed.
        buffer: the bytes that the layout's offsets count in; they stay in use as long as the table does.
        inputs: the tables of port 1 and 2 of the call, for columns that were handed back untouched.

    Raises:
        InvalidDataset: anything that is not as the layout's rules say.
    """
    data = buffer if isinstance(buffer, pa.Buffer) else pa.py_buffer(buffer)
    _check_shape(layout, inputs)
    _check_spans(layout, data)
    columns = for_each_column(lambda column: _column(column, data, inputs), data.size, layout.columns)
    return Table(table_of(tuple(column.name for column in layout.columns), columns, layout.rows))


def _check_shape(layout: TableLayout, inputs: Sequence[Table | None]) -> None:
    names = tuple(column.name for column in layout.columns)
    check_names(names)
    if len(set(names)) != len(names):
        raise _refused("two columns of one name")
    empty = sum(1 for column in layout.columns if _is_empty(column, inputs))
    check_empty_cells(layout.rows, empty, len(names))
    for column in layout.columns:
        if column.same_as is None and column.rows != layout.rows:
            raise _refused("columns of different lengths", column)
        for child in column.children:
            if child.type == "null":
                check_empty_cells(child.rows, 1, 1)
    _check_repeated(layout, inputs)


def _is_empty(column: ColumnLayout, inputs: Sequence[Table | None]) -> bool:
    if column.same_as is None:
        return column.type == "null"
    return bool(pa.types.is_null(_input_column(column, inputs).type))


def _check_repeated(layout: TableLayout, inputs: Sequence[Table | None]) -> None:
    seen: set[tuple[int, int]] = set()
    repeated = 0
    for column in layout.columns:
        if column.same_as in seen:
            repeated += _input_column(column, inputs).get_total_buffer_size()
        elif column.same_as is not None:
            seen.add(column.same_as)
    if repeated > MAX_REPEATED_BYTES:
        raise _refused(f"input columns repeated to more than {MAX_REPEATED_BYTES} bytes")


def _check_spans(layout: TableLayout, data: pa.Buffer) -> None:
    spans = [span for column in layout.columns for span in _spans(column) if span.length]
    spans.sort(key=lambda span: span.offset)
    end = 0
    for span in spans:
        if span.offset < 0 or span.length < 0 or span.offset + span.length > data.size:
            raise _refused("a buffer outside the file")
        if span.offset < end:
            raise _refused("buffers that overlap")
        if (data.address + span.offset) % BUFFER_ALIGNMENT:
            raise _refused(f"a buffer that is not at a multiple of {BUFFER_ALIGNMENT} bytes")
        end = span.offset + span.length


def _spans(column: ColumnLayout) -> list[BufferSpan]:
    return [span for each in (column, *column.children) for span in each.buffers if span is not None]


def _column(column: ColumnLayout, data: pa.Buffer, inputs: Sequence[Table | None]) -> Arrow:
    if column.same_as is not None:
        return _input_column(column, inputs)
    try:
        return _array(column, data, depth=0)
    except (pa.ArrowException, ValueError, OverflowError, KeyError) as error:
        raise _refused(str(error)[:200], column) from error


def _input_column(column: ColumnLayout, inputs: Sequence[Table | None]) -> Arrow:
    port, number = column.same_as or (0, 0)
    table = inputs[port] if 0 <= port < len(inputs) else None
    if table is None or not 0 <= number < table.column_count:
        raise _refused("an input column that is not there", column)
    if table.row_count != column.rows:
        raise _refused("an input column of another length", column)
    return table.to_arrow().column(number).chunk(0)


def _array(column: ColumnLayout, data: pa.Buffer, depth: int) -> Arrow:
    builders = {"null": _nulls, "large_list": _list, "dictionary": _dictionary, "dictionary-ordered": _dictionary}
    if column.type in VARIABLE:
        return _variable(column, data)
    if depth and column.type != "null" and value_bits(column.type) is None:
        raise ValueError("a type inside another")
    return builders.get(column.type, _fixed)(column, data)


def _nulls(column: ColumnLayout, _: pa.Buffer) -> Arrow:
    return pa.nulls(column.rows)


def _fixed(column: ColumnLayout, data: pa.Buffer) -> Arrow:
    if column.type in _PLAIN and 0 < column.rows <= FEW_ROWS and column.buffers[0] is None:
        array = _few(column, data)
        if array is not None:
            return array
    bits = value_bits(column.type)
    if bits is None:
        raise KeyError("a type that is not known")
    arrow = scalar_type(column.type)
    if pa.types.is_timestamp(arrow) and not is_known_zone(arrow.tz):
        raise ValueError("a time zone that is not known here")
    values = _buffer(column, 1, data, -(-column.rows * bits // 8))
    array = pa.Array.from_buffers(arrow, column.rows, [_validity(column, data), values])
    if carries_missing(arrow):
        return mark_missing(array)
    array.validate(full=True)
    return _without_full_validity(array)


def _few(column: ColumnLayout, data: pa.Buffer) -> Arrow | None:
    """A short column of numbers with nothing missing, or None where something may be.

    Every value of these types is sound but NaN, and that is looked for here: a function of pyarrow costs more.
    """
    arrow, size = _PLAIN[column.type]
    values = _buffer(column, 1, data, size * column.rows)
    if column.type[0] == "f":
        numbers = struct.unpack_from(f"={column.rows}{'d' if size == 8 else 'f'}", values)
        if any(number != number for number in numbers):  # noqa: PLR0124 -- NaN is what differs from itself
            return None
    return pa.Array.from_buffers(arrow, column.rows, [None, values], 0)


def _variable(column: ColumnLayout, data: pa.Buffer) -> Arrow:
    validity = _validity(column, data)
    offsets = _offsets(column, data)
    text = _buffer(column, 2, data, 0)
    as_bytes = pa.Array.from_buffers(pa.large_binary(), column.rows, [validity, offsets, text])
    as_bytes.validate(full=True)  # offsets ascending and inside
    if column.type == "large_binary":
        return _without_full_validity(as_bytes)
    array = pa.Array.from_buffers(pa.large_string(), column.rows, [validity, offsets, text])
    if not _is_ascii(text, last_offset(offsets)):
        array.validate(full=True)  # value by value, four times slower
    return _without_full_validity(array)


def _is_ascii(text: pa.Buffer, length: int) -> bool:
    whole = pa.py_buffer(bytes(8) + length.to_bytes(8, "little"))
    return bool(pc.string_is_ascii(pa.Array.from_buffers(pa.large_string(), 1, [None, whole, text]))[0].as_py())


def _list(column: ColumnLayout, data: pa.Buffer) -> Arrow:
    values = _array(_only_child(column), data, depth=1)
    buffers = [_validity(column, data), _offsets(column, data)]
    array = pa.Array.from_buffers(pa.large_list(values.type), column.rows, buffers, children=[values])
    array.validate(full=True)
    return array


def _dictionary(column: ColumnLayout, data: pa.Buffer) -> Arrow:
    categories = _array(_only_child(column), data, depth=1)
    values = _buffer(column, 1, data, column.rows * 4)
    codes = pa.Array.from_buffers(pa.int32(), column.rows, [_validity(column, data), values])
    is_ordered = column.type == "dictionary-ordered"
    pa.DictionaryArray.from_arrays(codes, categories, ordered=is_ordered, safe=True)  # codes inside the categories
    return pa.DictionaryArray.from_arrays(*distinct_categories(codes, categories), ordered=is_ordered)


def _only_child(column: ColumnLayout) -> ColumnLayout:
    (child,) = column.children
    return child


def _validity(column: ColumnLayout, data: pa.Buffer) -> pa.Buffer | None:
    if column.buffers[0] is None:
        return None
    return _buffer(column, 0, data, (column.rows + 7) // 8)


def _offsets(column: ColumnLayout, data: pa.Buffer) -> pa.Buffer:
    if column.rows == 0:
        return pa.py_buffer(bytes(8))
    least = (column.rows + 1) * 8
    return _buffer(column, 1, data, least).slice(0, least)


def _buffer(column: ColumnLayout, number: int, data: pa.Buffer, least: int) -> pa.Buffer:
    span = column.buffers[number]
    size = 0 if span is None else span.length
    if size < least:
        raise ValueError(f"a buffer of {size} bytes where {least} are needed")
    return data.slice(span.offset, size) if span is not None and size else pa.py_buffer(b"")


def _without_full_validity(array: Arrow) -> Arrow:
    if array.null_count:
        return array
    return pa.Array.from_buffers(array.type, len(array), [None, *array.buffers()[1:]], 0)


def _refused(what: str, column: ColumnLayout | None = None) -> InvalidDataset:
    where = "" if column is None else f" in the column {column.name[:80]!r}"
    return InvalidDataset(
        f"The result is not a sound table: {what}{where}.", what=what, column=None if column is None else column.name
    )
