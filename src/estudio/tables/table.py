"""The table that passes through ports."""

from __future__ import annotations

from estudio.core.schema import TableSchema


class Table:
    """Rows and columns."""

    @property
    def schema(self) -> TableSchema:
        """Names, types (as in `core.layout`) and missing counts of the columns."""
        raise NotImplementedError

    @property
    def row_count(self) -> int:
        """The number of rows; a table without columns can have rows."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        raise NotImplementedError
