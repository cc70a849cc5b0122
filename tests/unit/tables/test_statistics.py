from __future__ import annotations

import datetime as dt
import decimal
import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.core.statistics import (
    BoxPlot,
    ColumnStatistics,
    FeatureType,
    Figure,
    Histogram,
    Lengths,
    TableStatistics,
    TopValue,
)
from estudio.errors import InvalidUsage
from estudio.tables.statistics import table_statistics
from estudio.tables.table import Table
from tests.unit.tables.arrowtables import arrow_tables

ROWS = 400_000
"""More than are looked at one by one."""
TYPES: dict[FeatureType, list[tuple[Any, list[Any]]]] = {
    FeatureType.EMPTY: [(pa.null(), [None, None])],
    FeatureType.BOOLEAN: [(pa.bool_(), [True, None])],
    FeatureType.NUMERIC: [
        *((arrow, [1, None]) for arrow in (pa.int8(), pa.uint16(), pa.int32(), pa.uint64())),
        *((arrow, [1.5, None]) for arrow in (pa.float32(), pa.float64())),
        *((arrow, [decimal.Decimal("1.50"), None]) for arrow in (pa.decimal128(9, 2), pa.decimal256(50, 2))),
    ],
    FeatureType.DATETIME: [
        (pa.date32(), [dt.date(2020, 1, 2), None]),
        (pa.time32("ms"), [dt.time(1, 2), None]),
        (pa.time64("ns"), [dt.time(1, 2), None]),
        (pa.timestamp("s"), [dt.datetime(2020, 1, 2), None]),  # noqa: DTZ001
        (pa.timestamp("ns", "UTC"), [dt.datetime(2020, 1, 2, tzinfo=dt.UTC), None]),
    ],
    FeatureType.DURATION: [(pa.duration(unit), [dt.timedelta(1), None]) for unit in ("s", "ms", "us", "ns")],
    FeatureType.TEXT: [(pa.large_string(), ["x", None])],
    FeatureType.BINARY: [(pa.large_binary(), [b"x", None])],
    FeatureType.CATEGORY: [(pa.dictionary(pa.int32(), pa.large_string()), ["x", None])],
    FeatureType.LIST: [
        (pa.large_list(pa.int64()), [[1], None]),
        (pa.large_list(pa.decimal256(50, 2)), [[decimal.Decimal("1.50")], None]),
    ],
}


def look(values: Any, arrow: Any = None, bins: int = 10) -> ColumnStatistics:
    """The statistics of one column."""
    table = Table.from_arrow(pa.table({"x": pa.array(values, arrow)}))
    return table_statistics(table, bins=bins).columns[0]


def test_a_table_without_columns_or_rows() -> None:
    assert table_statistics(Table.empty()) == TableStatistics(0, ())
    rows = Table.from_arrow(pa.table({"x": [1, 2]}).select([]))
    assert table_statistics(rows) == TableStatistics(2, ())


@pytest.mark.parametrize("feature", TYPES)
def test_every_type_is_looked_at(feature: FeatureType) -> None:
    for arrow, values in TYPES[feature]:
        column = look(values, arrow)
        present = sum(value is not None for value in values)
        assert (column.feature_type, column.count, column.missing) == (feature, present, 2 - present)
        assert column.unique == (None if arrow == pa.large_list(pa.decimal256(50, 2)) else present)
        for nothing in (look([], arrow), look([None], arrow)):
            assert (nothing.count, nothing.min, nothing.mean, nothing.histogram) == (0, None, None, None)
            assert nothing.unique in {0, None}
            assert (nothing.top_values, nothing.lengths, nothing.box_plot) == ((), None, None)


def test_numbers() -> None:
    column = look([3.0, 1.0, None, 2.0, float("nan"), 2.0], bins=5)
    assert column == ColumnStatistics(
        "x", "float64", FeatureType.NUMERIC, 4, 2, 0, 3, 1.0, 3.0, 2.0, 2.0, math.sqrt(2 / 3),
        Histogram((1.0, 1.4, 1.8, 2.2, 2.6, 3.0), (1, 0, 2, 0, 1)),
        BoxPlot(1.0, 1.75, 2.0, 2.25, 3.0),
        (TopValue(2.0, 2), TopValue(1.0, 1), TopValue(3.0, 1)),
    )  # fmt: skip


def test_infinite_values_are_counted_and_left_out() -> None:
    column = look([math.inf, 1.0, 2.0, -math.inf, math.inf])
    assert (column.count, column.infinite, column.min, column.max) == (5, 3, -math.inf, math.inf)
    assert (column.mean, column.median, column.standard_deviation) == (1.5, 1.5, math.sqrt(0.5))
    assert column.histogram is not None
    assert sum(column.histogram.counts) == 2
    only = look([math.inf, math.inf])
    assert (only.count, only.infinite, only.min, only.max, only.unique) == (2, 2, math.inf, math.inf, 1)
    assert (only.mean, only.median, only.standard_deviation, only.histogram) == (None,) * 4


@pytest.mark.parametrize("value", [5, 0.1, -(2**63), 2**63 - 1])
def test_a_column_of_one_value(value: float) -> None:
    for times in (1, 7):
        column = look([value] * times)
        assert (column.min, column.max) == (value, value)
        assert (column.mean, column.median) == (float(value), float(value))
        assert column.standard_deviation == (0.0 if times > 1 else None)
        assert column.histogram == Histogram((value, value), (times,))
        assert column.box_plot == BoxPlot(*(float(value),) * 5)


def test_the_ends_of_whole_numbers_are_exact() -> None:
    column = look([2**63 - 1, -(2**63), 2**63 - 2])
    assert (column.min, column.max) == (-(2**63), 2**63 - 1)
    assert [value.value for value in column.top_values] == [-(2**63), 2**63 - 2, 2**63 - 1]
    wide = look([2**64 - 1, 0], pa.uint64())
    assert wide.max == 2**64 - 1
    assert wide.histogram is not None
    assert wide.histogram.counts == (1, 0, 0, 0, 0, 0, 0, 0, 0, 1)


def test_numbers_at_the_ends_of_floats_do_not_break_a_histogram() -> None:
    most = 1.7976931348623157e308
    column = look([-most, most, 0.0])
    assert column.histogram is not None
    assert column.histogram.counts == (1, 0, 0, 0, 0, 1, 0, 0, 0, 1)
    neighbours = look([1.0, math.nextafter(1.0, 2.0)])
    assert neighbours.histogram == Histogram((1.0, math.nextafter(1.0, 2.0)), (2,))


def test_text_is_counted_measured_and_cut() -> None:
    long = "ß" * 100_000
    column = look(["b", "a", "b", long, long, "", None])
    assert (column.unique, column.lengths) == (4, Lengths(0, 200_000))
    assert column.top_values == (
        TopValue("b", 2), TopValue("ß" * 200, 2, cut=True), TopValue("", 1), TopValue("a", 1),
    )  # fmt: skip


def test_of_many_values_only_frequent_ones_are_named() -> None:
    column = look([f"{number:03}" for number in range(500)] + ["b", "a", "b", "a", "b"])
    assert column.unique == 502
    assert column.top_values == (TopValue("b", 3), TopValue("a", 2))
    ties = look([str(number) for number in range(10, 40)] * 2)
    assert [value.value for value in ties.top_values] == [str(number) for number in range(10, 20)]


def test_times_are_text_with_all_their_digits() -> None:
    moments = pa.array([0, 1_000_000_001, 2_000_000_003], pa.timestamp("ns"))
    column = look(moments)
    assert (column.min, column.max) == ("1970-01-01 00:00:00", "1970-01-01 00:00:02.000000003")
    assert (column.mean, column.median) == ("1970-01-01 00:00:01.000000001", "1970-01-01 00:00:01.000000001")
    assert column.standard_deviation == "0 days 00:00:01.000000002"
    assert column.histogram is not None
    assert column.histogram.edges[0] == column.min
    assert column.histogram.edges[-1] == column.max
    assert column.histogram.counts == (1, 0, 0, 0, 1, 0, 0, 0, 0, 1)
    days = look([dt.date(2020, 1, 1), dt.date(2020, 1, 3)])
    assert (days.min, days.max, days.mean) == ("2020-01-01", "2020-01-03", "2020-01-02")
    assert days.standard_deviation == "1 days 09:56:28"
    spans = look([dt.timedelta(hours=1), dt.timedelta(hours=3), None], pa.duration("ms"))
    assert (spans.min, spans.mean) == ("0 days 01:00:00.000", "0 days 02:00:00.000")


def test_decimals_keep_their_digits() -> None:
    column = look([decimal.Decimal("12345678901234567890.01"), decimal.Decimal("0.02")])
    assert (column.min, column.max) == ("0.02", "12345678901234567890.01")
    assert column.top_values[0] == TopValue("0.02", 1)
    assert column.mean == pytest.approx(6172839450617283945.0)


def test_booleans_and_categories() -> None:
    assert look([True, False, True]).top_values == (TopValue(True, 2), TopValue(False, 1))
    category = look(pa.array(["x", "y", "x"]).dictionary_encode())
    assert (category.unique, category.top_values) == (2, (TopValue("x", 2), TopValue("y", 1)))


def test_lists_and_bytes_have_lengths() -> None:
    lists = look([[1, 2], [], None, [1, 2]])
    assert (lists.unique, lists.lengths, lists.top_values) == (2, Lengths(0, 2), ())
    binary = look([b"abc", b"", None])
    assert (binary.unique, binary.lengths, binary.top_values) == (2, Lengths(0, 3), ())


def test_columns_are_chosen_by_name_and_bins_are_bounded() -> None:
    table = Table.from_arrow(pa.table({"a": [1], "b": [2]}))
    assert [column.name for column in table_statistics(table, ["b", "a"]).columns] == ["b", "a"]
    with pytest.raises(InvalidUsage, match=r"has no column 'c'\. Its columns are a, b\."):
        table_statistics(table, ["c"])
    for bins in (0, 1001):
        with pytest.raises(InvalidUsage, match="1 to 1000"):
            table_statistics(table, bins=bins)


@given(arrow_tables())
def test_any_table_is_looked_at(arrow: pa.Table) -> None:
    table = Table.from_arrow(arrow)
    found = table_statistics(table)
    assert (found.row_count, len(found.columns)) == (table.row_count, table.column_count)
    for column, schema in zip(found.columns, table.schema.columns, strict=True):
        assert (column.name, column.type, column.missing) == (schema.name, schema.type, schema.missing)
        assert column.count + column.missing == table.row_count
        assert column.approximate == frozenset()
        assert all(value == value for value in (column.min, column.max, column.mean, column.median))  # noqa: PLR0124 - no NaN
        if column.histogram is not None:
            assert sum(column.histogram.counts) == column.count - column.infinite


@given(st.lists(st.floats(-1e9, 1e9) | st.none() | st.integers(-5, 5).map(float), max_size=60))
def test_numbers_are_those_of_pandas_and_numpy(values: list[float | None]) -> None:
    column, series = look(values, pa.float64()), pd.Series(values, dtype="float64")
    described = series.describe()
    assert column.count == described["count"]
    assert column.unique == series.nunique()
    ours = (column.mean, column.standard_deviation, column.min, column.median, column.max)
    theirs = [described[name] for name in ("mean", "std", "min", "50%", "max")]
    expected = [None if math.isnan(value) else pytest.approx(value, rel=1e-9, abs=1e-6) for value in theirs]
    assert list(ours) == expected
    if column.box_plot is not None and column.histogram is not None:
        assert column.box_plot.first_quartile == pytest.approx(described["25%"], rel=1e-9, abs=1e-9)
        assert column.box_plot.third_quartile == pytest.approx(described["75%"], rel=1e-9, abs=1e-9)
        counts, _ = np.histogram(series.dropna(), bins=np.array(column.histogram.edges, dtype=float))
        if len(column.histogram.counts) > 1:
            assert column.histogram.counts == tuple(counts)


@pytest.fixture(scope="module")
def large() -> pd.DataFrame:
    """A table above the bound of exactness, with what is hard: ties, tails, infinities, gaps."""
    random = np.random.default_rng(5)
    normal = random.standard_normal(ROWS)
    normal[random.integers(0, 20, ROWS) == 0] = np.nan
    zeros = np.where(random.random(ROWS) < 0.6, 0.0, random.standard_normal(ROWS))
    infinite = random.standard_exponential(ROWS)
    infinite[:3] = [np.inf, -np.inf, np.nan]
    return pd.DataFrame(
        {
            "normal": normal,
            "zeros": zeros,
            "infinite": infinite,
            "huge": random.integers(2**62, 2**63 - 1, ROWS),
            "sorted": np.arange(ROWS, dtype=np.int32),
            "pairs": np.arange(ROWS) // 2,
            "dozens": np.arange(ROWS) // 12,
            "cauchy": random.standard_cauchy(ROWS),
            "few": random.integers(0, 7, ROWS),
            "moment": pd.Series(np.arange(ROWS) * 10**9).astype("datetime64[ns]"),
            "text": pd.Series(np.where(random.random(ROWS) < 0.01, 0, np.arange(ROWS))).astype(str),
            "word": pd.Series(random.integers(0, 300, ROWS)).astype(str),
        }
    )


def test_large_columns_are_those_of_pandas(large: pd.DataFrame) -> None:
    found = {column.name: column for column in table_statistics(Table.from_pandas(large)).columns}
    for name in ("normal", "zeros", "infinite", "huge", "sorted", "pairs", "dozens", "cauchy", "few"):
        column, series = found[name], large[name]
        finite = series[np.isfinite(series)].astype("float64")
        assert (column.min, column.max) == (series.min(), series.max()), name
        assert column.mean == pytest.approx(finite.mean(), rel=1e-9, abs=1e-12), name
        assert column.standard_deviation == pytest.approx(finite.std(), rel=1e-9), name
        assert column.median == pytest.approx(finite.median(), rel=1e-15), name
        assert column.missing == series.isna().sum(), name
        assert column.infinite == np.isinf(series).sum(), name
        assert column.unique == pytest.approx(series.nunique(), rel=0.05), name
        assert column.box_plot is not None
        spread = max(finite.std() if name != "cauchy" else 1.0, 1e-9)
        assert abs(column.box_plot.first_quartile - finite.quantile(0.25)) < 0.02 * spread, name
        assert column.box_plot.high_outliers == tuple(
            value for value in sorted(finite)[-25:] if value in column.box_plot.high_outliers
        )
        assert column.histogram is not None
        assert sum(column.histogram.counts) == len(finite), name
        counts, _ = np.histogram(finite, bins=10)
        assert np.abs(np.array(column.histogram.counts) - counts).max() < 0.005 * ROWS, name
    assert found["few"].approximate == frozenset()
    assert found["cauchy"].approximate == {Figure.UNIQUE, Figure.HISTOGRAM, Figure.BOX_PLOT, Figure.TOP_VALUES}


def test_large_columns_of_times_and_text(large: pd.DataFrame) -> None:
    found = {column.name: column for column in table_statistics(Table.from_pandas(large)).columns}
    moment = found["moment"]
    assert (moment.min, moment.max) == ("1970-01-01 00:00:00", "1970-01-05 15:06:39")
    assert moment.mean == moment.median == "1970-01-03 07:33:19.500000000"
    text = found["text"]
    assert text.unique == pytest.approx(large["text"].nunique(), rel=0.05)
    assert [value.value for value in text.top_values] == ["0"]
    assert text.top_values[0].count == pytest.approx(0.01 * ROWS, rel=0.2)
    assert text.approximate == {Figure.UNIQUE, Figure.TOP_VALUES}
    counts = large["word"].value_counts()
    assert found["word"].approximate == frozenset()
    assert [value.count for value in found["word"].top_values] == list(counts[:10])


def test_the_same_table_gives_the_same_statistics(large: pd.DataFrame) -> None:
    table = Table.from_pandas(large[["normal", "text"]])
    assert table_statistics(table) == table_statistics(table)
