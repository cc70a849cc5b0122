"""Missing values, types, and which value of which row cannot be turned."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estudio.errors import InvalidDataset, InvalidUsage
from tests.unit.tables.arrowtables import arrow_tables

from .kind_calls import BENCH, table_at

MOMENT = dt.datetime(2020, 2, 29, 12, 30)  # noqa: DTZ001 -- tables have moments without a zone


def convert(table: Any, **chosen: Any) -> Any:
    return table_at(BENCH.execute("convert-to-dataset", {"dataset": table}, **chosen), "results")


def types(table: Any) -> list[str]:
    return [str(kind) for kind in table.schema.types]


def test_a_placeholder_becomes_missing_and_types_are_looked_at_again() -> None:
    table = pa.table({
        "n": ["1", "?", "3"], "f": ["0.5", " ?", "1"], "t": ["a", "?", "b"], "b": ["True", "?", "False"],
        "d": ["2020-01-01", "?", "2020-01-02"], "kept": ["1", "2", "3"],
    })  # fmt: skip
    result = convert(table, missing_placeholder="?")
    assert types(result) == ["int64", "double", "large_string", "bool", "timestamp[ns]", "large_string"]
    assert result["n"].to_pylist() == [1, None, 3]
    assert result["t"].to_pylist() == ["a", None, "b"]
    plain = convert(table, missing_placeholder="?", infer_types=False)
    assert set(types(plain)) == {"large_string"}
    assert plain["n"].to_pylist() == ["1", None, "3"]


def test_a_placeholder_in_columns_that_are_no_text() -> None:
    table = pa.table({
        "i": [1, -999, None], "f": [0.5, -999.0, 1.0], "u": pa.array([1, 2, 3], pa.uint8()), "b": [True, False, None],
        "c": pa.array(["-999", "x", "x"]).dictionary_encode(), "l": [[1], None, [2]],
    })  # fmt: skip
    result = convert(table, missing_placeholder="-999")
    assert result["i"].to_pylist() == [1, None, None]
    assert result["f"].to_pylist() == [0.5, None, 1.0]
    assert result["u"].to_pylist() == [1, 2, 3]
    assert result["c"].to_pylist() == [None, "x", "x"]
    assert result["c"].chunk(0).dictionary.to_pylist() == ["x"]
    assert result["l"].to_pylist() == [[1], None, [2]]


@pytest.mark.parametrize(
    ("values", "wanted", "kind", "expected"),
    [
        (["1", " +2 ", None], "integer", "int64", [1, 2, None]),
        (["1.5", "inf", None], "number", "double", [1.5, float("inf"), None]),
        (["1", "2", "3"], "int8", "int8", [1, 2, 3]),
        (["true", "0", None], "boolean", "bool", [True, False, None]),
        ([1, 0, None], "boolean", "bool", [True, False, None]),
        ([1.0, 2.0, None], "int64", "int64", [1, 2, None]),
        ([1.0, 2.5, None], "text", "large_string", ["1.0", "2.5", None]),
        ([True, None], "text", "large_string", ["True", None]),
        (["2020-02-29"], "date", "date32[day]", [dt.date(2020, 2, 29)]),
        (["2020-02-29 12:30"], "timestamp[us]", "timestamp[us]", [MOMENT]),
        (["a", "b", "a"], "category", "dictionary<values=large_string, indices=int32, ordered=0>", ["a", "b", "a"]),
        ([5, None, 5], "category", "dictionary<values=int64, indices=int32, ordered=0>", [5, None, 5]),
        (["12.50"], "decimal128(10, 2)", "decimal128(10, 2)", None),
        ([None, None], "float64", "double", [None, None]),
        (pa.array(["1", "2"]).dictionary_encode(), "integer", "int64", [1, 2]),
        (["x"], "bytes", "large_binary", [b"x"]),
    ],
)
def test_types(values: Any, wanted: str, kind: str, expected: Any) -> None:
    result = convert(pa.table({"a": values}), columns={"a": wanted})
    assert types(result) == [kind]
    assert expected is None or result["a"].to_pylist() == expected


@pytest.mark.parametrize(
    ("values", "wanted", "words"),
    [
        (["1", "2", "x", "y"], "integer", "The column 'a' cannot become int64: row 3 has 'x'. Mend the value, declare"),
        (["1", "1.5"], "integer", "row 2 has '1.5'"),
        (["300"], "uint8", "row 1 has '300'"),
        ([1.0, 2.5], "integer", "row 2 has '2.5'"),
        ([1, 2], "boolean", "row 2 has '2'"),
        (["yes"], "boolean", "row 1 has 'yes'"),
        (["2020-02-30"], "date", "row 1 has '2020-02-30'"),
        ([1000], "int8", "row 1 has '1000'"),
        (["x" * 200], "number", "x" * 80 + "'."),
        ([[1]], "integer", "of type large_list cannot become int64"),
    ],
)
def test_values_that_cannot_be_turned_are_named(values: Any, wanted: str, words: str) -> None:
    with pytest.raises(InvalidDataset) as caught:
        convert(pa.table({"a": values}), columns={"a": wanted})
    assert words in caught.value.message
    assert caught.value.facts["column"] == "a"


@given(st.integers(0, 40), st.integers(41, 80))
@settings(max_examples=30, deadline=None)
def test_the_first_wrong_row_is_named(first: int, second: int) -> None:
    values = ["1"] * 100
    values[first] = values[second] = "no"
    with pytest.raises(InvalidDataset, match=f"row {first + 1} has 'no'"):
        convert(pa.table({"a": values}), columns={"a": "int64"})


def test_what_is_asked_wrongly() -> None:
    table = pa.table({"age": ["1"]})
    with pytest.raises(InvalidUsage, match="'intger' is no type of a column; did you mean integer?"):  # noqa: RUF043
        convert(table, columns={"age": "intger"})
    with pytest.raises(InvalidDataset, match="no column 'aeg'"):
        convert(table, columns={"aeg": "integer"})


def test_missing_values_are_replaced() -> None:
    table = pa.table({
        "i": [1, None], "f": [None, 0.5], "t": ["a", None], "c": pa.array(["x", None]).dictionary_encode(),
        "b": [True, None], "n": pa.nulls(2), "d": pa.array([0, None], pa.timestamp("ns")),
    })  # fmt: skip
    result = convert(table, replace_missing="0")
    assert result.drop_columns(["d"]).to_pydict() == {
        "i": [1, 0], "f": [0.0, 0.5], "t": ["a", "0"], "c": ["x", "0"], "b": [True, False], "n": [0, 0],
    }  # fmt: skip
    assert result["d"].null_count == 1, "no moment is written 0"
    assert convert(table, replace_missing="x")["c"].chunk(0).dictionary.to_pylist() == ["x"]
    both = convert(pa.table({"a": ["1", "?"]}), missing_placeholder="?", replace_missing="7")
    assert both.to_pydict() == {"a": [1, 7]}


@settings(max_examples=100, deadline=None)
@given(arrow_tables(), st.sampled_from(["?", "0", "NaN", "-999"]))
def test_what_is_not_the_placeholder_stays(table: pa.Table, placeholder: str) -> None:
    whole = table_at(BENCH.execute("select-columns", {"dataset": table}), "results")
    assert convert(table).equals(whole)
    result = convert(table, missing_placeholder=placeholder, infer_types=False)
    assert result.schema.equals(whole.schema)
    assert result.num_rows == whole.num_rows
    for before, after in zip(whole.columns, result.columns, strict=True):
        is_left = pc.is_valid(after)
        assert after.filter(is_left).equals(before.filter(is_left))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["1", "2.5", "?", "", "-3", "1e3"]), min_size=1, max_size=20))
def test_numbers_are_those_of_pandas(values: list[str]) -> None:
    result = convert(pa.table({"a": values}), missing_placeholder="?")["a"]
    expected = pd.Series([None if value == "?" else value for value in values], dtype=object)
    if "?" not in values or "" in values or expected.isna().all():
        assert pa.types.is_large_string(result.type)
        return
    assert result.to_pylist() == [None if pd.isna(value) else value for value in pd.to_numeric(expected)]


def test_wide_and_empty_tables() -> None:
    wide = pa.table({f"c{number}": ["?", "1"] for number in range(5_000)})
    result = convert(wide, missing_placeholder="?", columns={"c7": "text"}, replace_missing="0")
    assert (result.num_rows, result.num_columns) == (2, 5_000)
    assert result["c0"].to_pylist() == [0, 1]
    assert result["c7"].to_pylist() == ["0", "1"]
    assert convert(wide.slice(0, 0), missing_placeholder="?", columns={"c1": "int64"}).num_rows == 0
    assert convert(pa.table({}), missing_placeholder="?", replace_missing="0").num_columns == 0
