"""The reference of statistics says what the code does: every field, and every bound with its number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from estudio.core.comparison import ColumnChange, ColumnComparison, TableComparison
from estudio.core.statistics import (
    BoxPlot,
    ColumnStatistics,
    FeatureType,
    Figure,
    Histogram,
    Lengths,
    Scatter,
    TopValue,
)
from estudio.tables import columnvalues, comparison, distinct, histograms, sampling, scatter
from estudio.workspace import looks, table_page

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "statistics.md").read_text(encoding="utf-8")
BOUNDS = {
    sampling.SAMPLE_ROWS: "262 144 rows",
    sampling.RANDOM_ROWS: "65 536 rows",
    distinct.FEW_VALUES: "5 000 different values",
    distinct.LEAST_SAMPLED: "occur 20 times",
    columnvalues.MAX_VALUE_CHARACTERS: "200 characters",
    histograms.MAX_OUTLIERS: "25 outermost",
    histograms.WHISKER: "1.5 box lengths",
    scatter.MAX_POINTS: "2 000 rows",
    table_page.MAX_COLUMNS: "500 columns",
    looks.SHOWN_ROWS: "first 20 rows",
    comparison.MAX_COMPARED_ROWS: "25 million rows",
    comparison.MAX_COMPARED_CELLS: "500 million cells",
}


@pytest.mark.parametrize(
    "value", [ColumnStatistics, Histogram, BoxPlot, TopValue, Lengths, Scatter, TableComparison, ColumnComparison]
)
def test_every_field_is_documented(value: type) -> None:
    assert [name for name in value.__dataclass_fields__ if f"`{name}`" not in PAGE] == []  # type: ignore[attr-defined]


def test_every_word_of_a_closed_set_is_documented() -> None:
    words = {*FeatureType, *ColumnChange, *Figure}
    assert {word for word in words if f"`{word}`" not in PAGE} == set()


@pytest.mark.parametrize("bound", BOUNDS)
def test_every_bound_is_documented(bound: float) -> None:
    words = BOUNDS[bound]
    assert words in PAGE
    digits = re.sub(r"[^\d.]", "", words)
    assert float(digits) * (1_000_000 if "million" in words else 1) == bound
