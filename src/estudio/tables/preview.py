"""A first look at a table: types in people's words, missing counts, the first rows as short text."""

from __future__ import annotations

from dataclasses import dataclass

from estudio.tables.table import Table


@dataclass(frozen=True, slots=True)
class PreviewColumn:
    """A column of a preview: its name and its type in people's words."""

    name: str
    words: str
    missing: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows and columns of a table; a missing cell is `None`. The counts are those of the whole table."""

    columns: tuple[PreviewColumn, ...]
    rows: tuple[tuple[str | None, ...], ...]
    row_count: int
    column_count: int


def preview(table: Table, rows: int = 10, columns: int = 50) -> Preview:
    """Look at the first `rows` rows of the first `columns` columns."""
    raise NotImplementedError
