"""What a lying guest can send. Each test starts from an honest result and changes one thing."""

from __future__ import annotations

import dataclasses
import mmap
import struct
import tempfile
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estudio.core.layout import BufferSpan, ColumnLayout, TableLayout, parse_table_layout
from estudio.errors import InvalidDataset
from estudio.tables import results
from estudio.tables.results import table_from_layout
from estudio.tables.table import Table
from tests.unit.tables.arrowtables import arrow_tables, guest_bytes

HONEST = pa.table({
    "i": pa.array([1, 2, 3], pa.int64()),
    "f": [1.5, None, 2.5],
    "s": ["ab", "ñ", None],
    "b": [b"x", b"", b"\xff"],
    "c": pa.array(["u", "v", "u"]).dictionary_encode(),
    "l": pa.array([[1], [2, 3], []], pa.large_list(pa.int64())),
    "d": pa.array([1, 2, 3], pa.decimal128(5, 2)),
})  # fmt: skip


def _change(layout: TableLayout, which: str, /, **changes: Any) -> TableLayout:
    columns = (dataclasses.replace(c, **changes) if c.name == which else c for c in layout.columns)
    return dataclasses.replace(layout, columns=tuple(columns))


def _column(layout: TableLayout, name: str) -> ColumnLayout:
    return next(column for column in layout.columns if column.name == name)


def _array(table: Table, name: str) -> Any:
    return table.to_arrow().column(name).chunk(0)


def _span(column: ColumnLayout, number: int) -> BufferSpan:
    span = column.buffers[number]
    assert span is not None
    return span


def _poked(name: str, buffer: int, form: str, position: int, value: Any) -> tuple[TableLayout, bytes]:
    layout, content = guest_bytes(HONEST)
    data = bytearray(content)
    struct.pack_into(form, data, _span(_column(layout, name), buffer).offset + position, value)
    return layout, bytes(data)


def _refused(layout: TableLayout, content: bytes, match: str) -> None:
    with pytest.raises(InvalidDataset, match=match) as caught:
        table_from_layout(layout, memoryview(content), [])
    assert caught.value.message.startswith("The ")


def test_an_honest_result_is_taken_as_it_is_from_any_kind_of_buffer() -> None:
    layout, content = guest_bytes(HONEST)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    for buffer in (memoryview(content), mapped, pa.py_buffer(content)):
        table = table_from_layout(layout, buffer, [])
        assert table == Table.from_arrow(HONEST)
        assert [column.missing for column in table.schema.columns] == [0, 1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("name", HONEST.schema.names)
def test_more_rows_than_the_buffers_carry(name: str) -> None:
    layout, content = guest_bytes(HONEST.select([name]))
    for rows in (1000, 2**33, 2**40):
        column = dataclasses.replace(layout.columns[0], rows=rows)
        _refused(TableLayout(rows, (column,)), content, "a buffer of|shorter|not a sound table")


@pytest.mark.parametrize("columns", [(), (ColumnLayout("n", "null", 2**33),)])
def test_huge_tables_of_nothing(columns: tuple[ColumnLayout, ...]) -> None:
    _refused(TableLayout(2**33, columns), b"", "claims 8589934592 rows with nothing in them")


def test_many_columns_of_nothing_count_together() -> None:
    columns = tuple(ColumnLayout(f"n{number}", "null", 2**20) for number in range(200))
    _refused(TableLayout(2**20, columns), b"", "rows with nothing in them")


def test_huge_null_children_of_a_short_list() -> None:
    child = ColumnLayout("", "null", 2**40)
    column = ColumnLayout("l", "large_list", 1, 0, (None, BufferSpan(0, 16)), (child,))
    _refused(TableLayout(1, (column,)), bytes(16), "rows with nothing in them")


def test_columns_of_different_lengths() -> None:
    layout, content = guest_bytes(HONEST)
    _refused(_change(layout, "i", rows=2), content, "different lengths")


def test_duplicate_names() -> None:
    layout, content = guest_bytes(HONEST)
    _refused(_change(layout, "i", name="f"), content, "two columns of one name")


def test_names_beyond_the_bound() -> None:
    layout, content = guest_bytes(HONEST)
    _refused(_change(layout, "i", name="x" * 5000), content, "The name of column 1 has 5000 characters")


@pytest.mark.parametrize("span", [BufferSpan(2**60, 24), BufferSpan(-64, 24), BufferSpan(0, 2**50), BufferSpan(0, -8)])
def test_buffers_outside_the_file(span: BufferSpan) -> None:
    layout, content = guest_bytes(HONEST)
    _refused(_change(layout, "i", buffers=(None, span)), content, "outside the file|overlap|a buffer of")


def test_overlapping_buffers() -> None:
    layout, content = guest_bytes(HONEST)
    _refused(_change(layout, "i", buffers=(None, _span(_column(layout, "f"), 1))), content, "buffers that overlap")


def test_odd_addresses() -> None:
    layout, content = guest_bytes(HONEST.select(["i"]))
    span = _span(layout.columns[0], 1)
    shifted = BufferSpan(span.offset + 1, span.length)
    _refused(_change(layout, "i", buffers=(None, shifted)), content, "not at a multiple of 8 bytes")


@pytest.mark.parametrize("name", ["s", "b", "l"])
@pytest.mark.parametrize(("position", "offset"), [(8, 2**40), (8, -1), (0, -(2**62)), (24, 2**62), (8, 1_000)])
def test_bad_offsets(name: str, position: int, offset: int) -> None:
    layout, content = _poked(name, 1, "<q", position, offset)
    _refused(layout, content, f"not a sound table: .*in the column '{name}'")


@pytest.mark.parametrize("byte", [0xFF, 0xC3, 0x80])
def test_bytes_that_are_no_utf8(byte: int) -> None:
    _refused(*_poked("s", 2, "<B", 0, byte), "UTF8.* in the column 's'")


def test_a_character_cut_in_two_by_an_offset() -> None:
    _refused(*_poked("s", 1, "<q", 8, 3), "UTF8")


@pytest.mark.parametrize("code", [2, -1, 2**31 - 1, -(2**31)])
def test_codes_beyond_the_categories(code: int) -> None:
    _refused(*_poked("c", 1, "<i", 4, code), "in the column 'c'")


def test_decimals_beyond_their_precision() -> None:
    _refused(*_poked("d", 1, "<q", 0, 10**6), "in the column 'd'")


def test_times_beyond_a_day() -> None:
    column = ColumnLayout("t", "time64[ns]", 1, 0, (None, BufferSpan(0, 8)))
    _refused(TableLayout(1, (column,)), struct.pack("<q", 86_400 * 10**9), "in the column 't'")


@pytest.mark.parametrize("zone", ["Not/A/Zone", "../../etc/passwd", "/etc/localtime", "UTC+"])
def test_zones_that_nobody_knows(zone: str) -> None:
    column = ColumnLayout("t", f"timestamp[ns, tz={zone}]", 1, 0, (None, BufferSpan(0, 8)))
    _refused(TableLayout(1, (column,)), bytes(8), "in the column 't'")


@pytest.mark.parametrize("inner", ["large_list", "dictionary", "struct", "decimal128(99, 1)", ""])
def test_types_inside_types_and_unknown_types(inner: str) -> None:
    child = ColumnLayout("", inner, 0, 0, (None, None), (ColumnLayout("", "int8", 0, 0, (None, None)),))
    column = ColumnLayout("l", "large_list", 1, 0, (None, BufferSpan(0, 16)), (child,))
    _refused(TableLayout(1, (column,)), bytes(16), "in the column 'l'")
    plain = ColumnLayout("p", inner or "x", 0, 0, (None, None), ())
    _refused(TableLayout(0, (plain,)), b"", "in the column 'p'")


def test_missing_counts_are_counted_not_believed() -> None:
    layout, content = guest_bytes(HONEST)
    lying = _change(_change(layout, "f", missing=3), "i", missing=2)
    table = table_from_layout(lying, memoryview(content), [])
    assert [column.missing for column in table.schema.columns] == [0, 1, 1, 0, 0, 0, 0]


def test_nan_without_null_bits_counts_as_missing() -> None:
    layout, content = guest_bytes(HONEST.select(["f"]))
    lying = _change(layout, "f", buffers=(None, _span(layout.columns[0], 1)))
    assert table_from_layout(lying, memoryview(content), []) == Table.from_arrow(HONEST.select(["f"]))


def test_values_hidden_under_null_bits_are_not_seen_by_the_next_script() -> None:
    layout, content = _poked("f", 1, "<d", 8, 42.0)
    table = table_from_layout(layout, memoryview(content), [])
    values = _array(table, "f").buffers()[1]
    assert b"\x00\x00\x00\x00\x00\x00\x45\x40" not in values.to_pybytes()


def test_doubled_and_missing_categories_are_merged() -> None:
    layout, content = guest_bytes(HONEST.select(["c"]))
    data = bytearray(content)
    text = layout.columns[0].children[0].buffers[2]
    assert text is not None
    data[text.offset : text.offset + 2] = b"vv"
    column = _array(table_from_layout(layout, memoryview(bytes(data)), []), "c")
    assert column.to_pylist() == ["v", "v", "v"]
    assert column.dictionary.to_pylist() == ["v"]


class TestSameAs:
    INPUTS = (Table.from_arrow(pa.table({"x": [1, 2, 3], "y": ["a", "b", "c"]})), None)

    def test_input_columns_come_back_untouched(self) -> None:
        columns = (ColumnLayout("q", "", 3, same_as=(0, 1)), ColumnLayout("r", "", 3, same_as=(0, 1)))
        table = table_from_layout(TableLayout(3, columns), memoryview(b""), self.INPUTS)
        assert table.to_arrow().to_pydict() == {"q": ["a", "b", "c"], "r": ["a", "b", "c"]}

    @pytest.mark.parametrize("same_as", [(0, 2), (1, 0), (2, 0), (-1, 0), (0, -1)])
    def test_columns_that_are_not_there(self, same_as: tuple[int, int]) -> None:
        layout = TableLayout(3, (ColumnLayout("q", "", 3, same_as=same_as),))
        with pytest.raises(InvalidDataset, match="an input column that is not there"):
            table_from_layout(layout, memoryview(b""), self.INPUTS)

    def test_another_length(self) -> None:
        layout = TableLayout(2, (ColumnLayout("q", "", 2, same_as=(0, 0)),))
        with pytest.raises(InvalidDataset, match="an input column of another length"):
            table_from_layout(layout, memoryview(b""), self.INPUTS)

    def test_repeating_one_column_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(results, "MAX_REPEATED_BYTES", 100)
        columns = tuple(ColumnLayout(f"q{number}", "", 3, same_as=(0, 0)) for number in range(10))
        with pytest.raises(InvalidDataset, match="input columns repeated to more than 100 bytes"):
            table_from_layout(TableLayout(3, columns), memoryview(b""), self.INPUTS)


@settings(max_examples=200)
@given(arrow_tables(), st.data())
def test_random_damage_is_refused_or_gives_a_sound_table(table: pa.Table, data: st.DataObject) -> None:
    layout, content = guest_bytes(table)
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        result = table_from_layout(layout, memoryview(bytes(damaged)), [])
    except InvalidDataset:
        return
    result.to_arrow().validate(full=True)


@settings(max_examples=200)
@given(arrow_tables(), st.data())
def test_random_layouts_are_refused_or_give_a_sound_table(table: pa.Table, data: st.DataObject) -> None:
    layout, content = guest_bytes(table)
    form = layout.to_json()
    for column in form["columns"]:
        for number in range(len(column["buffers"])):
            if data.draw(st.booleans()):
                column["buffers"][number] = data.draw(st.none() | _pairs(len(content)))
        column["missing"] = data.draw(st.integers(0, 3))
    try:
        result = table_from_layout(parse_table_layout(form, file_bytes=len(content)), memoryview(content), [])
    except InvalidDataset:
        return
    result.to_arrow().validate(full=True)


def _pairs(size: int) -> st.SearchStrategy[list[int]]:
    return st.tuples(st.integers(0, size // 8).map(lambda n: n * 8), st.integers(0, 80)).map(list)
