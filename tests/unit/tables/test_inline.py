"""Tables in a message: the same bytes as in a file, in no more room than there is."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given

from estudio.core.layout import parse_table_layout
from estudio.errors import InvalidDataset
from estudio.tables.inline import InlineBytes
from estudio.tables.results import FEW_ROWS, table_from_layout
from estudio.tables.table import Table
from tests.unit.tables.arrowtables import arrow_tables


@given(first=arrow_tables(), second=arrow_tables())
def test_tables_are_found_again_in_the_bytes(first: pa.Table, second: pa.Table) -> None:
    tables = [Table.from_arrow(each) for each in (first, second)]
    inline = InlineBytes(1 << 20)
    layouts = [inline.add(table) for table in tables]
    content = inline.joined()
    assert len(content) == inline.size
    for table, layout in zip(tables, layouts, strict=True):
        parsed = parse_table_layout(layout, file_bytes=len(content))
        assert table_from_layout(parsed, memoryview(content), ()) == table


def test_a_table_without_room_is_left_out_and_a_later_one_fits() -> None:
    inline = InlineBytes(100)
    large, small = (Table.from_arrow(pa.table({"n": pa.array(range(rows))})) for rows in (20, 5))
    assert inline.add(small) is not None
    assert inline.add(large) is None
    assert inline.add(small) is not None
    assert len(inline.joined()) == inline.size == 80


def test_values_beyond_the_rows_of_a_slice_stay_out() -> None:
    inline = InlineBytes(1 << 20)
    table = Table.from_arrow(pa.table({"n": pa.array(range(1000))}).slice(0, 1))
    inline.add(table)
    assert len(inline.joined()) == 8


def layout_of(kind: str, rows: int, *spans: list[int] | None) -> dict[str, object]:
    column = {"name": "c", "type": kind, "rows": rows, "missing": 0, "buffers": list(spans), "children": []}
    return {"rows": rows, "columns": [column]}


@pytest.mark.parametrize("rows", [1, FEW_ROWS, FEW_ROWS + 1])
def test_nan_in_a_short_column_is_missing_as_in_a_long_one(rows: int) -> None:
    for kind, arrow in (("float64", pa.float64()), ("float32", pa.float32())):
        values = bytes(memoryview(pa.array([float("nan")] + [1.0] * (rows - 1), arrow).buffers()[1] or b""))
        layout = parse_table_layout(layout_of(kind, rows, None, [0, len(values)]), file_bytes=len(values))
        column = table_from_layout(layout, memoryview(values), ()).to_arrow().column("c")
        assert column.null_count == 1


@pytest.mark.parametrize("kind", ["int8", "int64", "uint16", "float32", "float64"])
def test_a_short_column_with_too_few_bytes_is_refused(kind: str) -> None:
    layout = parse_table_layout(layout_of(kind, 9, None, [0, 8]), file_bytes=64)
    with pytest.raises(InvalidDataset, match="needed"):
        table_from_layout(layout, memoryview(bytes(64)), ())


def test_short_columns_that_overlap_or_lie_askew_are_refused() -> None:
    for spans in ([[0, 8], [0, 8]], [[4, 8], [16, 8]]):
        columns = [
            {"name": str(at), "type": "int64", "rows": 1, "missing": 0, "buffers": [None, span], "children": []}
            for at, span in enumerate(spans)
        ]
        layout = parse_table_layout({"rows": 1, "columns": columns}, file_bytes=64)
        with pytest.raises(InvalidDataset):
            table_from_layout(layout, memoryview(bytes(64)), ())
