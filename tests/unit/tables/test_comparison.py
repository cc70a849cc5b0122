from __future__ import annotations

import decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.core.comparison import ColumnChange, ColumnComparison, TableComparison
from estudio.tables import comparison as module
from estudio.tables.comparison import compare_tables
from estudio.tables.distances import kolmogorov_smirnov
from estudio.tables.table import Table
from tests.unit.tables.arrowtables import arrow_tables


def table(**columns: Any) -> Table:
    return Table.from_arrow(pa.table({name: pa.array(values) for name, values in columns.items()}))


def changes(found: TableComparison) -> dict[str, ColumnChange]:
    return {column.name: column.change for column in found.columns}


def test_equal_tables_are_unchanged() -> None:
    found = compare_tables(table(a=[1, None], b=["x", "y"]), table(a=[1, None], b=["x", "y"]))
    assert found == TableComparison(
        True, 2, 2, 0, 0, 2,
        (
            ColumnComparison("a", ColumnChange.SAME, "int64", "int64", 0.5, 0.5, distance=0.0),
            ColumnComparison("b", ColumnChange.SAME, "large_string", "large_string", 0.0, 0.0, distance=0.0),
        ),
    )  # fmt: skip
    assert compare_tables(Table.empty(), Table.empty()).identical


def test_columns_added_lost_retyped_and_reordered() -> None:
    before = table(a=[1, 2], b=[1, 2], gone=[1, 2], c=["x", "y"])
    found = compare_tables(before, table(c=["x", "y"], a=[1, 2], b=[1.0, 2.0], new=[None, "x"]))
    assert changes(found) == {
        "c": ColumnChange.SAME, "a": ColumnChange.SAME, "b": ColumnChange.RETYPED,
        "new": ColumnChange.ADDED, "gone": ColumnChange.LOST,
    }  # fmt: skip
    assert (found.reordered, found.compared_columns, found.rows_added, found.rows_lost) == (True, 2, 0, 0)
    by_name = {column.name: column for column in found.columns}
    assert (by_name["b"].type_before, by_name["b"].type_after, by_name["b"].distance) == ("int64", "float64", 0.0)
    assert (by_name["new"].missing_after, by_name["new"].missing_before) == (0.5, None)


def test_rows_are_counted_by_what_is_in_them() -> None:
    found = compare_tables(table(a=[1, 1, 2, None]), table(a=[None, 2, 1, 3, 3]))
    assert (found.rows_before, found.rows_after, found.rows_added, found.rows_lost) == (4, 5, 2, 1)
    shuffled = compare_tables(table(a=[1, 2], b=["x", "y"]), table(a=[2, 1], b=["y", "x"]))
    assert (shuffled.identical, shuffled.rows_added, shuffled.rows_lost) == (False, 0, 0)
    crossed = compare_tables(table(a=[1, 2], b=["x", "y"]), table(a=[2, 1], b=["x", "y"]))
    assert (crossed.rows_added, crossed.rows_lost) == (2, 2)


def test_tables_without_a_shared_column_have_no_rows_to_compare() -> None:
    found = compare_tables(table(a=[1]), table(b=[1]))
    assert (found.rows_added, found.rows_lost, found.compared_columns) == (None, None, 0)


def test_large_tables_are_not_compared_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_COMPARED_CELLS", 3)
    found = compare_tables(table(a=[1, 2]), table(a=[1, 3]))
    assert (found.rows_added, found.rows_lost) == (None, None)
    assert changes(found) == {"a": ColumnChange.CHANGED}


def test_hundreds_of_columns_are_hashed() -> None:
    wide = {f"c{number}": [number, number + 1] for number in range(350)}
    found = compare_tables(table(**wide), table(**wide | {"c349": [0, 350]}))
    assert (found.rows_added, found.rows_lost) == (1, 1)


def test_shifts_are_in_standard_deviations_of_before() -> None:
    random = np.random.default_rng(3).normal(10, 2, 5_000)
    found = compare_tables(table(a=random), table(a=random + 3)).columns[0]
    assert found.mean_shift == pytest.approx(3 / random.std(ddof=1))
    assert found.median_shift == pytest.approx(3 / random.std(ddof=1))
    assert found.distance == pytest.approx(0.55, abs=0.03)
    constant = compare_tables(table(a=[5, 5]), table(a=[5, 6])).columns[0]
    assert (constant.mean_shift, constant.median_shift) == (None, None)


def test_categories_are_compared_by_their_shares() -> None:
    found = compare_tables(table(a=["x", "x", "y", "y"]), table(a=["x", "x", "x", "z"])).columns[0]
    assert (found.distance, found.approximate) == (0.5, False)
    assert compare_tables(table(a=[True, False]), table(a=[True, True])).columns[0].distance == 0.5
    category = Table.from_arrow(pa.table({"a": pa.array(["x", "y"]).dictionary_encode()}))
    retyped = compare_tables(category, table(a=["y", "x"])).columns[0]
    assert (retyped.change, retyped.distance) == (ColumnChange.RETYPED, 0.0)


def test_what_has_no_distribution_has_no_distance() -> None:
    found = compare_tables(
        table(
            a=[[1]],
            b=[b"x"],
            c=[1],
            d=[
                None,
            ][:1],
        ),
        table(a=[[2]], b=[b"y"], c=["1"], d=[1]),
    )
    assert [column.distance for column in found.columns] == [None] * 4
    empty = compare_tables(table(a=[1.0, None]), table(a=pa.array([None, None], pa.float64())))
    assert empty.columns[0].distance is None


def test_large_columns_are_compared_by_samples() -> None:
    random = np.random.default_rng(4)
    many = random.integers(0, 10**9, 300_000)
    before = table(number=random.normal(0, 1, 300_000), text=many.astype(str))
    after = table(number=random.normal(0.5, 1, 300_000), text=(many + 1).astype(str))
    number, text = compare_tables(before, after).columns
    assert number.distance == pytest.approx(0.197, abs=0.01)
    assert (number.approximate, text.distance) == (True, None)


@given(arrow_tables(), arrow_tables())
def test_any_two_tables_can_be_compared(one: pa.Table, other: pa.Table) -> None:
    before, after = Table.from_arrow(one), Table.from_arrow(other)
    found, back = compare_tables(before, after), compare_tables(after, before)
    assert (found.rows_added, found.rows_lost) == (back.rows_lost, back.rows_added)
    assert {column.name for column in found.columns} == set(before.schema.names) | set(after.schema.names)
    assert compare_tables(before, before).identical
    if found.rows_added is not None and found.rows_lost is not None:
        assert after.row_count - before.row_count == found.rows_added - found.rows_lost


@given(arrow_tables())
def test_a_table_and_its_rows_backwards_have_the_same_rows(arrow: pa.Table) -> None:
    before = Table.from_arrow(arrow)
    places = list(range(before.row_count))[::-1]
    found = compare_tables(before, Table.from_arrow(before.to_arrow().take(pa.array(places, pa.int64()))))
    assert {found.rows_added, found.rows_lost} <= {0, None}
    assert all(column.distance in {None, 0.0} or column.distance < 1e-9 for column in found.columns)


@given(st.lists(st.integers(-4, 4), min_size=1), st.lists(st.integers(-4, 4), min_size=1))
def test_the_distance_is_that_of_the_definition(one: list[int], other: list[int]) -> None:
    first, second = pd.Series(one), pd.Series(other)
    expected = max(abs((first <= value).mean() - (second <= value).mean()) for value in range(-4, 5))
    assert kolmogorov_smirnov(pa.array(one), pa.array(other)) == pytest.approx(expected, abs=1e-9)


def test_long_decimals_can_be_compared() -> None:
    arrow = pa.decimal256(60, 2)
    one, other = (pa.array([decimal.Decimal(f"1{50 * '0'}{step}")], arrow) for step in (0, 1))
    found = compare_tables(table(a=one), table(a=other))
    assert (found.rows_added, found.rows_lost) == (1, 1)
