"""A table as a short, escaped piece of HTML for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from estudio.core.counted_words import counted
from estudio.tables.preview import PreviewColumn, preview

if TYPE_CHECKING:
    from estudio.tables.table import Table

SHOWN_ROWS = 20
"""As many as fit a screen."""
SHOWN_COLUMNS = 50
"""More make a page that nobody scrolls through."""


def table_html(table: Table) -> str:
    """A `<table>` of the first rows and columns; names, types and missing counts in its head; everything escaped."""
    shown = preview(table, SHOWN_ROWS, SHOWN_COLUMNS)
    head = "".join(_head(column) for column in shown.columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in shown.rows)
    caption = f"{counted(shown.row_count, 'row')}, {counted(shown.column_count, 'column')}"
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _head(column: PreviewColumn) -> str:
    missing = f", {column.missing} missing" if column.missing else ""
    return f"<th>{escape(column.name)}<br><small>{escape(column.words)}{missing}</small></th>"


def _cell(text: str | None) -> str:
    return "<td></td>" if text is None else f"<td>{escape(text)}</td>"
