"""Joining: the rows that belong together, in order, with every type kept; pandas is the judge."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estudio.errors import InvalidDataset, InvalidUsage
from estudio.modules import joining
from tests.unit.tables.arrowtables import TYPES

from .kind_calls import BENCH, table_at

LEFT = pa.table({"k": ["b", "a", None, "b"], "x": [1, 2, 3, 4]})
RIGHT = pa.table({"k": ["a", "b", "b", None, "c"], "y": [10, 20, 30, 40, 50]})


def join(left: Any, right: Any, **chosen: Any) -> Any:
    return table_at(BENCH.execute("join", {"left": left, "right": right}, **chosen), "results")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("inner", [("b", 1, 20), ("b", 1, 30), ("a", 2, 10), ("b", 4, 20), ("b", 4, 30)]),
        ("left", [("b", 1, 20), ("b", 1, 30), ("a", 2, 10), (None, 3, None), ("b", 4, 20), ("b", 4, 30)]),
        (
            "right",
            [("b", 1, 20), ("b", 1, 30), ("a", 2, 10), ("b", 4, 20), ("b", 4, 30), (None, None, 40), ("c", None, 50)],
        ),
        ("semi", [("b", 1), ("a", 2), ("b", 4)]),
        ("anti", [(None, 3)]),
    ],
)
def test_types_of_join(kind: str, expected: list[tuple[Any, ...]]) -> None:
    result = join(LEFT, RIGHT, keys=["k"], type=kind)
    assert list(zip(*result.to_pydict().values(), strict=True)) == expected


def test_a_full_join_has_all_rows_of_both() -> None:
    result = join(LEFT, RIGHT, keys="k", type="full")
    assert list(zip(*result.to_pydict().values(), strict=True)) == [
        ("b", 1, 20), ("b", 1, 30), ("a", 2, 10), (None, 3, None), ("b", 4, 20), ("b", 4, 30), (None, None, 40),
        ("c", None, 50),
    ]  # fmt: skip
    matched = join(LEFT, RIGHT, keys="k", type="full", match_missing=True)
    assert (None, 3, 40) in list(zip(*matched.to_pydict().values(), strict=True))


def test_keys_of_other_names_and_columns_of_the_same_name() -> None:
    left = pa.table({"id": [1, 2], "v": [1, 2], "v (1)": [5, 6]})
    right = pa.table({"key": [2, 1], "v": ["x", "y"], "id": [7, 8]})
    result = join(left, right, left_keys="id", right_keys="key")
    assert result.to_pydict() == {
        "id": [1, 2], "v": [1, 2], "v (1)": [5, 6], "v (2)": ["y", "x"], "id (1)": [8, 7],
    }  # fmt: skip
    kept = join(left, right, left_keys="id", right_keys="key", keep_right_keys=True)
    assert kept.schema.names == ["id", "v", "v (1)", "key", "v (2)", "id (1)"]
    assert join(LEFT, RIGHT, keys="k", keep_right_keys=True).schema.names == ["k", "x", "k (1)", "y"]


def test_text_may_be_compared_without_its_case() -> None:
    left, right = pa.table({"k": ["A", "É"], "x": [1, 2]}), pa.table({"k": ["a", "é"], "y": [1, 2]})
    assert join(left, right, keys="k").num_rows == 0
    assert join(left, right, keys="k", case_sensitive=False).to_pydict() == {"k": ["A", "É"], "x": [1, 2], "y": [1, 2]}


MOMENT = dt.datetime(2020, 2, 29)  # noqa: DTZ001 -- tables have moments without a zone


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (pa.array([1, 2]), pa.array([1.0, 2.0])),
        (pa.array([1, 2], pa.int8()), pa.array([1, 2], pa.uint64())),
        (pa.array([1, 2], pa.uint64()), pa.array([1, 2], pa.uint64())),
        (pa.array([1, 2]), pa.array([decimal.Decimal("1.00"), decimal.Decimal("2.00")])),
        (pa.array(["a", "b"]), pa.array(["a", "b"]).dictionary_encode()),
        (pa.array([5, 6]).dictionary_encode(), pa.array([5, 6], pa.int16())),
        (pa.array([b"x", b"y"]), pa.array([b"x", b"y"], pa.large_binary())),
        (pa.array([MOMENT, None], pa.timestamp("ns")), pa.array([MOMENT, None], pa.timestamp("s"))),
        (pa.array([0, 1], pa.timestamp("ns", "Europe/Madrid")), pa.array([0, 1], pa.timestamp("ns", "UTC"))),
        (pa.array([MOMENT.date()] * 2), pa.array([MOMENT] * 2, pa.timestamp("us"))),
        (pa.array([1, 2], pa.duration("s")), pa.array([1000, 2000], pa.duration("ms"))),
        (pa.array([1, 2], pa.time32("s")), pa.array([10**9, 2 * 10**9], pa.time64("ns"))),
        (pa.array([True, False]), pa.array([True, False])),
        (pa.array([0.0, 1.0]), pa.array([-0.0, 1.0])),
        (pa.array([1.5, 2.5], pa.float32()), pa.array([1.5, 2.5])),
    ],
)
def test_keys_of_different_types_are_compared_by_value(left: Any, right: Any) -> None:
    result = join(pa.table({"k": left, "x": [1, 2]}), pa.table({"k": right, "y": [1, 2]}), keys="k")
    assert (1, 1) in list(zip(result["x"].to_pylist(), result["y"].to_pylist(), strict=True))
    full = join(pa.table({"k": left, "x": [1, 2]}), pa.table({"k": right, "y": [1, 2]}), keys="k", type="full")
    assert full.num_rows >= 2


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (pa.array(["1"]), pa.array([1])),
        (pa.array([True]), pa.array([1])),
        (pa.array([0], pa.timestamp("ns")), pa.array([0], pa.timestamp("ns", "UTC"))),
        (pa.array([[1]]), pa.array([[1]])),
    ],
)
def test_keys_that_cannot_be_compared(left: Any, right: Any) -> None:
    with pytest.raises(InvalidDataset, match=r"'k'.*cannot be compared"):
        join(pa.table({"k": left}), pa.table({"k": right}), keys="k")


@pytest.mark.parametrize(
    ("chosen", "error", "words"),
    [
        ({}, InvalidUsage, "The left table has 0 keys, the right one 0."),
        ({"left_keys": ["k"]}, InvalidUsage, "The left table has 1 keys, the right one 0."),
        ({"keys": ["kk"]}, InvalidDataset, "no column 'kk'. Did you mean 'k'?"),
        ({"left_keys": "k", "right_keys": "z"}, InvalidDataset, "no column 'z'."),
    ],
)
def test_keys_that_cannot_be(chosen: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        join(LEFT, RIGHT, **chosen)
    assert words in str(caught.value)


def test_a_join_that_would_fill_the_machine_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_JOINED_ROWS", 99)
    with pytest.raises(InvalidDataset, match="would have 100 rows, more than 99"):
        join(pa.table({"k": [1] * 10}), pa.table({"k": [1] * 10}), keys="k")


def test_wide_and_empty_tables() -> None:
    wide = pa.table({"k": [1, 2]} | {f"c{number}": [number, None] for number in range(5_000)})
    result = join(wide, wide, keys="k", type="full")
    assert (result.num_rows, result.num_columns) == (2, 10_001)
    assert result.schema.names[-1] == "c4999 (1)"
    for kind in ("inner", "left", "right", "full", "semi", "anti"):
        empty = join(LEFT.slice(0, 0), RIGHT, keys="k", type=kind)
        assert empty.num_rows == (5 if kind in ("right", "full") else 0)
        assert join(LEFT, RIGHT.slice(0, 0), keys="k", type=kind).num_rows == (
            4 if kind in ("left", "full", "anti") else 0
        )
        assert join(LEFT.slice(0, 0), RIGHT.slice(0, 0), keys="k", type=kind).num_rows == 0


KEYS = st.lists(st.tuples(st.sampled_from([None, "a", "b", "A", "c"]), st.sampled_from([None, 1, 2])), max_size=12)


@settings(max_examples=150, deadline=None)
@given(KEYS, KEYS, st.sampled_from(["inner", "left", "right", "full", "semi", "anti"]), st.booleans(), st.booleans())
def test_the_same_rows_as_pandas_has(
    left_keys: list[Any], right_keys: list[Any], kind: str, two_keys: bool, match_missing: bool
) -> None:
    names = ["k", "m"] if two_keys else ["k"]
    left, right = keyed(left_keys, "x"), keyed(right_keys, "y")
    result = join(left, right, keys=names, type=kind, match_missing=match_missing)
    columns = ["x", "y"] if kind not in ("semi", "anti") else ["x"]
    found = [tuple(row[name] for name in columns) for row in result.select(columns).to_pylist()]
    assert found == expected_rows(left, right, names, kind, match_missing=match_missing)
    if kind in ("right", "full"):  # a row of the right table alone still has its key
        by_place = {row["y"]: row["k"] for row in right.to_pylist()}
        for row in result.to_pylist():
            assert row["x"] is not None or row["k"] == by_place[row["y"]]


def keyed(keys: list[Any], place: str) -> pa.Table:
    first, second = pa.array([key for key, _ in keys], pa.string()), pa.array([key for _, key in keys], pa.int64())
    return pa.table({"k": first, "m": second, place: pa.array(range(len(keys)), pa.int64())})


def expected_rows(left: pa.Table, right: pa.Table, names: list[str], kind: str, *, match_missing: bool) -> list[Any]:
    """What pandas finds: it matches missing with missing, so those rows are left out where they must not match."""
    frames = [table.to_pandas(types_mapper=pd.ArrowDtype) for table in (left, right)]
    kept = frames if match_missing else [frame.dropna(subset=names) for frame in frames]
    merged = kept[0].merge(kept[1], on=names, how="inner")
    pairs = sorted(zip(merged["x"].tolist(), merged["y"].tolist(), strict=True))
    with_partner = {pair[0] for pair in pairs}
    if kind in ("semi", "anti"):
        return [(place,) for place in range(left.num_rows) if (place in with_partner) == (kind == "semi")]
    if kind in ("left", "full"):
        pairs = sorted([*pairs, *((place, -1) for place in range(left.num_rows) if place not in with_partner)])
    rows: list[Any] = [(first, None if second < 0 else second) for first, second in pairs]
    if kind in ("right", "full"):
        met = {pair[1] for pair in pairs}
        rows += [(None, place) for place in range(right.num_rows) if place not in met]
    return rows


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(TYPES), st.data())
def test_every_type_survives_as_value_and_most_as_key(typed: Any, data: st.DataObject) -> None:
    arrow, values = typed
    cells = data.draw(st.lists(st.none() | values, min_size=3, max_size=3))
    left = pa.table({"k": [1, 2, 3], "v": pa.array(cells, arrow)})
    right = pa.table({"k": [3, 1], "w": pa.array(cells[:2], arrow)})
    result = join(left, right, keys="k", type="left")
    whole = table_at(BENCH.execute("select-columns", {"dataset": left}), "results")
    assert result.select(["k", "v"]).equals(whole)
    if pa.types.is_nested(arrow) and not pa.types.is_dictionary(arrow):
        return
    by_value = join(left, left, keys="v", match_missing=True)
    assert by_value.num_rows >= 3
