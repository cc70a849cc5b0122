"""Tables ⇄ layouts for the contract's tests, independent of the code that the host uses.

Values are written in the canonical form that `core.layout` promises: NaN under missing floats, the smallest int64 under
missing moments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

Layout = dict[str, Any]


class _File:
    def __init__(self) -> None:
        self.content = bytearray(b"estudio test".ljust(64, b"\0"))

    def place(self, data: bytes | None) -> list[int] | None:
        if data is None:
            return None
        offset = len(self.content)
        self.content += data + b"\0" * (-len(data) % 64)
        return [offset, len(data)]


def lay_out(table: pa.Table) -> tuple[bytes, Layout]:
    """Write a table's buffers into a file of their own; return its bytes and the layout."""
    file = _File()
    columns = [
        _column(name, column.combine_chunks(), file)
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return bytes(file.content), {"rows": table.num_rows, "columns": columns}


def _column(name: str, array: Any, file: _File) -> Layout:
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], array.type)
    kind = array.type
    if pa.types.is_string(kind):
        array = array.cast(pa.large_string())
    elif pa.types.is_binary(kind):
        array = array.cast(pa.large_binary())
    elif pa.types.is_list(kind):
        array = array.cast(pa.large_list(kind.value_type))
    children: list[Layout] = []
    type_name = type_name_of(array.type)
    if pa.types.is_dictionary(kind):
        children = [_column("", array.dictionary, file)]
        array = array.indices.cast(pa.int32())
    elif pa.types.is_large_list(array.type):
        children = [_column("", array.values, file)]
    assert array.offset == 0
    return {
        "name": name,
        "type": type_name,
        "rows": len(array),
        "missing": array.null_count,
        "buffers": [file.place(data) for data in _buffers(array)],
        "children": children,
    }


def _buffers(array: Any) -> list[bytes | None]:
    if pa.types.is_null(array.type):
        return []
    parts = [None if buffer is None else buffer.to_pybytes() for buffer in array.buffers()]
    if pa.types.is_large_list(array.type):
        parts = parts[:2]
    if not array.null_count:
        return [None, *parts[1:]]
    gone = np.asarray(array.is_null())
    if pa.types.is_floating(array.type):
        values = np.array(array.fill_null(0))
        values[gone] = np.nan
        parts[1] = values.tobytes()
    elif pa.types.is_timestamp(array.type) or pa.types.is_duration(array.type):
        whole = np.array(array.cast(pa.int64()).fill_null(0))
        whole[gone] = np.iinfo("i8").min
        parts[1] = whole.tobytes()
    return parts


def type_name_of(kind: Any) -> str:
    """Return the name of an Arrow type as in `core.layout`."""
    if pa.types.is_dictionary(kind):
        return "dictionary-ordered" if kind.ordered else "dictionary"
    if pa.types.is_large_list(kind):
        return "large_list"
    if pa.types.is_date32(kind):
        return "date32"
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))


def read_table(layout: Layout, content: bytes, inputs: list[Any]) -> Any:
    """Build and fully validate the Arrow table that a report describes."""
    arrays = {column["name"]: _read(column, content, inputs) for column in layout["columns"]}
    assert len(arrays) == len(layout["columns"]), "two columns of one name"
    for array in arrays.values():
        array.validate(full=True)
        assert len(array) == layout["rows"]
    return pa.table(arrays)


def _read(column: Layout, content: bytes, inputs: list[Any]) -> Any:
    if "same" in column:
        port, number = column["same"]
        found = inputs[port].column(number)
        return found.cast(pa.large_string()) if found.type == pa.string() else found
    buffers = [
        None if span is None else pa.py_buffer(content[span[0] : span[0] + span[1]]) for span in column["buffers"]
    ]
    rows, missing = column["rows"], column["missing"]
    if column["type"].startswith("dictionary"):
        codes = pa.Array.from_buffers(pa.int32(), rows, buffers, missing)
        categories = _read(column["children"][0], content, inputs)
        return pa.DictionaryArray.from_arrays(codes, categories, ordered=column["type"].endswith("ordered"))
    if column["type"] == "large_list":
        child = _read(column["children"][0], content, inputs)
        return pa.Array.from_buffers(pa.large_list(child.type), rows, buffers, missing, children=[child])
    return pa.Array.from_buffers(parse_type(column["type"]), rows, buffers, missing)


def parse_type(name: str) -> Any:
    """Return the Arrow type of a name as in `core.layout`."""
    kind, _, inside = name.partition("[" if "[" in name else "(")
    inside = inside.rstrip("])")
    if kind.startswith("decimal"):
        precision, scale = map(int, inside.split(","))
        return (pa.decimal128 if kind == "decimal128" else pa.decimal256)(precision, scale)
    if kind == "timestamp":
        unit, _, zone = inside.partition(", tz=")
        return pa.timestamp(unit, zone or None)
    if kind == "bool":
        return pa.bool_()
    return getattr(pa, kind)(inside) if inside else getattr(pa, kind)()
