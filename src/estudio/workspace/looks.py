"""What a person sees of one port: its table's statistics and first rows, or what a script printed and drew.

A look is a value; `table_page` and `table_json` turn it into text, the terminal's rendering is the command line's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.tables.comparison import compare_tables
from estudio.tables.preview import Preview, preview
from estudio.tables.scatter import scatter_of
from estudio.tables.statistics import BINS, table_statistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.core.outcome import Image, Visualization
    from estudio.core.statistics import Scatter, TableStatistics
    from estudio.tables.table import Table

__all__ = ["Look", "compare_tables", "look_at_table", "look_at_visualization"]

SHOWN_ROWS = 20
"""First rows: as many as fit a screen."""
SHOWN_COLUMNS = 200
"""Columns of the first rows: more make a page that nobody scrolls through."""


@dataclass(frozen=True, slots=True)
class Look:
    """One port of one run, looked at.

    Attributes:
        title: for people, such as `rank.results`.
        statistics: of its table; None for a visualization.
        preview: the first rows of its table.
        scatter: two columns against each other, if that was asked for.
        images: pictures that a script drew.
        log: what a script printed.
    """

    title: str
    statistics: TableStatistics | None = None
    preview: Preview | None = None
    scatter: Scatter | None = None
    images: tuple[Image, ...] = ()
    log: str = ""


def look_at_table(
    table: Table,
    title: str,
    *,
    columns: Sequence[str] | None = None,
    scatter: tuple[str, str] | None = None,
    bins: int = BINS,
) -> Look:
    """Compute all that a look at a table shows.

    Args:
        table: of any size.
        title: for people.
        columns: names of those to look at; all if None.
        scatter: the names of two columns to draw against each other.
        bins: of each histogram.

    Raises:
        InvalidUsage: a column that the table has not, one that cannot be drawn, bins out of range.
    """
    points = scatter_of(table, *scatter) if scatter is not None else None
    statistics = table_statistics(table, columns, bins)
    shown = table if columns is None else type(table)(table.to_arrow().select(list(columns)))
    return Look(title, statistics, preview(shown, SHOWN_ROWS, SHOWN_COLUMNS), points)


def look_at_visualization(visualization: Visualization, title: str) -> Look:
    """What a script printed and drew."""
    return Look(title, images=visualization.images, log=visualization.text)
