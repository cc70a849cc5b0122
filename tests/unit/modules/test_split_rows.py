"""Dividing rows: exact counts, kept order, the same for one seed everywhere."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estudio.errors import InvalidDataset
from estudio.modules import drawing
from estudio.modules.drawing import row_numbers, smallest_of_classes
from estudio.tables.table import Table
from tests.unit.tables.arrowtables import arrow_tables

from .kind_calls import BENCH, table_at


def split(table: pa.Table, *, run_seed: int = 0, **chosen: Any) -> tuple[Any, Any]:
    outcome = BENCH.execute("split-rows", {"dataset": table}, run_seed=run_seed, **chosen)
    return table_at(outcome, "results1"), table_at(outcome, "results2")


def numbered(rows: int) -> pa.Table:
    return pa.table({"n": list(range(rows))})


def test_what_a_seed_draws_never_changes() -> None:
    """These numbers are part of every reproducible experiment: another result needs another version of the kind."""
    assert split(numbered(10), fraction=0.4)[0].column("n").to_pylist() == FIRST_OF_SEED_0
    assert split(numbered(10), fraction=0.4, run_seed=1)[0].column("n").to_pylist() == FIRST_OF_SEED_1


def mixed(value: int) -> int:
    """The finalizer of splitmix64, number by number."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        value = ((value ^ (value >> shift)) * factor) % 2**64
    return value


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**63 - 1))
def test_row_numbers_are_those_of_splitmix64(seed: int) -> None:
    gamma = 0x9E3779B97F4A7C15
    start = mixed((seed + gamma) % 2**64)
    assert row_numbers(20, seed).to_pylist() == [mixed((place * gamma + start) % 2**64) for place in range(20)]


def test_row_numbers_are_all_different() -> None:
    assert len(row_numbers(300_000, 5).unique()) == 300_000


FIRST_OF_SEED_0 = [0, 6, 8, 9]
FIRST_OF_SEED_1 = [3, 5, 8, 9]


@settings(max_examples=100, deadline=None)
@given(arrow_tables(), st.floats(0, 1), st.integers(0, 2**63 - 1), st.booleans())
def test_nothing_is_lost_and_order_is_kept(table: pa.Table, fraction: float, seed: int, shuffle: bool) -> None:
    whole = Table.from_arrow(table).to_arrow()
    rows = whole.num_rows
    if not whole.num_columns:
        first, second = split(whole, fraction=fraction, run_seed=seed, shuffle=shuffle)
        assert (first.num_rows, second.num_rows) == (round(fraction * rows), rows - round(fraction * rows))
        return
    whole = whole.append_column("place", pa.array(range(rows), pa.int64()))
    first, second = split(whole, fraction=fraction, run_seed=seed, shuffle=shuffle)
    assert first.num_rows == round(fraction * rows)
    places = [part.column(whole.num_columns - 1).to_pylist() for part in (first, second)]
    assert all(part == sorted(part) for part in places)
    assert sorted(places[0] + places[1]) == list(range(rows))
    for part, place in zip((first, second), places, strict=True):
        assert Table.from_arrow(whole.take(pa.array(place, pa.int64()))) == Table(part)
    if not shuffle:
        assert places[0] == list(range(first.num_rows))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", None, "c"]) | st.just("a"), max_size=60),
    st.floats(0, 1),
    st.booleans(),
    st.booleans(),
)
def test_stratified_counts_are_exact(
    values: list[str | None],
    fraction: float,
    shuffle: bool,
    as_category: bool,
) -> None:
    column: Any = pa.array(values, pa.large_string())
    table = pa.table({"class": column.dictionary_encode() if as_category else column, "n": range(len(values))})
    first, second = split(table, fraction=fraction, stratify="class", shuffle=shuffle)
    assert first.num_rows + second.num_rows == len(values)
    for value in set(values):
        assert first.column("class").to_pylist().count(value) == round(fraction * values.count(value))
    for part in (first, second):
        assert part.column("n").to_pylist() == sorted(part.column("n").to_pylist())


def test_seeds_draw_different_rows_and_rows_are_drawn_evenly() -> None:
    table = numbered(1000)
    drawn = [frozenset(split(table, fraction=0.3, run_seed=seed)[0].column("n").to_pylist()) for seed in range(200)]
    assert len(set(drawn)) == 200
    times = [sum(number in each for each in drawn) for number in range(1000)]
    deviation = math.sqrt(200 * 0.3 * 0.7)
    assert abs(sum(times) / 1000 - 60) < 1e-9
    assert max(abs(count - 60) for count in times) < 6 * deviation
    overlap = len(drawn[0] & drawn[1])
    assert 60 < overlap < 120, "about 0.3 of 300"


def test_the_modules_own_seed_comes_before_that_of_the_run() -> None:
    own = split(numbered(50), run_seed=1, seed=7)[0]
    assert own.equals(split(numbered(50), run_seed=7)[0])
    assert not own.equals(split(numbered(50), run_seed=1)[0])


def test_many_classes_go_another_way_to_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = pa.array([number // 2 for number in range(1000)], pa.int32())
    numbers = row_numbers(1000, 3)
    few: Any = smallest_of_classes(numbers, codes, [1] * 500)
    monkeypatch.setattr(drawing, "MANY_CLASSES", 10)
    many: Any = smallest_of_classes(numbers, codes, [1] * 500)
    assert few.equals(many)
    assert few.true_count == 500


def test_a_column_that_cannot_stratify() -> None:
    with pytest.raises(InvalidDataset, match="no column 'classs'. Did you mean 'class'"):  # noqa: RUF043
        split(pa.table({"class": [1]}), stratify="classs")
    with pytest.raises(InvalidDataset, match="cannot be compared"):
        split(pa.table({"class": [[1]]}), stratify="class")


@pytest.mark.parametrize("rows", [0, 1, 2])
@pytest.mark.parametrize("fraction", [0, 0.5, 1])
def test_small_tables(rows: int, fraction: float) -> None:
    for chosen in ({}, {"stratify": "n"}, {"shuffle": False}):
        first, second = split(numbered(rows), fraction=fraction, **chosen)
        assert first.num_rows + second.num_rows == rows
        assert first.schema.names == second.schema.names == ["n"]


def test_wide_tables() -> None:
    wide = pa.table({f"c{number}": [number, None] for number in range(5_000)})
    first, second = split(wide, fraction=0.5)
    assert (first.num_rows, first.num_columns, second.num_columns) == (1, 5_000, 5_000)
