"""A first look at a table: types in people's words, missing counts, the first rows as short text.

Everything in a preview is bounded and free of control characters, but not escaped for HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from estudio.core.counted_words import counted
from estudio.tables.valuetext import as_text

if TYPE_CHECKING:
    from estudio.tables.table import Table
    from estudio.tables.typenames import Arrow

MAX_CELL_CHARACTERS = 40
"""A cell is a taste: longer text ends in an ellipsis."""
MAX_LIST_VALUES = 10
"""Values of a list that are shown."""

_WORDS = (
    (pa.types.is_null, "nothing"),
    (pa.types.is_boolean, "true/false"),
    (pa.types.is_integer, "whole number"),
    (pa.types.is_floating, "number"),
    (pa.types.is_decimal, "decimal"),
    (pa.types.is_timestamp, "date and time"),
    (pa.types.is_duration, "duration"),
    (pa.types.is_date, "date"),
    (pa.types.is_time, "time"),
    (pa.types.is_large_string, "text"),
    (pa.types.is_large_binary, "bytes"),
    (pa.types.is_dictionary, "category"),
    (pa.types.is_large_list, "list"),
)


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
    arrow = table.to_arrow()
    shown = arrow.columns[:columns]
    cells = [_cells(column.chunk(0).slice(0, rows)) for column in shown]
    heads = tuple(
        PreviewColumn(printable(name), type_words(column.type), column.null_count)
        for name, column in zip(arrow.schema.names, shown, strict=False)
    )
    return Preview(heads, tuple(zip(*cells, strict=True)), table.row_count, table.column_count)


def type_words(arrow: pa.DataType) -> str:
    """What people call a type: "whole number", "text", "date and time"."""
    return next(words for matches, words in _WORDS if matches(arrow))


def printable(text: str, most: int = MAX_CELL_CHARACTERS) -> str:
    """Text without control characters (they are shown as escapes), at most `most` characters long."""
    escaped = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text[: most + 1]
    )
    return escaped if len(escaped) <= most else escaped[: most - 1] + "…"


def _cells(array: Arrow) -> list[str | None]:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary.take(array.indices)
    if pa.types.is_large_binary(array.type):
        sizes: Arrow = pc.binary_length(array)
        return [None if size is None else counted(size, "byte") for size in sizes.to_pylist()]
    if pa.types.is_large_list(array.type):
        return [None if scalar.values is None else _list_cell(scalar.values) for scalar in array]
    if pa.types.is_floating(array.type):
        return [None if value is None else f"{value:.6g}" for value in array.to_pylist()]
    return [None if text is None else printable(text) for text in as_text(_shortened(array)).to_pylist()]


def _shortened(array: Arrow) -> Arrow:
    if not pa.types.is_large_string(array.type):
        return array
    return pc.utf8_slice_codeunits(array, 0, MAX_CELL_CHARACTERS + 1)


def _list_cell(values: Arrow) -> str:
    cells = ["missing" if cell is None else cell for cell in _cells(values.slice(0, MAX_LIST_VALUES))]
    more = ", …" if len(values) > MAX_LIST_VALUES else ""
    return printable(f"[{', '.join(cells)}{more}]")
