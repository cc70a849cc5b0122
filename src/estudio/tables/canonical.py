"""The canonical form of a table, made for mapping into a guest: see `core.layout`.

Making a table canonical that already is costs one look at its floats and times, and copies nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from estudio.core.layout import MAX_COLUMNS, MAX_NAME_CHARACTERS, TableLayout
from estudio.errors import InvalidDataset
from estudio.tables.columns import canonical_column
from estudio.tables.inparallel import for_each_column
from estudio.tables.ipcfile import write_ipc_file
from estudio.tables.mapping import describe_file
from estudio.tables.names import unique_names

if TYPE_CHECKING:
    from estudio.tables.table import Table

__all__ = ["MAX_EMPTY_CELLS", "canonical", "check_empty_cells", "describe_file", "write_canonical"]

MAX_EMPTY_CELLS = 2**27
"""Cells in columns without any bytes (type null), and rows without columns: a script pays 8 bytes for each, so 1 GiB.

Without this bound a file of 300 bytes can claim 8 thousand million rows, and full validation accepts it.
"""


def canonical(table: pa.Table) -> pa.Table:
    """The table in canonical form: one chunk per column, known types, unique names, no metadata.

    Raises:
        InvalidDataset: a type that tables cannot hold, too many columns, a name too long, too many cells of nothing.
    """
    names = unique_names(str(name) for name in table.schema.names)
    check_names(names)
    empty_columns = sum(1 for field in table.schema if pa.types.is_null(field.type))
    check_empty_cells(table.num_rows, empty_columns, table.num_columns)
    columns = for_each_column(canonical_column, table.get_total_buffer_size(), names, table.columns)
    return table_of(names, columns, table.num_rows)


def table_of(names: tuple[str, ...], columns: list[Any], rows: int) -> pa.Table:
    """A pyarrow table of canonical arrays; `rows` matters only where there are no columns."""
    chunked = [pa.chunked_array([column], column.type) for column in columns]
    if chunked:
        return pa.table(chunked, names=list(names))
    return pa.table({"": pa.nulls(rows)}).select([])


def check_names(names: tuple[str, ...]) -> None:
    """Refuse what a layout could not say.

    Raises:
        InvalidDataset: more than MAX_COLUMNS columns, or a name of more than MAX_NAME_CHARACTERS characters.
    """
    if len(names) > MAX_COLUMNS:
        raise InvalidDataset(
            f"The table has {len(names)} columns; a table has at most {MAX_COLUMNS}. Turn columns into rows.",
            columns=len(names),
        )
    for number, name in enumerate(names, 1):
        if len(name) > MAX_NAME_CHARACTERS:
            raise InvalidDataset(
                f"The name of column {number} has {len(name)} characters; a name has at most {MAX_NAME_CHARACTERS}. "
                f"It begins with {name[:40]!r}.",
                column=number,
            )


def check_empty_cells(rows: int, empty_columns: int, columns: int) -> None:
    """Refuse tables whose rows cost nothing to claim.

    Args:
        rows: of the table.
        empty_columns: how many of its columns have no bytes.
        columns: how many columns it has.

    Raises:
        InvalidDataset: more than MAX_EMPTY_CELLS.
    """
    cells = rows * (empty_columns if columns else 1)
    if cells > MAX_EMPTY_CELLS:
        raise InvalidDataset(
            f"The table claims {rows} rows with nothing in them; columns that hold only missing values may have "
            f"{MAX_EMPTY_CELLS} cells together. Leave those columns or rows out.",
            rows=rows,
            cells=cells,
        )


def write_canonical(table: Table | pa.Table, fd: int) -> TableLayout:
    """Write one uncompressed Arrow IPC file, buffers at multiples of 64 bytes, from position 0 of a descriptor.

    Args:
        table: a pyarrow table is made canonical first.
        fd: a file, open for writing; it is emptied first and not closed.

    Raises:
        InvalidDataset: as `canonical`.
        OSError: the descriptor takes no more.
    """
    return write_ipc_file(canonical(table) if isinstance(table, pa.Table) else table.to_arrow(), fd)
