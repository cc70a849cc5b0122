from __future__ import annotations

import gzip
import io
import zipfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.errors import InvalidDataset, InvalidUsage
from estudio.tables import bounds, excelreading
from estudio.tables.csvreading import read_csv
from estudio.tables.inference import MISSING_TEXTS
from estudio.tables.reading import read_csv_stream, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.tables.table import Table


def _read(folder: Path, name: str, content: str | bytes) -> Table:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path)


def _refusal(folder: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(InvalidDataset) as caught:
        _read(folder, name, content)
    assert caught.value.facts["path"] == str(folder / name)
    return caught.value.message.replace(str(folder / name), "FILE")


def _column(text: str) -> tuple[str, list[Any]]:
    table = read_csv_stream(io.BytesIO(text.encode()))
    column = table.schema.columns[0]
    values = table.to_arrow().column(0)
    return column.type, [str(v) if "timestamp" in column.type and v else v for v in values.to_pylist()]


@pytest.mark.parametrize(
    ("cells", "type_name", "values"),
    [
        ("007\n8", "int64", [7, 8]),
        (" 1 \n2", "int64", [1, 2]),
        ("1,\n,", "int64", [1, None]),
        ("0x1F\n12", "large_string", ["0x1F", "12"]),
        ("12:34", "large_string", ["12:34"]),
        ("9223372036854775807", "int64", [2**63 - 1]),
        ("9223372036854775808\n1", "uint64", [2**63, 1]),
        ("18446744073709551616", "large_string", ["18446744073709551616"]),
        ("1e300\n0.5", "float64", [1e300, 0.5]),
        ("inf\n-inf", "float64", [float("inf"), float("-inf")]),
        ("True\nfalse\nNA", "bool", [True, False, None]),
        ("1\ntrue", "large_string", ["1", "true"]),
        ("1\nx", "large_string", ["1", "x"]),
        ("2020-01-02", "timestamp[ns]", ["2020-01-02 00:00:00"]),
        ("2020-01-02 03:04\nNA", "timestamp[ns]", ["2020-01-02 03:04:00", None]),
        ("2020-01-02T03:04:05.123456789", "timestamp[ns]", ["2020-01-02 03:04:05.123456789"]),
        ("2020-01-02T03:04:05+02:00", "timestamp[ns, tz=UTC]", ["2020-01-02 01:04:05+00:00"]),
        ("9999-12-31", "timestamp[us]", ["9999-12-31 00:00:00"]),
        ('"x\ny"\n"a""b"', "large_string", ["x\ny", 'a"b']),
        ('""\nx', "large_string", ["", "x"]),
        ('"1"\n""\n3', "int64", [1, None, 3]),
        ('"NA"\nNA', "large_string", ["NA", None]),
        ("nan\nNone\nnull\nx", "large_string", [None, None, None, "x"]),
        ("NA\nNaN", "null", [None, None]),
        ("1\n\n2\n\n", "int64", [1, 2]),
    ],
)
def test_what_a_csv_column_becomes(cells: str, type_name: str, values: list[Any]) -> None:
    header = "a,b" if "," in cells else "a"
    assert _column(f"{header}\n{cells}\n") == (type_name, values)
    assert _column(f"{header}\n{cells}".replace("\n", "\r\n")) == (type_name, [_crlf(value) for value in values])


def _crlf(value: Any) -> Any:
    return value.replace("\n", "\r\n") if isinstance(value, str) else value


@pytest.mark.parametrize("text", [text for text in MISSING_TEXTS if text])
def test_the_texts_that_mean_missing_are_those_of_pandas(text: str) -> None:
    import pandas as pd

    content = f"a,b\nx,1\n{text},2\n"
    assert read_csv_stream(io.BytesIO(content.encode())).schema.columns[0].missing == 1
    assert pd.read_csv(io.StringIO(content))["a"].isna().sum() == 1


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert _read(tmp_path, "x.csv", b"\xef\xbb\xbfa\n1\n").schema.names == ("a",)


def test_names_are_filled_and_numbered(tmp_path: Path) -> None:
    table = _read(tmp_path, "x.CSV", 'a,,a,"b\nc"\n1,2,3,4\n')
    assert table.schema.names == ("a", "Col2", "a (1)", "b\nc")
    assert table.to_arrow().to_pylist() == [{"a": 1, "Col2": 2, "a (1)": 3, "b\nc": 4}]


def test_headerless_and_tab_separated_files(tmp_path: Path) -> None:
    assert _read(tmp_path, "x.nh.csv", "1,x\n2,y\n").to_arrow().to_pydict() == {"Col1": [1, 2], "Col2": ["x", "y"]}
    assert _read(tmp_path, "x.NH.TSV", "1\tx,y\n").to_arrow().to_pydict() == {"Col1": [1], "Col2": ["x,y"]}
    assert _read(tmp_path, "x.tsv.gz", gzip.compress(b"a\tb\n1\t2\n")).to_arrow().to_pydict() == {"a": [1], "b": [2]}


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    for content in ("a,b", "a,b\n", "a,b\r\n\r\n"):
        table = _read(tmp_path, "x.csv", content)
        assert (table.row_count, table.schema.names) == (0, ("a", "b"))


def test_a_row_longer_than_any_block(tmp_path: Path) -> None:
    table = _read(tmp_path, "x.csv", "a,b\n1," + "x" * 3_000_000 + '\n2,"y"\n')
    assert [len(str(value)) for value in table.to_arrow().column("b").to_pylist()] == [3_000_000, 1]


def test_five_thousand_columns_and_types_that_change_late(tmp_path: Path) -> None:
    header = ",".join(f"c{number}" for number in range(5000))
    rows = "\n".join([",".join(["1"] * 5000)] * 300 + [",".join(["1.5"] * 5000)])
    table = _read(tmp_path, "x.csv", f"{header}\n{rows}\n")
    assert {column.type for column in table.schema.columns} == {"float64"}
    assert table.row_count == 301


ADVICE = (
    "Every row needs as many values as the first; a value that contains a separator, a quote or a line break "
    "stands in double quotes."
)
EMPTY = (
    "FILE has nothing in it. The first line of a table is the names of its columns "
    "(or its first row, in files named .nh.csv and .nh.tsv)."
)
CONVERT = (
    "Tables are read as UTF-8. Convert it, for example: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW, "
    "or in Excel save it as 'CSV UTF-8'."
)
UTF16 = (
    "FILE is UTF-16 text; tables are read as UTF-8. "
    "Convert it: iconv -f UTF-16 -t UTF-8 OLD > NEW, or in Excel save it as 'CSV UTF-8'."
)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "a,b\n1,2\n1,2,3\n", f"FILE, line 3: the row has 3 values, the first row has 2. {ADVICE}"),
        ("x.csv", 'a,b\n"1\n",2\n\n7\n', f"FILE, line 5: the row has 1 value, the first row has 2. {ADVICE}"),
        ("x.csv", "", EMPTY),
        ("x.csv", "\n\r\n", EMPTY),
        ("x.csv", b"a\n1\n\xe9\n", f"FILE is not UTF-8: line 3 has the byte 0xe9 at offset 4 of the file. {CONVERT}"),
        ("x.csv", b"\xe9\n1\n", f"FILE is not UTF-8: line 1 has the byte 0xe9 at offset 0 of the file. {CONVERT}"),
        ("x.csv", "a\n1\n".encode("utf-16"), UTF16),
        (
            "x.jsonl",
            '{"a": 1}\n{"a": "x"}\n',
            (
                "FILE, line 2: Column(/a) changed from number to string. "
                "A JSON Lines file has one object per line, and each key has values of one type."
            ),
        ),
        ("x.jsonl", "", "FILE has nothing in it. A JSON Lines file has one object per line."),
        (
            "x.jsonl",
            '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
            (
                "FILE, line 1: a value is nested more than 16 deep. A table's values are numbers, "
                "text, booleans, and lists of these; turn nested values into columns of their own."
            ),
        ),
        (
            "x.jsonl",
            '{"a": {"b": 1}}',
            (
                "FILE: The column 'a' has the type struct<b: int64>, which a table cannot hold. A table holds numbers, "
                "text, booleans, dates and times, decimals, bytes, categories and lists of these; turn nested values "
                "into text or into columns of their own."
            ),
        ),
        (
            "x.arff",
            "@relation r\n@attribute a numeric\n@data\nfoo\n",
            "FILE, line 4 cannot be read as ARFF: Invalid numerical value, at line 4.",
        ),
        (
            "x.xlsx",
            b"\xd0\xcf\x11\xe0 an old workbook",
            (
                "FILE is no XLSX workbook (which is a zip file). Old .xls files and protected workbooks are not read: "
                "open it in a spreadsheet program and save it as an unprotected .xlsx, or as CSV."
            ),
        ),
        (
            "x.parquet",
            b"",
            "FILE cannot be read as a Parquet file: Parquet file size is 0 bytes. Write it anew, or fetch it again.",
        ),
        ("x.arrow", b"", "FILE cannot be read as an Arrow file: it is empty. Write it anew, or fetch it again."),
        (
            "x.csv.gz",
            b"a,b\n",
            (
                "FILE cannot be read to its end: Not a gzipped file (b'a,'). "
                "If it is compressed, it may be cut short: fetch it again."
            ),
        ),
        (
            "x.doc",
            b"",
            (
                "FILE has no suffix of a table file. The known ones are: .nh.csv, .nh.tsv, .csv, .tsv, .arff, "
                ".parquet, .arrow, .feather, .ipc, .jsonl, .ndjson, .xlsx; the text formats also with .gz."
            ),
        ),
    ],
)
def test_refusals_say_what_where_and_how_to_go_on(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    assert _refusal(tmp_path, name, content) == message


def test_a_missing_file_and_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match="There is no file"):
        read_table(tmp_path / "x.parquet")
    with pytest.raises(InvalidDataset, match="There is no file"):
        read_table(tmp_path / "x.csv")
    with pytest.raises(InvalidDataset, match="cannot be read: Is a directory"):
        read_table(tmp_path, format="csv")
    with pytest.raises(InvalidUsage, match="'doc' is no format of a table"):
        read_table(tmp_path / "x.csv", format="doc")


def test_the_format_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("1,2\n")
    assert read_table(tmp_path / "data", format="nh.csv").schema.names == ("Col1", "Col2")


def test_json_lines_keep_large_numbers_times_and_lists(tmp_path: Path) -> None:
    rows = (
        '{"u": 18446744073709551615, "t": "2020-01-02T03:04:05.5", "l": [1, null]}\n'
        '{"u": 1, "x": true, "t": null, "l": []}\n'
    )
    table = _read(tmp_path, "x.jsonl", rows)
    types = {column.name: column.type for column in table.schema.columns}
    assert types == {"u": "uint64", "t": "timestamp[ns]", "l": "large_list", "x": "bool"}
    assert table.to_arrow().column("u").to_pylist() == [2**64 - 1, 1]
    assert table.to_arrow().column("l").to_pylist() == [[1, None], []]


def test_json_lists_of_nothing(tmp_path: Path) -> None:
    table = _read(tmp_path, "x.jsonl", '{"a": null}\n{"a": [null, null]}\n')
    assert table.to_arrow().column("a").to_pylist() == [None, [None, None]]


def test_arff_types(tmp_path: Path) -> None:
    text = (
        "% a comment\n@RELATION r\n@ATTRIBUTE 'a b' NUMERIC\n@attribute n {x, 'y z'}\n"
        "@attribute d date 'yyyy-MM-dd'\n@attribute i integer\n@attribute s string\n@DATA\n"
        "1.5,x,2020-01-02,9007199254740993,'q, r'\n?,?,?,?,?\n2,'y z','2020-01-03',7,''\n"
    )
    table = _read(tmp_path, "x.arff", text)
    assert [column.type for column in table.schema.columns] == [
        "float64", "dictionary", "timestamp[ns]", "int64", "large_string",
    ]  # fmt: skip
    assert table.to_arrow().column("i").to_pylist() == [2**53 + 1, None, 7]
    assert table.to_arrow().column("s").to_pylist() == ["q, r", None, ""]
    assert table.to_arrow().column("n").to_pylist() == ["x", None, "y z"]


def test_arff_categories_with_spaces_at_their_ends_after_quoted_names(tmp_path: Path) -> None:
    text = (
        "@RELATION r\n@ATTRIBUTE 'a b' {' '}\n@ATTRIBUTE \"c'd\" {' x','it\\'s so' }\r\n"
        "@ATTRIBUTE 'e' { 'y' , 'z z' }\n@ATTRIBUTE f {' '}\n@DATA\n' ','it\\'s so','z z',?\n?,' x',y,' '\n"
    )
    assert _read(tmp_path, "x.arff", text).to_arrow().to_pydict() == {
        "a b": [" ", None], "c'd": ["it's so", " x"], "e": ["z z", "y"], "f": [None, " "],
    }  # fmt: skip


def test_sparse_arff(tmp_path: Path) -> None:
    text = "@relation r\n@attribute a numeric\n@attribute b integer\n@data\n{1 5}\n{0 2.5}\n"
    assert _read(tmp_path, "x.arff", text).to_arrow().to_pydict() == {"a": [0.0, 2.5], "b": [5, 0]}


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("kind", ["file", "stream"])
def test_arrow_of_every_kind(tmp_path: Path, kind: str, compression: Any) -> None:
    path = tmp_path / "x.feather"
    table = pa.table({"a": ["x", None], "c": pa.array(["u", "v"]).dictionary_encode()})
    options = pa.ipc.IpcWriteOptions(compression=compression)
    new = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
    with new(str(path), table.schema, options=options) as writer:
        writer.write_table(table)
        writer.write_table(table)
    assert read_table(path).to_arrow().to_pydict() == {"a": ["x", None] * 2, "c": ["u", "v"] * 2}


def test_an_arrow_file_that_lies_about_its_offsets(tmp_path: Path) -> None:
    table = pa.table({"a": ["AAAA", "BBBB"]})
    path = tmp_path / "x.arrow"
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
    honest, lie = (b"".join(n.to_bytes(4, "little") for n in each) for each in ((0, 4, 8), (0, 4, 2**30)))
    content = path.read_bytes()
    assert content.count(honest) == 1
    path.write_bytes(content.replace(honest, lie))
    with pytest.raises(InvalidDataset, match="cannot be read as an Arrow file"):
        read_table(path)


def test_an_arrow_file_of_a_few_bytes_with_enormous_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.arrow"
    nothing: Any = pa.Array.from_buffers(pa.null(), 2**33, [None])
    batch = pa.record_batch([nothing], ["n"])
    with pa.ipc.new_stream(str(path), batch.schema, options=pa.ipc.IpcWriteOptions(allow_64bit=True)) as writer:
        writer.write_batch(batch)
    assert path.stat().st_size < 1000
    with pytest.raises(InvalidDataset, match="claims 8589934592 rows with nothing in them"):
        read_table(path)


def test_types_are_refused_before_values_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"deep": [{"x": 1}]}), path)
    with pytest.raises(InvalidDataset, match="column 'deep' has the type struct"):
        read_table(path)


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_DECODED_BYTES", 1 << 20)
    monkeypatch.setattr(excelreading, "MAX_UNPACKED_BYTES", 1 << 20)
    zeros = pa.table({"a": pa.array([0] * 1_000_000)})
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b"a\n" + b"0\n" * 1_000_000))
    pq.write_table(zeros, tmp_path / "x.parquet")
    with pa.ipc.new_file(
        str(tmp_path / "x.arrow"), zeros.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
    ) as w:
        w.write_table(zeros)
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (2 << 20))
    for name in ("x.csv.gz", "x.parquet", "x.arrow", "x.xlsx"):
        assert (tmp_path / name).stat().st_size < 100_000
        with pytest.raises(InvalidDataset, match="which is the limit"):
            read_table(tmp_path / name)


@given(st.binary(max_size=200), st.sampled_from([".csv", ".arff", ".jsonl", ".arrow", ".parquet", ".xlsx", ".csv.gz"]))
def test_any_bytes_are_a_table_or_refused(content: bytes, suffix: str) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(content)
        file.flush()
        try:
            table = read_table(file.name)
        except InvalidDataset:
            return
        table.to_arrow().validate(full=True)


@given(st.text(st.sampled_from('a1,"\n\r\t x.-é0'), max_size=60))
def test_any_text_is_a_csv_table_or_refused(text: str) -> None:
    try:
        table = read_csv(pa.py_buffer(text.encode()), "FILE")
    except InvalidDataset:
        return
    table.validate(full=True)
    assert len(set(table.schema.names)) == table.num_columns


def test_no_rows_and_no_offsets_do_not_crash_the_process(tmp_path: Path) -> None:
    path = tmp_path / "x.arrow"
    empty: Any = pa.Array.from_buffers(
        pa.large_list(pa.large_string()),
        0,
        [None, pa.py_buffer(b"")],
        children=[pa.Array.from_buffers(pa.large_string(), 0, [None, pa.py_buffer(b""), pa.py_buffer(b"")])],
    )
    batch = pa.RecordBatch.from_arrays([empty], ["a"])
    with pa.ipc.new_file(str(path), batch.schema) as writer:
        writer.write_batch(batch)
    assert read_table(path).row_count == 0
