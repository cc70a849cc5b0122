"""A preview as a Rich table: names, types and missing counts in the head, the first rows below.

Names and cells come from a script. They enter as literal text with control characters shown, never as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from estudio.cli.untrusted_text import neutralise_line
from estudio.core.counted_words import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from estudio.workspace.previews import Preview

MAX_CELL_WIDTH = 24
"""Of one column on screen: a taste of the value."""
_PADDING = 3
"""Between two columns of `box.SIMPLE_HEAD`: a space, its separator, a space."""
MISSING = "-"
"""Shown for a missing value, faintly where there is colour."""


def preview_parts(preview: Preview, name: str, width: int) -> tuple[RenderableType, ...]:
    """The title, the columns that fit the width, and what was left out."""
    from estudio.cli.run_report import title_of  # noqa: PLC0415

    shown = columns_that_fit(preview, width)
    parts: list[RenderableType] = [Text(title_of(preview, name), style="bold")]
    if shown:
        parts.append(_table(preview, shown))
    if left_out := _left_out(preview, shown):
        parts.append(Text(left_out, style="dim"))
    return tuple(parts)


def columns_that_fit(preview: Preview, width: int) -> int:
    """How many columns fit beside each other; at least one where there is one."""
    used = -_PADDING
    for number in range(len(preview.columns)):
        used += min(_width(preview, number), MAX_CELL_WIDTH) + _PADDING
        if used > width:
            return max(number, 1)
    return len(preview.columns)


def _width(preview: Preview, number: int) -> int:
    cells = [row[number] or MISSING for row in preview.rows]
    return max(cell_len(neutralise_line(text)) for text in (*_head(preview, number), *cells))


def _head(preview: Preview, number: int) -> tuple[str, str, str]:
    column = preview.columns[number]
    return column.name, column.words, f"{column.missing:,} missing" if column.missing else ""


def _table(preview: Preview, shown: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="")
    any_missing = any(column.missing for column in preview.columns[:shown])
    for number in range(shown):
        name, words, missing = _head(preview, number)
        head = Text(neutralise_line(name), style="bold")
        head.append(f"\n{words}", style="dim")
        if any_missing:
            head.append(f"\n{missing}", style="yellow")
        right = "number" in words or words == "decimal"
        table.add_column(
            head, justify="right" if right else "left", no_wrap=True, overflow="ellipsis", max_width=MAX_CELL_WIDTH
        )
    for row in preview.rows:
        table.add_row(*(_cell(text) for text in row[:shown]))
    return table


def _cell(text: str | None) -> Text:
    return Text(MISSING, style="dim") if text is None else Text(neutralise_line(text))


def _left_out(preview: Preview, shown: int) -> str:
    rows, columns = preview.row_count - len(preview.rows), preview.column_count - shown
    words = [counted(number, noun) for number, noun in ((rows, "more row"), (columns, "more column")) if number > 0]
    return f"and {' and '.join(words)}" if words else ""
