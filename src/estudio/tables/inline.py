"""Lays small tables out in one run of bytes, to travel in a message instead of a file.

The layout is that of a file (`core.layout`), offsets counted from the first of these bytes; the values are those that
the table holds already, so nothing is copied until the pieces are joined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from estudio.core.layout import value_bits
from estudio.tables.columns import buffers_of, children_of
from estudio.tables.typenames import type_name

if TYPE_CHECKING:
    from estudio.tables.table import Table
    from estudio.tables.typenames import Arrow

ALIGNMENT = 8
"""Bytes: the widest number."""
_PADDING = tuple(bytes(-size % ALIGNMENT) for size in range(ALIGNMENT))


class InlineBytes:
    """Tables one after the other in at most `room` bytes."""

    def __init__(self, room: int) -> None:
        self.size = 0
        self._room = room
        self._pieces: list[Any] = []

    def add(self, table: Table) -> dict[str, Any] | None:
        """The layout of a table that was taken in, on the wire; None where there is no room for it."""
        arrow = table.to_arrow()
        before, pieces = self.size, len(self._pieces)
        columns = []
        for name, column in zip(arrow.column_names, arrow.itercolumns(), strict=True):
            columns.append(self._column(name, column.chunk(0)))
            if self.size > self._room:
                self.size = before
                del self._pieces[pieces:]
                return None
        return {"rows": arrow.num_rows, "columns": columns}

    def joined(self) -> bytes:
        """All of the bytes."""
        return b"".join(self._pieces)

    def _column(self, name: str, array: Arrow) -> dict[str, Any]:
        arrow, rows, missing = array.type, len(array), array.null_count
        kind = type_name(arrow)
        bits = value_bits(kind)
        if bits is not None and rows and not missing:  # nearly all columns of small tables
            values = array.buffers()[1]
            size = (rows * bits + 7) // 8
            spans = [None, self._place(values if values.size == size else values.slice(0, size))]
            return {"name": name, "type": kind, "rows": rows, "missing": 0, "buffers": spans, "children": []}
        return {
            "name": name,
            "type": kind,
            "rows": rows,
            "missing": missing,
            "buffers": [None if buffer is None else self._place(buffer) for buffer in buffers_of(array)],
            "children": [self._column("", child) for child in children_of(array)],
        }

    def _place(self, buffer: Any) -> list[int]:  # noqa: ANN401 -- pyarrow's
        offset, size = self.size, buffer.size
        self._pieces.append(buffer)
        if size % ALIGNMENT:
            self._pieces.append(_PADDING[size % ALIGNMENT])
        self.size = offset + size + (-size % ALIGNMENT)
        return [offset, size]
