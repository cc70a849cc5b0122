"""What a script receives: types, the index, and tables that may be changed in place."""

from __future__ import annotations

import datetime as dt
import decimal
import sys
import warnings

import numpy as np
import pyarrow as pa
import pytest

from .calls import run, table

LARGE = 20_000
"""Rows that make a file large enough to be mapped instead of read."""


def said(expression: str, *inputs: object, python: str = sys.executable) -> str:
    """Return what the script prints for an expression over its first table `df`."""
    script = (
        f"import numpy as np, pandas as pd, datetime as dt, decimal\ndef azureml_main(df):\n    print({expression})\n"
    )
    result = run(script, *inputs, python=python)
    assert result.report["state"] == "finished", result.report
    return "\n".join(line for line in result.log.splitlines() if not line.startswith("estudio: "))


@pytest.mark.parametrize(
    ("values", "expression", "expected"),
    [
        (pa.array([1, 2]), "df.c.dtype, df.c.tolist()", "int64 [1, 2]"),
        (pa.array([1, None]), "df.c.dtype, df.c.tolist()", "float64 [1.0, nan]"),
        (pa.array([2**63 - 1, -(2**63)]), "df.c.tolist()", "[9223372036854775807, -9223372036854775808]"),
        (pa.array([2**64 - 1], pa.uint64()), "df.c.dtype, df.c.tolist()", "uint64 [18446744073709551615]"),
        (pa.array([1], pa.int8()), "df.c.dtype", "int8"),
        (pa.array([1.5, None, float("inf")]), "df.c.tolist()", "[1.5, nan, inf]"),
        (pa.array([0.5], pa.float32()), "df.c.dtype", "float32"),
        (pa.array([True, False]), "df.c.dtype, df.c.tolist()", "bool [True, False]"),
        (pa.array([True, None]), "df.c.dtype, df.c.tolist()", "object [True, None]"),
        (pa.array(["é", None]), "df.c[0], df.c[1], df.c.isna().tolist()", "é nan [False, True]"),
        (pa.array([b"\xff\0", None]), "df.c.tolist()", "[b'\\xff\\x00', None]"),
        (pa.array([dt.date(1, 1, 1), None]), "df.c.tolist()", "[datetime.date(1, 1, 1), None]"),
        (pa.array([dt.time(1, 2, 3, 4)]), "df.c.tolist()", "[datetime.time(1, 2, 3, 4)]"),
        (pa.array([1001], pa.time64("ns")), "df.c.tolist()", "[datetime.time(0, 0, 0, 1)]"),
        (pa.array([1], pa.time32("s")), "df.c.tolist()", "[datetime.time(0, 0, 1)]"),
        (pa.array([0, None], pa.timestamp("ns")), "df.c.dtype, df.c.isna().tolist()", "datetime64[ns] [False, True]"),
        (pa.array([1], pa.timestamp("s")), "df.c.dtype, df.c[0]", "datetime64[s] 1970-01-01 00:00:01"),
        (pa.array([0], pa.timestamp("us", "Asia/Tokyo")), "df.c[0]", "1970-01-01 09:00:00+09:00"),
        (pa.array([0], pa.timestamp("ms", "-03:30")), "df.c[0]", "1969-12-31 20:30:00-03:30"),
        (pa.array([1, None], pa.duration("ms")), "df.c.dtype, df.c[0]", "timedelta64[ms] 0 days 00:00:00.001000"),
        (pa.array([decimal.Decimal("-1.50"), None]), "df.c.tolist()", "[Decimal('-1.50'), None]"),
        (pa.array([decimal.Decimal(10) ** 70]), "df.c[0] == decimal.Decimal(10) ** 70", "True"),
        (pa.array([[1, None], None, []]), "df.c.tolist()", "[[1, None], None, []]"),
        (pa.array([["a", None]]), "df.c.tolist()", "[['a', None]]"),
        (pa.array(["b", None]).dictionary_encode(), "df.c.dtype.name, df.c.cat.codes.tolist()", "category [0, -1]"),
        (pa.nulls(2), "df.c.dtype, df.c.isna().all()", "float64 True"),
        (pa.array([], pa.large_string()), "len(df), list(df)", "0 ['c']"),
    ],
)  # fmt: skip
def test_types(values: object, expression: str, expected: str) -> None:
    assert said(expression, table(c=values)) == expected


def test_ordered_categories_stay_ordered() -> None:
    values = pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.int32()), pa.array(["s", "l"]), ordered=True)
    assert said("df.c.cat.ordered, list(df.c.cat.categories), df.c.tolist()", table(c=values)) == (
        "True ['s', 'l'] ['l', 's']"
    )


def test_repeated_categories_become_one() -> None:
    values = pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int32()), pa.array(["x", "x"]))
    assert said("list(df.c.cat.categories), df.c.tolist()", table(c=values)) == "['x'] ['x', 'x', nan]"


def test_the_index_counts_from_zero(any_python: str) -> None:
    index = said("list(df.index), df.index.dtype", table(c=pa.array([5, 6, 7])), python=any_python)
    assert index.replace("'", "") in {"[0, 1, 2] int64", "([0, 1, 2], dtype(int64))"}


@pytest.mark.parametrize("rows", [3, LARGE])
@pytest.mark.parametrize(
    "change",
    [
        "df.loc[0, 'f'] = 9",
        "df.iloc[1, 0] = 7",
        "df.fillna(0, inplace=True)",
        "df['i'] += 1",
        "df['f'].to_numpy(copy=False)",
        "df.sort_values('i', ascending=False, inplace=True)",
        "df.loc[df.i > 1, 't'] = 'new'",
        "df['new'] = df.f * 2",
        "df.drop(columns='t', inplace=True)",
    ],
)
def test_tables_may_be_changed_in_place(change: str, rows: int) -> None:
    frame = table(i=np.arange(rows), f=pa.array([None, *np.arange(rows - 1.0)]), t=pa.array(["é"] * rows))
    result = run(f"def azureml_main(df):\n    before = df.copy()\n    {change}\n    return df", frame)
    expected = frame.to_pandas()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(change, {"df": expected})
    got = result.table.to_pandas()
    assert (
        got.astype(object)
        .where(got.notna(), None)
        .equals(expected.reset_index(drop=True).astype(object).where(expected.reset_index(drop=True).notna(), None))
    )


def test_writing_through_numpy_works_and_the_file_stays() -> None:
    frame = table(f=np.arange(float(LARGE)))
    script = """
        import numpy as np
        def azureml_main(df):
            values = df._iter_column_arrays().__next__() if hasattr(df, "_iter_column_arrays") else df["f"].values
            np.add(values, 1, out=values)
            return df
    """
    assert run(script, frame).column("f") == list(np.arange(1.0, LARGE + 1))


def test_five_thousand_columns() -> None:
    frame = pa.table({f"c{number}": [number, number + 1] for number in range(5000)})
    result = run("def azureml_main(df):\n    df['c7'] += 1\n    return df", frame)
    assert result.table.num_columns == 5000
    assert result.column("c7") == [8, 9]
    assert result.column("c4999") == [4999, 5000]


def test_no_columns() -> None:
    assert said("df.shape, df.index.dtype", pa.table({})) == "(0, 0) int64"


def test_text_on_python_2_is_bytes(old_python: str) -> None:
    frame = pa.table({"t": pa.array(["é", None]), "naïve": [1, 2]})
    assert (
        said("[type(df.t[0]), df.t[0].decode('utf8') == u'\\xe9']", frame, python=old_python) == "[<type 'str'>, True]"
    )
    assert said("sorted(str(type(name)) for name in df)", frame, python=old_python) == (
        "[\"<type 'str'>\", \"<type 'unicode'>\"]"
    )
