"""The columns of a table: names, types, missing counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `type` is the type's name as in `core.layout`, e.g. `int64`, `large_string`, `timestamp[ns]`."""

    name: str
    type: str
    missing: int


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The columns of a table, in order."""

    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(column.name for column in self.columns)
