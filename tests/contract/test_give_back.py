"""What becomes of a result: names, types, missing values, and the author's errors."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import pyarrow as pa
import pytest

from .calls import Result, run, table

HEADER = "import numpy as np, pandas as pd, datetime as dt, decimal, uuid\n"

DAY, FIRST = dt.datetime(2020, 1, 1), dt.datetime(1, 1, 1)  # noqa: DTZ001 - values without a zone


def returned(expression: str, **options: Any) -> Result:
    return run(f"{HEADER}def azureml_main():\n    return {expression}\n", **options)


def column_of(values: str) -> tuple[str, list[Any]]:
    result = returned(f"pd.DataFrame({{'c': {values}}})")
    return result.types()["c"], result.column("c")


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ("[1, 2]", "int64", [1, 2]),
        ("np.array([1], '>i4')", "int32", [1]),
        ("np.array([1.5], 'f2')", "float", [1.5]),
        ("np.array([1.5], 'g')", "double", [1.5]),
        ("[1.5, np.nan, np.inf]", "double", [1.5, None, float("inf")]),
        ("np.array([2**64 - 1], 'u8')", "uint64", [2**64 - 1]),
        ("[True, False]", "bool", [True, False]),
        ("pd.Series([True, None], dtype=object)", "bool", [True, None]),
        ("pd.array([1, None], dtype='Int32')", "int32", [1, None]),
        ("pd.array([2**62 + 1, None], dtype='Int64')", "int64", [2**62 + 1, None]),
        ("pd.array([True, None], dtype='boolean')", "bool", [True, None]),
        ("pd.array([1.5, None], dtype='Float32')", "float", [1.5, None]),
        ("pd.array(['a', None], dtype='string')", "large_string", ["a", None]),
        ("pd.array(['a', None], dtype='string[python]')", "large_string", ["a", None]),
        ("['é', None, np.nan]", "large_string", ["é", None, None]),
        ("pd.Series(['a', None, 'bc'])[1:]", "large_string", [None, "bc"]),
        ("pd.Series(['x' * 9] * 200 + [None])[100:]", "large_string", ["x" * 9] * 100 + [None]),
        ("pd.concat([pd.Series(['a', 'b']), pd.Series(['c'])])", "large_string", ["a", "b", "c"]),
        ("pd.array([1, None], dtype='int64[pyarrow]')", "int64", [1, None]),
        ("pd.array([1.5, None], dtype='double[pyarrow]')", "double", [1.5, None]),
        ("pd.array(['a', None], dtype='string[pyarrow]')", "large_string", ["a", None]),
        ("pd.array([True, None], dtype='bool[pyarrow]')", "bool", [True, None]),
        (
            "pd.array([dt.datetime(2020, 1, 1), None], dtype='timestamp[us][pyarrow]')",
            "timestamp[us]",
            [DAY, None],
        ),
        ("pd.arrays.SparseArray([0, 0, 5])", "int64", [0, 0, 5]),
        ("pd.Series([1, None], dtype=object)", "int64", [1, None]),
        ("pd.Series([2**64 - 1, 0], dtype=object)", "uint64", [2**64 - 1, 0]),
        ("pd.Series([1, 2.5, True], dtype=object)", "double", [1.0, 2.5, 1.0]),
        ("pd.Series([1, True], dtype=object)", "int64", [1, 1]),
        ("pd.Series([1, 'a', 2.5, True, None], dtype=object)", "large_string", ["1", "a", "2.5", "True", None]),
        ("[b'\\x80\\x00', None]", "large_binary", [b"\x80\0", None]),
        ("[bytearray(b'x')]", "large_binary", [b"x"]),
        ("[dt.date(2020, 2, 29), None]", "date32[day]", [dt.date(2020, 2, 29), None]),
        ("[dt.time(1, 2, 3, 4), None]", "time64[us]", [dt.time(1, 2, 3, 4), None]),
        ("[decimal.Decimal('1.5'), None, 2]", "decimal128(2, 1)", [decimal.Decimal("1.5"), None, decimal.Decimal(2)]),
        ("[decimal.Decimal('1e50')]", "decimal256(51, 0)", [decimal.Decimal("1e50")]),
        ("[[1, 2], None, []]", "large_list<item: int64>", [[1, 2], None, []]),
        ("[np.array([1.5]), ('a',)][:1]", "large_list<item: double>", [[1.5]]),
        ("pd.Categorical(['b', None, 'a'])", None, ["b", None, "a"]),
        ("pd.Categorical([3, None, 1])", None, [3, None, 1]),
        ("pd.Categorical([1, '1', 2, None])", None, ["1", "1", "2", None]),
        ("pd.Series([None, None], dtype=object)", "large_string", [None, None]),
        ("pd.Series([], dtype=object)", "large_string", []),
        ("pd.Series([], dtype='f8')", "double", []),
        ("pd.to_datetime([])", None, []),
        ("pd.period_range('2020-01', periods=2, freq='M')", "large_string", ["2020-01", "2020-02"]),
        ("pd.cut([1, 5], [0, 3, 6])", None, ["(0, 3]", "(3, 6]"]),
        ("[uuid.UUID(int=0)]", "large_string", ["00000000-0000-0000-0000-000000000000"]),
        ("np.array(['2020-01-01'], 'M8[D]')", "timestamp[s]", [DAY]),
        ("pd.Series([dt.datetime(1, 1, 1), None], dtype=object)", "timestamp[us]", [FIRST, None]),
        ("pd.Series([dt.timedelta(1), None], dtype=object)", None, [dt.timedelta(1), None]),
    ],
)
def test_values(values: str, kind: str | None, expected: list[Any]) -> None:
    got, items = column_of(values)
    assert items == expected
    assert kind is None or got == kind


def test_moments_keep_their_nanoseconds_and_zones() -> None:
    result = returned(
        "pd.DataFrame({'n': pd.to_datetime(['2020-01-01 00:00:00.123456789', None]),"
        " 'z': pd.to_datetime(['2020-01-01', None]).tz_localize('Europe/Berlin'),"
        " 'o': pd.Series([pd.Timestamp('2020-01-01', tz='UTC'), None], dtype=object),"
        " 'd': pd.to_timedelta([1, None], unit='ns')})"
    )
    assert result.table.column("n").cast(pa.int64())[0].as_py() % 10**9 == 123456789
    assert [result.table.column(name).null_count for name in "nzod"] == [1, 1, 1, 1]
    assert result.table.schema.field("z").type.tz == "Europe/Berlin"
    assert result.table.schema.field("o").type.tz == "UTC"
    assert result.types()["d"] == "duration[ns]"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("[{'a': 1}]", ["'c'", "dict", "row 0"]),
        ("[1j]", ["'c'", "complex"]),
        ("pd.Series(['a', object()], dtype=object)", ["'c'", "object", "row 1"]),
        ("pd.Series([2**64, 1], dtype=object)", ["'c'", "18446744073709551616", "row 0"]),
        ("pd.Series([-1, 2**63], dtype=object)", ["'c'", "9223372036854775808", "row 1"]),
        ("pd.Series([b'x', 'y'], dtype=object)", ["'c'", "bytes", "row 0"]),
        ("[[[1]]]", ["'c'", "list"]),
        ("[np.zeros((2, 2))]", ["'c'", "ndarray"]),
        ("[decimal.Decimal('1e99')]", ["'c'", "76"]),
        ("['a\\ud800']", ["'c'", "row 0", "Unicode"]),
        ("[dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)]", ["'c'", "zone"]),
        ("[pd.DataFrame()]", ["'c'", "DataFrame"]),
    ],
)
def test_what_cannot_cross_is_named(values: str, words: list[str]) -> None:
    error = returned(f"pd.DataFrame({{'c': pd.Series({values}, dtype=object)}})").error
    assert error["code"] == "wrong-result"
    assert [word for word in words if word not in error["message"]] == []


@pytest.mark.parametrize(
    ("calling", "names", "expected"),
    [
        ("classic", "['a', 'a', 'b', 'a']", ["a", "a (1)", "b", "a (2)"]),
        ("classic", "['a', 'a (1)', 'a']", ["a", "a (1)", "a (2)"]),
        ("classic", "['a', 'a', 'a (1)']", ["a", "a (2)", "a (1)"]),
        ("classic", "[1, '1', 1.0]", ["1", "1 (1)", "1.0"]),
        ("classic", "[None, float('nan'), True]", ["None", "nan", "True"]),
        ("classic", "['', '']", ["", " (1)"]),
        ("designer", "[1, 1, 'a', 'a']", ["1", "1_0", "a", "a_0"]),
        ("designer", "['a', 'a_0', 'a']", ["a", "a_0", "a_1"]),
        ("designer", "['a', 'a', 'a']", ["a", "a_0", "a_1"]),
    ],
)
def test_names(calling: str, names: str, expected: list[str]) -> None:
    result = returned(f"pd.DataFrame([range(len({names}))], columns=pd.Index({names}, dtype=object))", calling=calling)
    assert result.table.column_names == expected


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ("pd.MultiIndex.from_tuples([('a', 1)])", "MultiIndex"),
        ("['x' * 5000]", "5000 characters"),
        ("pd.Index(['\\ud800'], dtype=object)", "surrogate"),
    ],
)
def test_wrong_names(index: str, words: str) -> None:
    error = returned(f"pd.DataFrame([[1]], columns={index})").error
    assert error["code"] == "wrong-result"
    assert words in error["message"]


def test_the_index_is_dropped() -> None:
    result = returned("pd.DataFrame({'a': [1, 2]}, index=['x', 'y'])")
    assert result.table.to_pydict() == {"a": [1, 2]}


def test_rows_without_columns_and_columns_without_rows() -> None:
    assert returned("pd.DataFrame(index=range(3))").report["tables"] == [{"rows": 3, "columns": []}]
    assert returned("pd.DataFrame({'a': []})").table.num_rows == 0


def test_too_large_a_result_is_refused_before_it_is_written() -> None:
    result = returned("pd.DataFrame({'a': np.arange(1000)})", room=4096)
    assert result.report["state"] == "output-too-large"
    assert result.error["code"] == "output-too-large"
    assert "8000" in result.error["message"]
    assert "4096" in result.error["message"]
    assert result.report["used_bytes"] == 0


def test_buffers_are_aligned() -> None:
    result = returned("pd.DataFrame({'a': [1], 'b': ['x'], 'c': [None]})")
    spans = [span for column in result.report["tables"][0]["columns"] for span in column["buffers"] if span and span[1]]
    assert spans
    assert all(span[0] % 64 == 0 for span in spans)


LARGE = 20_000


def large() -> Any:
    return table(
        i=list(range(LARGE)),
        f=pa.array([None, *map(float, range(LARGE - 1))]),
        t=pa.array(["é", None] * (LARGE // 2)),
        m=pa.array([None, *range(LARGE - 1)], pa.timestamp("ns")),
        z=pa.array(range(LARGE), pa.timestamp("us", "Europe/Berlin")),
    )


def same(result: Result) -> list[str]:
    assert result.report["state"] == "finished", result.report
    return [column["name"] for column in result.report["tables"][0]["columns"] if "same" in column]


def test_untouched_columns_are_not_sent_back() -> None:
    result = run("def azureml_main(a, b):\n    return b[['z', 't', 'm', 'f', 'i']]", table(x=[1]), large())
    assert same(result) == ["z", "t", "m", "f", "i"]
    assert result.report["tables"][0]["columns"][0]["same"] == [1, 4]
    assert result.table.select(list("iftmz")).equals(large().cast(result.table.select(list("iftmz")).schema))


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ("df.iloc[10000, 0] = -1", "i"),
        ("df.loc[10000, 'f'] = 0.5", "f"),
        ("df.loc[10000, 't'] = 'x'", "t"),
        ("df.loc[10000, 'm'] = pd.NaT", "m"),
        ("df.loc[10000, 'z'] = df.z[0]", "z"),
        ("next(df._iter_column_arrays())[10000] = 5", "i"),
        ("df['i'] = df['i'].astype('u8')", "i"),
        ("df['z'] = df['z'].dt.tz_convert('UTC')", "z"),
    ],
)
def test_a_changed_column_is_never_called_untouched(change: str, changed: str) -> None:
    result = run(f"import pandas as pd\ndef azureml_main(df):\n    {change}\n    return df", large())
    assert changed not in same(result)
    assert (
        result.table.column(changed).to_pylist() != large().column(changed).to_pylist()
        or "tz_" in change
        or "as" in change
    )


def test_part_of_a_column_is_sent() -> None:
    assert same(run("def azureml_main(df):\n    return df[:-1]", large())) == []
    assert same(run("def azureml_main(df):\n    return df[::-1]", large())) == []
