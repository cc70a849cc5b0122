from __future__ import annotations

import math
import os
import tempfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given

from estudio.core.layout import BufferSpan, ColumnLayout, parse_table_layout
from estudio.errors import InvalidDataset
from estudio.tables.canonical import MAX_EMPTY_CELLS, canonical, describe_file, write_canonical
from estudio.tables.columns import canonical_type
from estudio.tables.missing import NOT_A_TIME
from estudio.tables.results import table_from_layout
from estudio.tables.table import Table
from tests.unit.tables.arrowtables import arrow_tables, guest_bytes

if TYPE_CHECKING:
    from pathlib import Path


ITEM: Any = pa.list_(pa.int8())
DICTIONARY_OF_LISTS = pa.dictionary(pa.int8(), ITEM)


def _plain(table: pa.Table) -> list[list[Any]]:
    """Values that compare: NaN as missing, times as whole numbers, categories as their values."""
    result = []
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)  # noqa: PLW2901
        if pa.types.is_temporal(column.type) and not pa.types.is_date(column.type):
            column = column.cast(pa.int32() if column.type.bit_width == 32 else pa.int64())  # noqa: PLW2901
        result.append([_without_nan(value) for value in column.to_pylist()])
    return result


def _without_nan(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


@given(arrow_tables())
def test_canonical_keeps_values_and_is_a_fixed_point(table: pa.Table) -> None:
    result = canonical(table)
    result.validate(full=True)
    assert result.num_rows == table.num_rows
    assert _plain(result) == _plain(table)
    for column in result.columns:
        assert column.num_chunks == 1
        assert _only(column).offset == 0
        assert canonical_type(column.type) == column.type
    again = canonical(result)
    assert not table.num_rows or [_addresses(column) for column in again.columns] == [
        _addresses(column) for column in result.columns
    ]


def _only(column: Any) -> Any:
    (chunk,) = column.chunks
    return chunk


def _addresses(column: Any) -> list[int | None]:
    return [buffer and buffer.address for buffer in _only(column).buffers()]


@given(arrow_tables())
def test_the_file_is_arrow_and_describes_itself(table: pa.Table) -> None:
    with tempfile.NamedTemporaryFile() as file:
        layout = write_canonical(table, file.fileno())
        assert describe_file(file.fileno()) == describe_file(file.name) == layout
        read = pa.ipc.open_file(file.name).read_all()
        read.validate(full=True)
        assert _plain(read) == _plain(canonical(table))
        assert parse_table_layout(layout.to_json(), file_bytes=os.fstat(file.fileno()).st_size) == layout


@given(arrow_tables())
def test_a_table_can_be_built_from_the_layout_and_the_bytes(table: pa.Table) -> None:
    layout, content = guest_bytes(table)
    rebuilt = table_from_layout(layout, memoryview(content), [])
    assert rebuilt == Table.from_arrow(table)
    assert rebuilt.schema == Table.from_arrow(table).schema


@given(arrow_tables())
def test_every_buffer_is_aligned_to_64_bytes(table: pa.Table) -> None:
    layout, content = guest_bytes(table)
    for column in layout.columns:
        for span in _spans(column):
            assert span.offset % 64 == 0
            assert 0 < span.length <= len(content) - span.offset


def _spans(column: ColumnLayout) -> list[BufferSpan]:
    inner = [span for child in column.children for span in _spans(child)]
    return [span for span in column.buffers if span is not None] + inner


def test_missing_values_stand_under_the_null_bits() -> None:
    table = pa.table({"f": [1.5, None, math.nan], "t": pa.array([1, None, NOT_A_TIME], pa.timestamp("ns", "UTC"))})
    floats, times = map(_only, canonical(table).columns)
    assert floats.null_count == times.null_count == 2
    assert memoryview(floats.buffers()[1]).cast("d").tolist() == pytest.approx([1.5, math.nan, math.nan], nan_ok=True)
    assert memoryview(times.buffers()[1]).cast("q").tolist() == [1, NOT_A_TIME, NOT_A_TIME]


def test_categories_of_several_chunks_become_one_dictionary_without_doubles_or_gaps() -> None:
    first = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int8()), pa.array(["x", None, "x"]))
    second = pa.array(["y", "x"]).dictionary_encode().cast(first.type)
    column = _only(canonical(pa.table({"c": pa.chunked_array([first, second])})).column(0))
    assert column.to_pylist() == ["x", None, "x", "y", "x"]
    assert column.dictionary.to_pylist() == ["x", "y"]
    assert column.indices.type == pa.int32()


def test_names_become_unique_and_metadata_is_dropped() -> None:
    table = pa.table([[1], [2]], names=["a", "a"]).replace_schema_metadata({"pandas": "{}"})
    result = canonical(table)
    assert result.schema.names == ["a", "a (1)"]
    assert result.schema.metadata is None


@pytest.mark.parametrize(
    ("arrow", "expected"),
    [
        (pa.float16(), pa.float32()),
        (pa.decimal32(5, 2), pa.decimal128(5, 2)),
        (pa.list_view(pa.int8()), pa.large_list(pa.int8())),
        (pa.uuid(), pa.large_binary()),
        (pa.bool8(), pa.bool_()),
        (pa.struct([("x", pa.int8())]), None),
        (pa.map_(pa.string(), pa.int8()), None),
        (pa.list_(pa.list_(pa.int8())), None),
        (DICTIONARY_OF_LISTS, None),
        (pa.sparse_union([pa.field("x", pa.int8())]), None),
        (pa.month_day_nano_interval(), None),
        (pa.run_end_encoded(pa.int32(), pa.int8()), None),
        (pa.timestamp("ns", "a zone; with blanks"), None),
        (pa.timestamp("ns", "Not/A_Zone"), None),
        (pa.timestamp("ns", "-03:30"), pa.timestamp("ns", "-03:30")),
    ],
)
def test_types_have_one_canonical_form_or_none(arrow: Any, expected: Any) -> None:
    assert canonical_type(arrow) == expected


@pytest.mark.parametrize("view", [pa.list_view, pa.large_list_view])
@pytest.mark.parametrize(("begin", "length"), [(0, 5), (1, 4), (1, 2), (3, 2), (4, 0)])
def test_views_of_lists_keep_their_values(view: Any, begin: int, length: int) -> None:
    """pyarrow 26's own cast loses values where views are sliced, and where a missing one comes first."""
    values = [[1, None], None, [], [2, 3], [4]]
    column = pa.array(values, view(pa.int16())).slice(begin, length)
    assert canonical(pa.table({"views": column})).column(0).to_pylist() == values[begin : begin + length]


def test_extension_values_are_unwrapped() -> None:
    uuids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0123456789abcdef", None], pa.binary(16)))
    assert canonical(pa.table({"u": uuids})).column(0).to_pylist() == [b"0123456789abcdef", None]


def test_a_nested_column_is_refused_by_name_and_type() -> None:
    with pytest.raises(InvalidDataset) as caught:
        canonical(pa.table({"fine": [1], "deep": [{"x": 1}]}))
    assert caught.value.message == (
        "The column 'deep' has the type struct<x: int64>, which a table cannot hold. "
        "A table holds numbers, text, booleans, dates and times, decimals, bytes, categories and lists of these; "
        "turn nested values into text or into columns of their own."
    )
    assert caught.value.facts == {"column": "deep", "type": "struct<x: int64>"}


def test_rows_of_nothing_are_bounded() -> None:
    assert canonical(pa.table({"n": pa.nulls(1000)})).num_rows == 1000
    many = pa.chunked_array([pa.nulls(MAX_EMPTY_CELLS), pa.nulls(1)])
    with pytest.raises(InvalidDataset, match="claims 134217729 rows with nothing in them"):
        canonical(pa.table({"n": many}))


def test_five_thousand_columns() -> None:
    table = pa.table({f"c{number}": [1.5, None] for number in range(5000)})
    layout, content = guest_bytes(table)
    assert table_from_layout(layout, memoryview(content), []) == Table.from_arrow(table)


def test_only_canonical_files_are_described(tmp_path: Path) -> None:
    table = pa.table({"a": [1.5, 2.5] * 100})
    for name, options in [("plain", None), ("packed", pa.ipc.IpcWriteOptions(compression="zstd"))]:
        marked = table.replace_schema_metadata({"estudio.canonical": "1"}) if name == "packed" else table
        with pa.ipc.new_file(str(tmp_path / name), marked.schema, options=options) as writer:
            writer.write_table(marked)
        assert describe_file(tmp_path / name) is None
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("a,b\n1,2\n")
    assert describe_file(tmp_path / "empty") is None
    assert describe_file(tmp_path / "text") is None
    with pytest.raises(FileNotFoundError):
        describe_file(tmp_path / "absent")


def test_a_cut_file_is_not_described(tmp_path: Path) -> None:
    path = tmp_path / "t.arrow"
    with path.open("wb") as file:
        write_canonical(pa.table({"a": ["x", "y"], "c": pa.array(["u", "v"]).dictionary_encode()}), file.fileno())
    content = path.read_bytes()
    assert describe_file(path) is not None
    for size in range(0, len(content), 7):
        path.write_bytes(content[:size])
        assert describe_file(path) is None


def test_writing_over_a_longer_file_leaves_nothing_of_it(tmp_path: Path) -> None:
    path = tmp_path / "t.arrow"
    path.write_bytes(b"x" * 100_000)
    with path.open("r+b") as file:
        write_canonical(pa.table({"a": [1]}), file.fileno())
    assert b"x" * 8 not in path.read_bytes()
    assert path.stat().st_size < 2_000


def test_a_file_does_not_depend_on_the_files_of_its_schema_before_it() -> None:
    """The metadata of a schema is remembered: numbers of one table must not get into the next one's."""
    names = pa.array(["x", None, "y"] * 100, pa.large_string())
    codes = names.dictionary_encode().cast(pa.dictionary(pa.int32(), pa.large_string()))
    large = pa.table({"a": pa.array(range(300), pa.int64()), "b": names, "c": codes})
    documented = pa.schema([each.with_metadata({"told": "much"}) for each in large.schema])
    files = [
        _file_bytes(table) for table in (large, large.slice(5, 3), large.slice(0, 0), large.cast(documented), large)
    ]
    assert files[0] == files[3] == files[4]
    for content, rows in zip(files, (300, 3, 0, 300, 300), strict=True):
        read = pa.ipc.open_file(content).read_all()
        read.validate(full=True)
        assert read.num_rows == rows
        assert _plain(read) == _plain(large.slice(5, 3) if rows == 3 else large.slice(0, rows))


def _file_bytes(table: pa.Table) -> bytes:
    with tempfile.TemporaryFile() as stream:
        write_canonical(table, stream.fileno())
        stream.seek(0)
        return stream.read()
