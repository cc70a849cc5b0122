"""What is known of a table after one look: for each column its counts, its place, its spread, its most frequent values.

Nothing here is NaN. Infinite values are counted, can be a minimum or a maximum, and are left out of all else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = "int | float | bool | str"
"""One value of a column. Times, durations, decimals and bytes are text, so that no digit is lost."""


class FeatureType(StrEnum):
    """What kind of thing a column holds, for people."""

    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    TEXT = "text"
    CATEGORY = "category"
    DATETIME = "datetime"
    """Dates, times of day, dates with times."""
    DURATION = "duration"
    BINARY = "binary"
    LIST = "list"
    EMPTY = "empty"
    """A column of no type, where everything is missing."""


class Figure(StrEnum):
    """A figure that may be approximate in a large column; named as its field is."""

    UNIQUE = "unique"
    HISTOGRAM = "histogram"
    BOX_PLOT = "box_plot"
    TOP_VALUES = "top_values"


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between edges of equal distance; one edge more than counts. A bin has its lower edge, the last one both.

    A column of one value has one bin whose two edges are that value.
    """

    edges: tuple[Value, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BoxPlot:
    """Tukey's box: quartiles, whiskers at the last values within 1.5 box lengths, the outermost values beyond them.

    Outliers are sorted, at most 25 on each side.
    """

    lower_whisker: float
    first_quartile: float
    median: float
    third_quartile: float
    upper_whisker: float
    low_outliers: tuple[float, ...] = ()
    high_outliers: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class TopValue:
    """A value and the number of rows that have it. Text is cut to 200 characters; `cut` says so."""

    value: Value
    count: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Lengths:
    """The shortest and the longest value: bytes of UTF-8 for text, bytes for binary, values for lists."""

    shortest: int
    longest: int


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """One column.

    Attributes:
        name: as in the table.
        type: the type's name as in `core.layout`.
        feature_type: the same for people.
        count: rows that have a value, infinite ones too.
        missing: rows that have none; NaN and NaT are missing.
        infinite: rows with plus or minus infinity.
        unique: how many different values, None where that is not told (lists of some types).
        min: the smallest value, `-inf` too; None where values have no order or there are none.
        max: the largest value, `inf` too.
        mean: of the finite values. Of times a text.
        median: of the finite values. Of times a text.
        standard_deviation: of the finite values, of a sample (n - 1) as pandas; None below two values. Of times a text.
        histogram: of the finite values, for numbers and times.
        box_plot: of the finite values, for numbers.
        top_values: the most frequent first, equally frequent ones in order of value.
        lengths: for text, bytes and lists.
        approximate: the figures that are not exact.
    """

    name: str
    type: str
    feature_type: FeatureType
    count: int
    missing: int
    infinite: int = 0
    unique: int | None = None
    min: Value | None = None
    max: Value | None = None
    mean: float | str | None = None
    median: float | str | None = None
    standard_deviation: float | str | None = None
    histogram: Histogram | None = None
    box_plot: BoxPlot | None = None
    top_values: tuple[TopValue, ...] = ()
    lengths: Lengths | None = None
    approximate: frozenset[Figure] = frozenset()

    def is_approximate(self, figure: Figure) -> bool:
        """Whether that figure is an estimate."""
        return figure in self.approximate


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """Rows of the table, and its columns in order: all, or those that were asked for."""

    row_count: int
    columns: tuple[ColumnStatistics, ...]


@dataclass(frozen=True, slots=True)
class Scatter:
    """Rows as points of two columns: at most 2 000, chosen evenly and always the same.

    `points` are numbers (of a time its ticks); `x_ends` and `y_ends` are the least and the most of them as people
    see them. Rows in which one of the two is missing or infinite have no point.
    """

    x: str
    y: str
    points: tuple[tuple[float, float], ...] = ()
    x_ends: tuple[Value, Value] = (0, 0)
    y_ends: tuple[Value, Value] = (0, 0)
    row_count: int = 0
    """Rows of the whole table that have a point."""
