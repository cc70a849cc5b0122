"""A file that holds a table in canonical form, by descriptor: what a guest is given instead of a copy.

A table is immutable, so it is written once at most: whoever writes it leaves the file with the table.
"""

from __future__ import annotations

import fcntl
import os
import threading
from typing import TYPE_CHECKING, Self

from estudio.tables.canonical import write_canonical
from estudio.tables.mapping import describe_file

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.core.layout import TableLayout
    from estudio.tables.table import Table

_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
_writing = threading.Lock()


class TableFile:
    """An open file and where everything lies in it. The descriptor is closed with the last table that holds it."""

    __slots__ = ("descriptor", "layout")

    def __init__(self, descriptor: int, layout: TableLayout) -> None:
        self.descriptor = descriptor
        self.layout = layout

    @classmethod
    def in_memory(cls, table: Table) -> Self:
        """Write a table into sealed memory: nobody who gets the descriptor can change it.

        Raises:
            OSError: no memory.
        """
        descriptor = os.memfd_create("table", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            layout = write_canonical(table, descriptor)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor, layout)

    @classmethod
    def on_disk(cls, path: Path) -> Self | None:
        """The file itself where it is canonical Arrow already; it can be handed over as it is. Raises OSError."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        layout = describe_file(descriptor)
        if layout is None:
            os.close(descriptor)
            return None
        return cls(descriptor, layout)

    @property
    def size_bytes(self) -> int:
        """The size of the file."""
        return os.fstat(self.descriptor).st_size

    def reopen(self) -> int:
        """A read-only descriptor of its own for one call, which the caller closes.

        Position, flags and locks belong to what was opened, not to the descriptor: those of a shared one would pass
        from call to call. Raises OSError.
        """
        return os.open(f"/proc/self/fd/{self.descriptor}", os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        os.close(self.descriptor)


def file_of(table: Table) -> TableFile:
    """The file of a table, written now where it has none yet. Raises OSError."""
    if table.file is None:
        with _writing:
            if table.file is None:
                table.file = TableFile.in_memory(table)
    return table.file
