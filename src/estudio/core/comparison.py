"""How two tables differ: columns, rows, and how far the values of each column moved.

Equal tables are told apart from tables that only look alike: `identical` is about every value in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ColumnChange(StrEnum):
    """What became of a column."""

    SAME = "same"
    """Every value is in its place."""
    CHANGED = "changed"
    """The same name and type, other values or another order."""
    RETYPED = "retyped"
    ADDED = "added"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class ColumnComparison:
    """One column before and after.

    Attributes:
        name: in both tables, or in the one that has it.
        change: what became of it.
        type_before: as in `core.layout`, None for an added column.
        type_after: None for a lost column.
        missing_before: share of the rows without a value, 0 to 1.
        missing_after: the same.
        mean_shift: how far the mean moved, in standard deviations of before; None where there is no such measure.
        median_shift: the same for the median.
        distance: 0 (the same distribution) to 1 (nothing in common): the Kolmogorov-Smirnov distance for numbers and
            times, the total variation distance for text, categories and booleans; None where neither can be told.
        approximate: whether `distance` is of samples.
    """

    name: str
    change: ColumnChange
    type_before: str | None = None
    type_after: str | None = None
    missing_before: float | None = None
    missing_after: float | None = None
    mean_shift: float | None = None
    median_shift: float | None = None
    distance: float | None = None
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class TableComparison:
    """Two tables.

    Attributes:
        identical: names, types, order and every value are the same.
        rows_before: rows of the first table.
        rows_after: rows of the second table.
        rows_added: rows of the second table that the first has not, by what is in them and counted as often as they
            occur; None where they were not compared, because there are too many or the tables share no column.
        rows_lost: the same the other way round.
        compared_columns: the columns by which rows were compared: those of one name and type in both tables.
        columns: in the order of the second table, lost ones last.
        reordered: whether shared columns come in another order.
    """

    identical: bool
    rows_before: int
    rows_after: int
    rows_added: int | None
    rows_lost: int | None
    compared_columns: int
    columns: tuple[ColumnComparison, ...]
    reordered: bool = False
