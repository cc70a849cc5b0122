from __future__ import annotations

import decimal
import gzip
import io
import os
import re
import stat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.core.limits import MIB
from estudio.errors import InvalidUsage, OutputFailed
from estudio.tables import batches, excelwriting
from estudio.tables.canonical import describe_file
from estudio.tables.reading import read_csv_stream, read_table
from estudio.tables.table import Table
from estudio.tables.writing import write_table
from tests.unit.tables.arrowtables import TEXT, arrow_tables

EVERYTHING = Table.from_arrow(
    pa.table({
        "i": pa.array([1, None]),
        "f": [1.0, None],
        "inf": [float("inf"), 1e-7],
        "s": ["a,b", ""],
        "=s": ["=1+1", None],
        "q": ['say "x"\ny', "NA"],
        "b": [True, None],
        "t": pa.array([1, 0], pa.timestamp("ns")),
        "z": pa.array([0, None], pa.timestamp("ns", "Europe/Madrid")),
        "dur": pa.array([90_061_000_000_005, -1], pa.duration("ns")),
        "c": pa.array(["u", None]).dictionary_encode(),
        "l": pa.array([[1, None], None], pa.list_(pa.int64())),
        "dec": [decimal.Decimal("1.50"), None],
        "bytes": [b"\xff", b""],
        "d": pa.array([0, None], pa.date32()),
        "u": pa.array([2**64 - 1, 0], pa.uint64()),
        "n": pa.nulls(2),
    })
)  # fmt: skip
CSV = (
    "i,f,inf,s,=s,q,b,t,z,dur,c,l,dec,bytes,d,u,n\n"
    '1,1.0,inf,"a,b",=1+1,"say ""x""\ny",True,1970-01-01 00:00:00.000000001,1970-01-01 01:00:00+01:00,'
    '1 days 01:01:01.000000005,u,"[1, null]",1.50,/w==,1970-01-01,18446744073709551615,\n'
    ',,1e-7,"",,"NA",,1970-01-01 00:00:00,,-1 days 23:59:59.999999999,,,,"",,0,\n'
)
JSON = (
    '{"i": 1, "f": 1.0, "inf": null, "s": "a,b", "=s": "=1+1", "q": "say \\"x\\"\\ny", "b": true, '
    '"t": "1970-01-01T00:00:00.000000001", "z": "1970-01-01T01:00:00+01:00", "dur": "1 days 01:01:01.000000005", '
    '"c": "u", "l": [1, null], "dec": "1.50", "bytes": "/w==", "d": "1970-01-01", '
    '"u": 18446744073709551615, "n": null}\n'
    '{"i": null, "f": null, "inf": 1e-7, "s": "", "=s": null, "q": "NA", "b": null, "t": "1970-01-01T00:00:00", '
    '"z": null, "dur": "-1 days 23:59:59.999999999", "c": null, "l": null, "dec": null, "bytes": "", "d": null, '
    '"u": 0, "n": null}\n'
)


def test_csv_text(tmp_path: Path) -> None:
    write_table(EVERYTHING, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == CSV
    write_table(EVERYTHING, tmp_path / "x.csv.gz")
    assert gzip.decompress((tmp_path / "x.csv.gz").read_bytes()).decode() == CSV


def test_json_text(tmp_path: Path) -> None:
    write_table(EVERYTHING, tmp_path / "x.jsonl")
    assert (tmp_path / "x.jsonl").read_text() == JSON


IN_PARQUET = {
    pa.dictionary(pa.int32(), pa.int64(), ordered=True): pa.int64(),
    pa.timestamp("s"): pa.timestamp("ms"),
}
"""Parquet keeps categories of text only, and has no seconds."""


def _as_in_parquet(table: pa.Table) -> pa.Table:
    columns: list[Any] = list(table.columns)
    with_fitting_types = [column.cast(IN_PARQUET.get(column.type, column.type)) for column in columns]
    return pa.table(with_fitting_types, names=table.schema.names) if columns else table


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".feather"])
@given(table=arrow_tables())
def test_binary_formats_keep_everything(tmp_path_factory: pytest.TempPathFactory, suffix: str, table: pa.Table) -> None:
    path = tmp_path_factory.mktemp("t") / f"x{suffix}"
    if suffix == ".parquet":
        try:
            table = _as_in_parquet(table)
        except pa.ArrowInvalid:  # seconds that do not fit milliseconds
            return
    given_table = Table.from_arrow(table)
    write_table(given_table, path)
    read = read_table(path)
    assert read.schema == given_table.schema
    if given_table.column_count:  # Parquet has no rows without columns
        assert read == given_table
    if suffix != ".parquet":
        assert describe_file(path) is not None


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".nh.csv", ".jsonl", ".arff", ".xlsx"])
@given(table=arrow_tables())
def test_text_formats_take_every_type(tmp_path_factory: pytest.TempPathFactory, suffix: str, table: pa.Table) -> None:
    path = tmp_path_factory.mktemp("t") / f"x{suffix}"
    given_table = Table.from_arrow(table)
    if suffix == ".arff" and not given_table.column_count:
        return
    write_table(given_table, path)
    if given_table.column_count and given_table.row_count and suffix != ".xlsx":
        assert read_table(path).row_count == given_table.row_count


PLAIN: st.SearchStrategy[Any] = st.one_of(
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3).map(
        lambda v: pa.array(v, pa.int64())
    ),
    st.lists(st.none() | st.floats(allow_nan=False), min_size=3, max_size=3).map(lambda v: pa.array(v, pa.float64())),
    st.lists(st.none() | TEXT.map(lambda t: f"x{t}"), min_size=3, max_size=3).map(lambda v: pa.array(v, pa.string())),
    st.lists(st.none() | st.booleans(), min_size=3, max_size=3).map(lambda v: pa.array(v, pa.bool_())),
)


@pytest.mark.parametrize("format_name", ["csv", "tsv", "arff", "jsonl"])
@given(columns=st.lists(PLAIN, min_size=1, max_size=4))
def test_text_formats_keep_plain_values(
    format_name: str, columns: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    if format_name == "jsonl":
        columns = [column for column in columns if not pa.types.is_floating(column.type)]
    table = Table.from_arrow(pa.table(columns, names=[f"c{number}" for number in range(len(columns))]))
    path = tmp_path_factory.mktemp("t") / f"x.{format_name}"
    if not columns:
        return
    write_table(table, path)
    read = read_table(path).to_arrow()
    for before, after in zip(table.to_arrow().columns, read.columns, strict=True):
        assert [_value(v) for v in after.to_pylist()] == before.to_pylist()


def _value(value: Any) -> Any:
    return value == "True" if value in ("True", "False") else value


def test_missing_and_empty_text_survive_in_one_column() -> None:
    table = Table.from_arrow(pa.table({"a": ["x", None, "", "NA", " y"]}))
    stream = io.BytesIO()
    write_table(table, stream)
    assert stream.getvalue() == b'a\nx\nNA\n""\n"NA"\n" y"\n'
    stream.seek(0)
    assert read_csv_stream(stream) == table


@pytest.mark.parametrize("category", [" ", " x", "x ", "' x", "it's so", "{ ' }", "\t", "\\", '"', ",", "?", ""])
def test_arff_keeps_every_category_under_every_name(tmp_path: Path, category: str) -> None:
    column = pa.array([category, None], pa.string()).dictionary_encode()
    table = Table.from_arrow(pa.table(dict.fromkeys(["plain", "two words", "a'b", "it' {' s", "{' '}", "'"], column)))
    write_table(table, tmp_path / "x.arff")
    assert read_table(tmp_path / "x.arff") == table


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".arff", ".xlsx", ".parquet", ".arrow"])
def test_no_rows_one_row_and_many_columns(tmp_path: Path, suffix: str) -> None:
    wide = Table.from_arrow(pa.table({f"c{number}": [1] for number in range(5000)}))
    write_table(wide, tmp_path / f"wide{suffix}")
    assert read_table(tmp_path / f"wide{suffix}") == wide
    none = Table.from_arrow(pa.table({"a": pa.array([], pa.int64())}))
    write_table(none, tmp_path / f"none{suffix}")
    if suffix != ".jsonl":
        assert read_table(tmp_path / f"none{suffix}").schema.names == ("a",)


@pytest.mark.parametrize("format_name", ["csv", "parquet", "arrow", "xlsx", "jsonl", "csv.gz"])
def test_streams_need_not_seek(format_name: str) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as stream:
        write_table(Table.from_arrow(pa.table({"a": [1]})), stream, format=format_name)
    with os.fdopen(reading, "rb") as stream:
        assert stream.read()


class TestXlsx:
    def test_text_stays_text(self, tmp_path: Path) -> None:
        table = Table.from_arrow(pa.table({"=h": ["=1+1", "https://example.org", "007", None, "\x01"]}))
        write_table(table, tmp_path / "x.xlsx")
        assert read_table(tmp_path / "x.xlsx") == table

    def test_values(self, tmp_path: Path) -> None:
        times = pa.array([0, 1_600_000_000_123, None], pa.timestamp("ms")).cast(pa.timestamp("ns"))
        table = Table.from_arrow(
            pa.table({"i": [1, None, 3], "f": [1.5, None, 2], "b": [True, False, True], "t": times})
        )
        write_table(table, tmp_path / "x.xlsx")
        assert read_table(tmp_path / "x.xlsx") == table

    @pytest.mark.parametrize(("name", "bound"), [("MAX_ROWS", 3), ("MAX_COLUMNS", 0)])
    def test_too_large(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, bound: int) -> None:
        monkeypatch.setattr(excelwriting, name, bound)
        with pytest.raises(OutputFailed, match="The table has 3 rows and 1 columns; a sheet of a workbook holds"):
            write_table(Table.from_arrow(pa.table({"a": [1, 2, 3]})), tmp_path / "x.xlsx")
        assert list(tmp_path.iterdir()) == []

    def test_a_cell_too_long(self, tmp_path: Path) -> None:
        with pytest.raises(OutputFailed, match="The text in row 1, column 1 has 32768 characters"):
            write_table(Table.from_arrow(pa.table({"a": ["x" * 32_768]})), tmp_path / "x.xlsx")
        assert list(tmp_path.iterdir()) == []


def test_a_file_appears_whole_with_the_usual_permissions(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("old")
    write_table(EVERYTHING, path)
    assert list(tmp_path.iterdir()) == [path]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow", ".xlsx", ".jsonl", ".arff"])
def test_failures_name_the_place_and_leave_nothing(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(OutputFailed, match="cannot be written: No such file or directory"):
        write_table(EVERYTHING, tmp_path / "none" / f"x{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(OutputFailed, match="cannot be written: Is a directory"):
        write_table(EVERYTHING, tmp_path / f"folder{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == [f"folder{suffix}"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OutputFailed, match="No space left"):
        write_table(EVERYTHING, full)


def test_unknown_formats() -> None:
    with pytest.raises(OutputFailed, match=re.escape("x.doc has no suffix of a table file")):
        write_table(EVERYTHING, "x.doc")
    with pytest.raises(InvalidUsage, match="'doc' is no format"):
        write_table(EVERYTHING, "x.csv", format="doc")


def test_long_categories_are_written_in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "TEXT_BYTES", 4 * MIB)
    codes = pa.array([0] * 20, pa.int32())
    table = pa.table({"c": pa.DictionaryArray.from_arrays(codes, pa.array(["x" * MIB], pa.large_string()))})
    pieces = list(batches.row_pieces(table))
    assert [len(piece[0]) for piece in pieces] == [1] * 20
