"""Two tables compared, on a terminal: one sentence, then a line for each column that differs.

Columns that are the same are counted, not listed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from estudio.cli.figure_words import MISSING, literal, number_words, shortened
from estudio.core.comparison import ColumnChange
from estudio.core.counted_words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from estudio.core.comparison import ColumnComparison, TableComparison

MAX_LISTED_COLUMNS = 50
MAX_NAME_WIDTH = 24
FAR = 0.1
"""A distance from which on it is shown in colour: one row in ten would have to move."""


def comparison_parts(comparison: TableComparison, title: str, *, plain: bool = False) -> tuple[RenderableType, ...]:
    """What to print of a comparison; `plain` where only ASCII can be shown."""
    head = f"{literal(title)}: {summary_words(comparison)}"
    parts: list[RenderableType] = [Text(head, style="bold" if not comparison.identical else "green")]
    differing = [column for column in comparison.columns if column.change is not ColumnChange.SAME]
    if differing:
        parts.append(_table(differing[:MAX_LISTED_COLUMNS], plain=plain))
    if more := max(len(differing) - MAX_LISTED_COLUMNS, 0):
        parts.append(Text(f"{'...' if plain else '…'} {counted(more, 'more column')}", style="dim"))
    same = len(comparison.columns) - len(differing)
    if same and differing:
        parts.append(Text(f"{counted(same, 'column')} unchanged", style="dim"))
    return tuple(parts)


def summary_words(comparison: TableComparison) -> str:
    """The comparison in one line: rows and columns added and lost, or that nothing changed."""
    if comparison.identical:
        return f"unchanged ({counted(comparison.rows_after, 'row')}, {counted(len(comparison.columns), 'column')})"
    words = [_rows_words(comparison)]
    for change in (ColumnChange.ADDED, ColumnChange.LOST, ColumnChange.RETYPED, ColumnChange.CHANGED):
        count = sum(column.change is change for column in comparison.columns)
        if count:
            words.append(f"{counted(count, 'column')} {change.value}")
    if comparison.reordered:
        words.append("columns in another order")
    return ", ".join(words)


def _rows_words(comparison: TableComparison) -> str:
    before, after = comparison.rows_before, comparison.rows_after
    numbers = counted(after, "row") if before == after else f"{counted(before, 'row')} became {after:,}"
    if comparison.rows_added is None or comparison.rows_lost is None:
        return numbers
    if comparison.rows_added or comparison.rows_lost:
        return f"{numbers} ({comparison.rows_added:,} added, {comparison.rows_lost:,} lost)"
    changed = any(column.change is ColumnChange.CHANGED for column in comparison.columns)
    return f"{numbers}, the same ones in another order" if changed else numbers


def _table(columns: Sequence[ColumnComparison], *, plain: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    headings = ("column", "change", "type", "missing", "mean moved", "median moved", "distance")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < 3 else "right", no_wrap=True, overflow="ellipsis")
    for column in columns:
        far = column.distance is not None and column.distance >= FAR
        table.add_row(
            Text(shortened(column.name, MAX_NAME_WIDTH), style="bold"),
            column.change.value,
            _arrow(column.type_before, column.type_after, plain=plain),
            _arrow(_percent(column.missing_before), _percent(column.missing_after), plain=plain),
            _shift(column.mean_shift),
            _shift(column.median_shift),
            Text(_distance(column, plain=plain), style="yellow" if far else ""),
        )
    return table


def _arrow(before: str | None, after: str | None, *, plain: bool) -> Text:
    if before == after or before is None or after is None:
        return Text(literal(before or after or MISSING))
    return Text(f"{literal(before)} {'->' if plain else '→'} {literal(after)}")


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{number_words(round(100 * share, 2))} %"


def _shift(shift: float | None) -> str:
    """In standard deviations of before."""
    if shift is None:
        return MISSING
    return f"{shift:+.3f} std" if abs(shift) >= 0.0005 else "0"


def _distance(column: ColumnComparison, *, plain: bool) -> str:
    if column.distance is None:
        return MISSING
    return f"{('~' if plain else '≈') if column.approximate else ''}{column.distance:.3f}"
