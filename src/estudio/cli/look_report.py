"""A look at a table on a terminal: one line per column with its figures, then the first rows; or a script's words.

Where the figures do not fit the width side by side, they stand in several tables below one another: none is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from estudio.cli.figure_words import bars, count_words, literal, rough_words, share_words, shortened, value_words
from estudio.cli.preview_table import preview_parts
from estudio.cli.untrusted_text import neutralise_lines
from estudio.core.counted_words import counted
from estudio.core.statistics import ColumnStatistics, FeatureType, Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from estudio.core.statistics import TableStatistics
    from estudio.workspace.looks import Look

MAX_LISTED_COLUMNS = 50
"""Columns with their figures: two screens."""
MAX_NAME_WIDTH = 24
MAX_FIRST_ROWS = 10
_OF_ALL = 4
"""Figures that every column has: type, count, missing, unique. The others need an order."""
MAX_TOP_WIDTH = 32
"""Of the frequent values of a column."""
MAX_LOG_LINES = 1_000
"""Of what a script printed; the rest is in the log's file or page."""
_PADDING = 3
"""Between two columns of `box.SIMPLE_HEAD`."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One figure of the table: its heading and how it is worded."""

    heading: str
    words: Callable[[ColumnStatistics], str]
    right: bool = True


def look_parts(look: Look, width: int, *, plain: bool = False) -> tuple[RenderableType, ...]:
    """What to print of a look.

    Args:
        look: a table's, or a visualization's.
        width: columns of the terminal.
        plain: whether only ASCII can be shown.
    """
    parts: list[RenderableType] = []
    if look.statistics is not None:
        parts += statistics_parts(look.statistics, look.title, width, plain=plain)
    if look.preview is not None and look.preview.columns:
        first = replace(look.preview, rows=look.preview.rows[:MAX_FIRST_ROWS])
        parts += [Text(""), *preview_parts(first, "First rows", width)]
    if look.statistics is None:
        parts += _visualization_parts(look)
    return tuple(parts)


def statistics_parts(
    statistics: TableStatistics, title: str, width: int, *, plain: bool = False
) -> list[RenderableType]:
    """The columns of a table with their figures."""
    listed = statistics.columns[:MAX_LISTED_COLUMNS]
    parts: list[RenderableType] = [Text(_title(statistics, title), style="bold")]
    if not listed:
        return parts
    name, *figures, distribution = _fields(statistics.row_count, plain=plain)
    if _width([name, *figures, distribution], listed) <= width:
        return [*parts, _table([name, *figures, distribution], listed), *_notes(statistics, plain=plain)]
    ordered = [column for column in listed if column.min is not None]
    for fields, columns in (((*figures[:_OF_ALL], distribution), listed), (figures[_OF_ALL:], ordered)):
        for group in _groups_that_fit(name, fields, columns, width):
            parts += [_table(group, columns), Text("")]
    return [*parts[:-1], *_notes(statistics, plain=plain)]


def _title(statistics: TableStatistics, title: str) -> str:
    return f"{literal(title)}: {counted(statistics.row_count, 'row')}, {counted(len(statistics.columns), 'column')}"


def _fields(rows: int, *, plain: bool) -> list[_Field]:
    return [
        _Field("column", lambda column: shortened(column.name, MAX_NAME_WIDTH), right=False),
        _Field("type", _type_words, right=False),
        _Field("count", lambda column: count_words(column.count)),
        _Field("missing", lambda column: _missing_words(column, rows)),
        _Field(
            "unique",
            lambda column: count_words(column.unique, approximate=column.is_approximate(Figure.UNIQUE), plain=plain),
        ),
        _Field("min", lambda column: value_words(column.min)),
        _Field("max", lambda column: value_words(column.max)),
        _Field("mean", lambda column: rough_words(column.mean)),
        _Field("median", lambda column: rough_words(column.median)),
        _Field("std", lambda column: rough_words(column.standard_deviation)),
        _Field("distribution", lambda column: _distribution(column, plain=plain), right=False),
    ]


def _type_words(column: ColumnStatistics) -> str:
    if column.feature_type in {FeatureType.NUMERIC, FeatureType.DATETIME}:
        return shortened(column.type, MAX_NAME_WIDTH)
    return column.feature_type.value


def _missing_words(column: ColumnStatistics, rows: int) -> str:
    words = f"{column.missing:,} ({share_words(column.missing, rows)})" if column.missing else "0"
    return f"{words} +{column.infinite:,} inf" if column.infinite else words


def _distribution(column: ColumnStatistics, *, plain: bool) -> str:
    if column.histogram is not None:
        return bars(column.histogram.counts, plain=plain)
    shown: list[str] = []
    used = 0
    for top in column.top_values:
        words = f"{value_words(top.value)} {share_words(top.count, column.count)}"
        used += cell_len(words) + 2
        if shown and used > MAX_TOP_WIDTH:
            break
        shown.append(words)
    if not shown and column.lengths is not None:
        unit = "values" if column.feature_type is FeatureType.LIST else "bytes"
        shortest, longest = (f"{length:,}" for length in (column.lengths.shortest, column.lengths.longest))
        return f"{shortest if shortest == longest else f'{shortest} to {longest}'} {unit} long"
    return ", ".join(shown)


def _width(fields: Sequence[_Field], columns: Sequence[ColumnStatistics]) -> int:
    widths = [max(cell_len(field.heading), *(cell_len(field.words(column)) for column in columns)) for field in fields]
    return sum(widths) + _PADDING * (len(fields) - 1)


def _groups_that_fit(
    name: _Field, fields: Sequence[_Field], columns: Sequence[ColumnStatistics], width: int
) -> list[list[_Field]]:
    """The figures in as many tables as the width needs, the names first in each; none where there are no columns."""
    groups: list[list[_Field]] = []
    for field in fields if columns else ():
        if groups and _width([*groups[-1], field], columns) <= width:
            groups[-1].append(field)
        else:
            groups.append([name, field])
    return groups


def _table(fields: Sequence[_Field], columns: Sequence[ColumnStatistics]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for field in fields:
        table.add_column(
            Text(field.heading), justify="right" if field.right else "left", no_wrap=True, overflow="ellipsis"
        )
    for column in columns:
        table.add_row(*(_styled(field, field.words(column)) for field in fields))
    return table


def _styled(field: _Field, words: str) -> Text:
    if field.heading == "column":
        return Text(words, style="bold")
    if field.heading == "missing" and words != "0":
        return Text(words, style="yellow")
    if field.heading == "distribution":
        return Text(words, style="cyan")
    return Text(words, style="dim" if words == "-" else "")


def _notes(statistics: TableStatistics, *, plain: bool) -> list[RenderableType]:
    notes = []
    more = len(statistics.columns) - MAX_LISTED_COLUMNS
    if more > 0:
        notes.append(f"{'...' if plain else '…'} {counted(more, 'more column')}")
    if any(column.approximate for column in statistics.columns[:MAX_LISTED_COLUMNS]):
        notes.append(f"{'~' if plain else '≈'} and histograms of large columns are estimates")
    return [Text(note, style="dim") for note in notes]


def _visualization_parts(look: Look) -> list[RenderableType]:
    parts: list[RenderableType] = [Text(literal(look.title), style="bold")]
    lines = neutralise_lines(look.log).splitlines()
    parts += [Text(line) for line in lines[:MAX_LOG_LINES]]
    if len(lines) > MAX_LOG_LINES:
        parts.append(Text(f"and {counted(len(lines) - MAX_LOG_LINES, 'more line')}", style="dim"))
    parts += [Text(f"{literal(image.name)}: {image.width} x {image.height}", style="cyan") for image in look.images]
    if not look.images and not lines:
        parts.append(Text("nothing was printed and nothing drawn", style="dim"))
    return parts
