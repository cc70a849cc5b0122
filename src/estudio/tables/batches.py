"""Cuts a table into pieces for writers that turn values into text.

A category of a megabyte in a million rows is small in memory and a terabyte as text: pieces are cut by what their
text may take, not by rows alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estudio.tables.typenames import Arrow

MAX_ROWS = 1 << 16
"""Rows of a piece: enough that pyarrow's cost per call does not show."""
TEXT_BYTES = 1 << 28
"""About what the text of a piece may take."""
OTHER_BYTES = 64
"""More than the text of a number or a time."""


def row_pieces(table: pa.Table) -> Iterator[list[Arrow]]:
    """The columns' arrays, some rows at a time, in order."""
    columns: list[Arrow] = [column.chunk(0) for column in table.columns]
    widest = sum(_widest(column) for column in columns)
    rows = max(1, min(MAX_ROWS, TEXT_BYTES // max(1, widest)))
    for start in range(0, table.num_rows, rows):
        yield [column.slice(start, rows) for column in columns]


def _widest(column: Arrow) -> int:
    arrow = column.type
    if pa.types.is_dictionary(arrow):
        return _widest(column.dictionary)
    if pa.types.is_large_string(arrow) or pa.types.is_large_binary(arrow):
        sizes: Arrow = pc.binary_length(column)
        return OTHER_BYTES + 2 * int(pc.max(sizes).as_py() or 0)
    if pa.types.is_large_list(arrow):
        counts: Arrow = pc.list_value_length(column)
        return int(pc.max(counts).as_py() or 1) * _widest(column.values)
    return OTHER_BYTES
