from __future__ import annotations

import datetime as dt
import decimal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given

from estudio.core.schema import Column
from estudio.errors import InvalidDataset, InvalidUsage
from estudio.tables.preview import Preview, PreviewColumn, preview
from estudio.tables.table import Table
from tests.unit.tables.arrowtables import arrow_tables

if TYPE_CHECKING:
    from pathlib import Path


def test_schema_counts_and_repr() -> None:
    table = Table.from_arrow(pa.table({"a": [1, None], "b": ["x", "y"]}))
    assert table.schema.columns == (Column("a", "int64", 1), Column("b", "large_string", 0))
    assert (table.row_count, table.column_count) == (2, 2)
    assert repr(table) == "<Table 2 rows, 2 columns ('a': int64, 'b': large_string)>"
    assert Table.empty().row_count == Table.empty().column_count == 0


def test_equality_is_by_names_types_and_values() -> None:
    one = Table.from_arrow(pa.table({"a": [1.0, float("nan")]}))
    assert one == Table.from_arrow(pa.table({"a": [1.0, None]}))
    assert one != Table.from_arrow(pa.table({"b": [1.0, None]}))
    assert one != Table.from_arrow(pa.table({"a": pa.array([1, None], pa.int64())}))
    assert one != "table"
    rows = pa.table({"x": [1, 2]}).select([])
    assert Table.from_arrow(rows) != Table.empty()
    assert Table.from_arrow(pa.record_batch({"a": [1]})) == Table.from_arrow(pa.table({"a": [1]}))


def test_to_pandas_is_what_a_script_sees() -> None:
    zoned = pa.array([0, None], pa.timestamp("ns", "Europe/Madrid"))
    dictionary = pa.array(["u", None]).dictionary_encode()
    columns = {"i": [1, None], "f": [1.5, None], "s": ["x", None], "z": zoned, "c": dictionary, "b": [True, False]}
    dataframe = Table.from_arrow(pa.table(columns)).to_pandas()
    assert {name: str(kind) for name, kind in dataframe.dtypes.items()} == {
        "i": "float64", "f": "float64", "s": "str", "z": "datetime64[ns, Europe/Madrid]", "c": "category", "b": "bool",
    }  # fmt: skip
    assert dataframe.isna().iloc[1].tolist() == [True] * 5 + [False]
    assert list(dataframe.index) == [0, 1]


def test_numbers_are_shared_with_pandas_unless_copied() -> None:
    table = Table.from_arrow(pa.table({"f": [1.5, None, 2.5]}))
    shared, copied = table.to_pandas(), table.to_pandas(copy=True)
    address = table.to_arrow().column("f").chunk(0).buffers()[1].address  # type: ignore[attr-defined]
    assert shared["f"].to_numpy().__array_interface__["data"] == (address, True)
    copied.loc[0, "f"] = 9.0
    assert table.to_arrow().column("f").to_pylist() == [1.5, None, 2.5]


@given(arrow_tables())
def test_every_table_goes_to_pandas_or_polars_and_is_shown(table: pa.Table) -> None:
    wrapped = Table.from_arrow(table)
    assert wrapped.to_pandas().shape == (wrapped.row_count, wrapped.column_count)
    assert wrapped.to_polars().width == wrapped.column_count
    assert wrapped._repr_html_().startswith("<table>")
    assert preview(wrapped).row_count == wrapped.row_count


def test_from_pandas_drops_the_index_and_makes_names() -> None:
    dataframe = pd.DataFrame([[1, "x", 2.5]], columns=[1, "1", None], index=["row"])
    assert Table.from_pandas(dataframe).to_arrow().to_pydict() == {"1": [1], "1 (1)": ["x"], "None": [2.5]}
    assert Table.from_pandas(pd.DataFrame(index=[1, 2])).row_count == 2


@pytest.mark.parametrize(
    ("values", "expected", "type_name"),
    [
        ([1, "x", None], ["1", "x", None], "large_string"),
        ([1, True, None], [1, 1, None], "int64"),
        ([1, 2.5, True], [1.0, 2.5, 1.0], "float64"),
        ([2**63, 1], [2**63, 1], "uint64"),
        ([b"x", None], [b"x", None], "large_binary"),
        ([[1], None], [[1], None], "large_list"),
        ([decimal.Decimal("1.5")], [decimal.Decimal("1.5")], "decimal128(2, 1)"),
        ([dt.date(2020, 1, 2)], [dt.date(2020, 1, 2)], "date32"),
    ],
)
def test_from_pandas_object_columns(values: list[Any], expected: list[Any], type_name: str) -> None:
    table = Table.from_pandas(pd.DataFrame({"a": pd.Series(values, dtype=object)}))
    assert table.schema.columns[0].type == type_name
    assert table.to_arrow().column(0).to_pylist() == expected


@pytest.mark.parametrize(
    ("series", "words"),
    [
        (pd.Series([1 + 2j]), "complex128"),
        (pd.Series([2**70, 1], dtype=object), "int"),
        (pd.Series([object(), 1], dtype=object), "object"),
        (pd.Series([{"x": 1}]), "struct"),
        (pd.Series(pd.period_range("2020", periods=1)), "period"),
    ],
)
def test_from_pandas_names_what_it_cannot_hold(series: Any, words: str) -> None:
    with pytest.raises(InvalidDataset, match=f"The column 'bad' .*{words}"):
        Table.from_pandas(pd.DataFrame({"bad": series}))


def test_from_pandas_refuses_other_things() -> None:
    not_a_dataframe: Any = [1]
    with pytest.raises(InvalidUsage, match="takes a DataFrame, not a list"):
        Table.from_pandas(not_a_dataframe)
    with pytest.raises(InvalidDataset, match="several levels"):
        Table.from_pandas(pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])))


WITHOUT = """
import sys
for name in ("numpy", "pandas", "polars"):
    sys.modules[name] = None
import io
import pyarrow as pa
from estudio.errors import InvalidUsage
from estudio.tables.reading import read_csv_stream
from estudio.tables.table import Table
from estudio.tables.writing import write_table
table = read_csv_stream(io.BytesIO(b"a,b,t\\n1.5,x,2020-01-02T03:04:05.123456789\\n,,\\n"))
for form in ("csv", "jsonl", "arff", "xlsx", "parquet", "arrow"):
    write_table(table, io.BytesIO(), format=form)
assert "2020" in table._repr_html_()
for door in (table.to_pandas, table.to_polars, lambda: Table.from_pandas(1)):
    try:
        door()
    except InvalidUsage as error:
        print(error.message)
"""


WITH = """
import io, sys
from estudio.tables.reading import read_csv_stream, read_table
from estudio.tables.writing import write_table
content = b'a,b,t,c,u\\n1.5,"",2020-01-02T03:04:05.123456789,True,18446744073709551615\\n,NA,,,\\n'
table = read_csv_stream(io.BytesIO(content))
for form in ("csv", "jsonl", "arff", "xlsx", "parquet", "arrow"):
    write_table(table, sys.argv[1] + "/x." + form)
    read_table(sys.argv[1] + "/x." + form)
assert "2020" in table._repr_html_()
print([name for name in ("pandas", "polars") if name in sys.modules])
"""


def test_reading_and_writing_do_not_import_pandas(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITH, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "[]\n")


def test_the_host_needs_neither_pandas_nor_numpy() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "Table.to_pandas() needs pandas, which is not installed. Install it: pip install 'estudio[pandas]'.",
        "Table.to_polars() needs polars, which is not installed. Install it: pip install 'estudio[polars]'.",
        "Table.from_pandas() needs pandas, which is not installed. Install it: pip install 'estudio[pandas]'.",
    ]


def test_preview_is_short_and_printable() -> None:
    columns = {
        "a\x1b[31m": ["x\n\x00" + "y" * 100, None],
        "f": [1 / 3, None],
        "bytes": [b"12", None],
        "list": pa.array([list(range(20)), None], pa.list_(pa.int64())),
        "c": pa.array(["u", None]).dictionary_encode(),
    }
    shown = preview(Table.from_arrow(pa.table(columns)), rows=2)
    assert shown == Preview(
        (
            PreviewColumn("a\\x1b[31m", "text", 1),
            PreviewColumn("f", "number", 1),
            PreviewColumn("bytes", "bytes", 1),
            PreviewColumn("list", "list", 1),
            PreviewColumn("c", "category", 1),
        ),
        (
            ("x\\n\\x00" + "y" * 32 + "…", "0.333333", "2 bytes", "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …]", "u"),
            (None,) * 5,
        ),
        2,
        5,
    )


def test_html_is_escaped_and_bounded() -> None:
    many = {f"<b>{number}": ["<script>"] * 100 for number in range(60)}
    html = Table.from_arrow(pa.table(many))._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert html.count("<tr>") == 21
    assert html.count("<th>") == 50
    assert "100 rows, 60 columns" in html
