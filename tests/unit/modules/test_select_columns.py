"""Choosing columns."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estudio.errors import InvalidDataset, InvalidUsage
from tests.unit.tables.arrowtables import arrow_tables

from .kind_calls import BENCH, table_at

TABLE = pa.table(
    {
        "age": [1, 2],
        "blood pressure": [0.5, None],
        "name": ["x", None],
        "at": pa.array([1, 2], pa.timestamp("ns")),
        "group": pa.array(["a", "b"]).dictionary_encode(),
        "is_ok": [True, False],
    }
)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, ["age", "blood pressure", "name", "at", "group", "is_ok"]),
        ({"columns": ["name", "age"]}, ["name", "age"]),
        ({"columns": "name"}, ["name"]),
        ({"columns": []}, []),
        ({"columns": ["age", "age"]}, ["age"]),
        ({"exclude": ["name", "at"]}, ["age", "blood pressure", "group", "is_ok"]),
        ({"columns": ["name", "age"], "exclude": "age"}, ["name"]),
        ({"types": ["number"]}, ["age", "blood pressure"]),
        ({"types": ["text", "boolean", "category"]}, ["name", "group", "is_ok"]),
        ({"types": "datetime"}, ["at"]),
        ({"columns": ["name"], "types": "integer"}, ["name", "age"]),
        ({"pattern": "a.*"}, ["age", "at"]),
        ({"pattern": "AGE"}, []),
        ({"pattern": "(?i)AGE|.* .*"}, ["age", "blood pressure"]),
        ({"pattern": ".*", "exclude": ["age"]}, ["blood pressure", "name", "at", "group", "is_ok"]),
    ],
)
def test_what_is_chosen(chosen: dict[str, Any], expected: list[str]) -> None:
    result = table_at(BENCH.execute("select-columns", {"dataset": TABLE}, **chosen), "results")
    assert result.schema.names == expected
    assert result.num_rows == 2


@pytest.mark.parametrize(
    ("chosen", "error", "words"),
    [
        (
            {"columns": ["aeg"]},
            InvalidDataset,
            "The table has no column 'aeg'. Did you mean 'age'? It has: age, blood pressure, name, at, group, is_ok.",
        ),
        ({"exclude": ["nmae"]}, InvalidDataset, "The table has no column 'nmae'. Did you mean 'name'?"),
        ({"types": ["numbers"]}, InvalidUsage, "'numbers' is no group of types. The groups are number, integer, text"),
        ({"pattern": "(a"}, InvalidUsage, "The pattern '(a' cannot be"),
    ],
)
def test_what_cannot_be_chosen(chosen: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        BENCH.execute("select-columns", {"dataset": TABLE}, **chosen)
    assert words in str(caught.value)


def test_thousands_of_columns() -> None:
    wide = pa.table({f"c{number}": [number] for number in range(5_000)})
    names = wide.schema.names[::-1]
    result = table_at(BENCH.execute("select-columns", {"dataset": wide}, columns=names), "results")
    assert result.schema.names == names


def test_a_pattern_that_other_engines_die_of() -> None:
    table = pa.table({"a" * 4_000: [1]})
    outcome = BENCH.execute("select-columns", {"dataset": table}, pattern="(a+)+b")
    assert table_at(outcome, "results").num_columns == 0


@settings(max_examples=50, deadline=None)
@given(arrow_tables(), st.data())
def test_values_and_order_are_kept(table: pa.Table, data: st.DataObject) -> None:
    whole = table_at(BENCH.execute("select-columns", {"dataset": table}), "results")
    names = data.draw(st.permutations(whole.schema.names)) if whole.num_columns else []
    names = names[: data.draw(st.integers(0, len(names)))]
    result = table_at(BENCH.execute("select-columns", {"dataset": whole}, columns=names), "results")
    assert result.num_rows == whole.num_rows
    assert result.equals(whole.select(names))
