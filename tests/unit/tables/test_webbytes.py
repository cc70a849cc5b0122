from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estudio.core.schema import Column
from estudio.errors import InvalidCall
from estudio.tables.table import Table
from estudio.tables.webarrow import decompressed_bytes
from estudio.tables.webbytes import MAX_CALL_BATCHES, BodyFormat, read_body_table, write_body_table
from estudio.tables.webfitting import MAX_CALL_BYTES
from estudio.tables.webjson_reading import MAX_CALL_ROWS
from estudio.tables.webproblems import Place, Problems
from tests.unit.tables.arrowtables import arrow_tables

PLACE = Place("input1")


def columns(**types: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind, 0) for name, kind in types.items())


def read(body: bytes, format_: BodyFormat, expected: tuple[Column, ...]) -> Table:
    problems = Problems()
    table = read_body_table(body, format_, expected, PLACE, problems)
    problems.check()
    assert table is not None
    table.to_arrow().validate(full=True)
    return table


def problems_of(body: bytes, format_: BodyFormat, **types: str) -> list[tuple[str, int | None, str | None]]:
    problems = Problems()
    assert read_body_table(body, format_, columns(**types), PLACE, problems) is None
    return [(each.code, each.row, each.column) for each in problems.found]


def kind_of(body: bytes, format_: BodyFormat, **types: str) -> str:
    with pytest.raises(InvalidCall) as caught:
        read_body_table(body, format_, columns(**types), PLACE, Problems())
    return caught.value.kind


def stream(table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


@given(arrow_tables(), st.sampled_from([None, "lz4", "zstd"]))
def test_arrow_round_trip(given_table: pa.Table, compression: str | None) -> None:
    table = Table.from_arrow(given_table)
    assert read(stream(table.to_arrow(), compression=compression), BodyFormat.ARROW, table.schema.columns) == table
    assert read(write_body_table(table, BodyFormat.ARROW), BodyFormat.ARROW, table.schema.columns) == table


@given(arrow_tables())
@settings(suppress_health_check=list(HealthCheck))
def test_parquet_round_trip(given_table: pa.Table) -> None:
    table = Table.from_arrow(given_table)
    try:
        body = write_body_table(table, BodyFormat.PARQUET)
    except InvalidCall as error:
        assert error.kind == "not-acceptable"  # noqa: PT017
        return
    if table.column_count:
        result = read(body, BodyFormat.PARQUET, table.schema.columns)
        assert result.row_count == table.row_count
        assert result.schema.names == table.schema.names


PLAIN = pa.table(
    {
        "i": pa.array([1, None, -3], pa.int32()),
        "f": [1.5, None, 1e300],
        "t": ["x,", None, "é"],
        "b": [True, None, False],
        "w": pa.array([0, None, 10**18], pa.timestamp("ns")),
        "z": pa.array([0, None, 10**9], pa.timestamp("ms", "UTC")),
        "d": pa.array([0, None, 1], pa.date32()),
        "k": pa.array(["a", None, "a"]).dictionary_encode(),
        "y": pa.array([b"\0", None, b""], pa.large_binary()),
    }
)


@pytest.mark.parametrize("format_", BodyFormat)
def test_a_plain_table_in_all_formats(format_: BodyFormat) -> None:
    table = Table.from_arrow(PLAIN)
    result = read(write_body_table(table, format_), format_, tuple(reversed(table.schema.columns)))
    assert result == Table.from_arrow(table.to_arrow().select(list(reversed(table.schema.names))))


@pytest.mark.parametrize("format_", BodyFormat)
def test_columns_are_matched_by_name(format_: BodyFormat) -> None:
    body = write_body_table(Table.from_arrow(pa.table({"b": [1], "x": [1]})), format_)
    assert problems_of(body, format_, a="int64", b="int64") == [
        ("missing-column", None, "a"), ("unknown-column", None, "x"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given_array", "wanted", "expected"),
    [
        (pa.array([1], pa.int32()), "int64", [1]),
        (pa.array([1], pa.int64()), "int8", [1]),
        (pa.array([1], pa.int64()), "float64", [1.0]),
        (pa.array([1.0]), "int64", [1]),
        (pa.array([0.1]), "float32", [0.10000000149011612]),
        (pa.array([1]), "decimal128(25, 2)", None),
        (pa.array(["x"]), "large_string", ["x"]),
        (pa.array(["x"], pa.string_view()), "large_string", ["x"]),
        (pa.array(["x", "x"]).dictionary_encode(), "large_string", ["x", "x"]),
        (pa.array(["x"]), "dictionary", ["x"]),
        (pa.nulls(1), "float64", [None]),
        (pa.nulls(1), "dictionary", [None]),
        (pa.nulls(1), "large_list", [None]),
        (pa.array([1]), "null", [1]),
        (pa.array([[1]], pa.list_(pa.int64())), "large_list", [[1]]),
        (pa.array([0], pa.timestamp("s")), "date32", None),
        (pa.array([0], pa.timestamp("s")), "timestamp[ns]", None),
        (pa.array([0], pa.date32()), "timestamp[ns]", None),
    ],
)
def test_types_that_become_others(given_array: Any, wanted: str, expected: Any) -> None:
    table = read(stream(pa.table({"a": given_array})), BodyFormat.ARROW, columns(a=wanted))
    column = table.to_arrow().column(0)
    assert table.schema.columns[0].type == wanted or wanted == "null"
    assert expected is None or column.to_pylist() == expected


@pytest.mark.parametrize(
    ("given_array", "wanted", "row"),
    [
        (pa.array([1, 300]), "int8", 1),
        (pa.array([1.0, 2.0, 0.5]), "int64", 2),
        (pa.array([1, 2**60 + 1]), "float64", 1),
        (pa.array([1.0, 1e300]), "float32", 1),
        (pa.array(["1"]), "int64", None),
        (pa.array([1]), "large_string", None),
        (pa.array([1]), "bool", None),
        (pa.array([0], pa.timestamp("s", "UTC")), "timestamp[s]", None),
        (pa.array([0], pa.timestamp("s")), "timestamp[s, tz=UTC]", None),
        (pa.array([0, 10**18], pa.timestamp("s")), "timestamp[ns]", 1),
        (pa.array([0, 1], pa.timestamp("s")), "date32", 1),
        (pa.array([[1]]), "int64", None),
        (pa.array([1]), "large_list", None),
        (pa.array([[1]], pa.list_view(pa.int64())), "large_list", None),
    ],
)
def test_types_that_do_not(given_array: Any, wanted: str, row: int | None) -> None:
    body = stream(pa.table({"a": given_array}))
    assert problems_of(body, BodyFormat.ARROW, a=wanted) == [("wrong-type", row, "a")]


def test_types_that_no_table_holds() -> None:
    assert kind_of(stream(pa.table({"a": [{"x": 1}]})), BodyFormat.ARROW, a="int64") == "syntax"


def test_csv_cells_are_checked() -> None:
    assert problems_of(b"a,b\n1,x\ny,z\n", BodyFormat.CSV, a="int64", b="large_string") == [("wrong-type", 1, "a")]
    table = read(b"b,a,d\n01,1.0,2024-02-29\nNA,,\n", BodyFormat.CSV, columns(a="int64", b="large_string", d="date32"))
    assert table.to_arrow().to_pydict()["a"] == [1, None]
    assert table.to_arrow().to_pydict()["b"] == ["01", None]


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", "syntax"), (b"a\n\xff\n", "encoding"), (b"a,b\n1\n", "syntax"), (b"\xff\xfea\0", "encoding")],
)
def test_broken_csv(body: bytes, kind: str) -> None:
    assert kind_of(body, BodyFormat.CSV, a="int64") == kind


@pytest.mark.parametrize("format_", [BodyFormat.ARROW, BodyFormat.PARQUET])
@pytest.mark.parametrize("body", [b"", b"x", b"\0" * 100, b"\xff" * 100, b"PAR1", b"ARROW1\0\0"])
def test_broken_bodies(format_: BodyFormat, body: bytes) -> None:
    assert kind_of(body, format_, a="int64") == "syntax"


def test_a_compressed_stream_is_measured_before_it_is_decompressed() -> None:
    zeros = pa.table({"a": pa.array([0], pa.int64()).take(pa.array([0] * 100_000))})
    assert 800_000 <= decompressed_bytes(stream(zeros, compression="zstd"), 1 << 40) <= 900_000
    assert decompressed_bytes(stream(zeros), 1 << 40) == 0
    body = bytearray(stream(zeros, compression="zstd"))
    at = body.index((800_000).to_bytes(8, "little"))
    body[at : at + 8] = (1 << 40).to_bytes(8, "little")
    assert kind_of(bytes(body), BodyFormat.ARROW, a="int64") == "too-large"


def test_a_compressed_dictionary_is_measured() -> None:
    table = pa.table({"a": pa.array(["x" * 100_000, "y"]).dictionary_encode()})
    assert decompressed_bytes(stream(table, compression="lz4"), 1 << 40) >= 100_000


@pytest.mark.parametrize("write", [stream, parquet])
def test_a_repeated_category_is_not_unpacked(write: Any) -> None:
    rows = MAX_CALL_BYTES // 1_000_000 + 10
    table = pa.table(
        {"a": pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * 1_000_000]))}
    )
    format_ = BodyFormat.ARROW if write is stream else BodyFormat.PARQUET
    assert problems_of(write(table), format_, a="large_string") == [("wrong-type", None, "a")]
    assert read(write(table), format_, columns(a="dictionary")).row_count == rows


def test_a_repeated_view_is_not_unpacked() -> None:
    rows = MAX_CALL_BYTES // 1_000_000 + 10
    one: Any = pa.array(["x" * 1_000_000], pa.string_view())
    views = pa.py_buffer(bytes(memoryview(one.buffers()[1])) * rows)
    view = pa.Array.from_buffers(pa.string_view(), rows, [None, views, *one.buffers()[2:]])
    assert problems_of(stream(pa.table({"a": view})), BodyFormat.ARROW, a="large_string") == [("wrong-type", None, "a")]


def test_rows_and_batches_are_bounded() -> None:
    nothing = pa.table({"a": pa.nulls(MAX_CALL_ROWS + 1)})
    assert kind_of(stream(nothing), BodyFormat.ARROW, a="null") == "too-large"
    assert kind_of(parquet(nothing), BodyFormat.PARQUET, a="null") == "too-large"
    batch = pa.record_batch({"a": pa.array([], pa.int64())})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        for _ in range(MAX_CALL_BATCHES + 1):
            writer.write_batch(batch)
    assert kind_of(sink.getvalue().to_pybytes(), BodyFormat.ARROW, a="int64") == "syntax"


def test_a_parquet_page_is_measured_before_it_is_decompressed() -> None:
    from estudio.tables.webparquet import page_sizes

    table = pa.table({"a": ["x" * 1000] * 1000, "b": [[1] * 10] * 1000})
    for options in ({"use_dictionary": False}, {"data_page_version": "2.0"}, {"compression": "zstd"}):
        body = parquet(table, **options)
        sizes = page_sizes(body, pq.read_metadata(pa.BufferReader(body)), 1 << 40)
        assert sizes.bytes >= (1_000_000 if "use_dictionary" in options else 80_000)
        assert sizes.pages >= 2


def test_an_encoding_of_unknown_size_is_refused() -> None:
    body = parquet(pa.table({"a": ["x"]}), use_dictionary=False, column_encoding={"a": "DELTA_BYTE_ARRAY"})
    assert kind_of(body, BodyFormat.PARQUET, a="large_string") == "syntax"


BODIES = [
    *((BodyFormat.ARROW, stream(PLAIN, compression=name)) for name in (None, "lz4", "zstd")),
    *((BodyFormat.PARQUET, parquet(PLAIN, compression=name)) for name in ("none", "snappy", "zstd")),
    (BodyFormat.PARQUET, parquet(PLAIN, use_dictionary=False, data_page_version="2.0")),
    (BodyFormat.CSV, write_body_table(Table.from_arrow(PLAIN), BodyFormat.CSV)),
]
EXPECTED = Table.from_arrow(PLAIN).schema.columns


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(BODIES), st.data())
def test_changed_bytes_never_raise_anything_else(sample: tuple[BodyFormat, bytes], data: st.DataObject) -> None:
    format_, body = sample
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(1, 8))] = data.draw(st.binary(min_size=0, max_size=8))
        if not changed:
            break
    problems = Problems()
    try:
        table = read_body_table(bytes(changed), format_, EXPECTED, PLACE, problems)
    except InvalidCall:
        return
    assert (table is None) == bool(problems.found)
    if table is not None:
        table.to_arrow().validate(full=True)
        write_body_table(table, BodyFormat.ARROW)
