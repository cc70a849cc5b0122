"""The statements that a run executes for every module, as the driver's own text.

They are made from those of `store.tables`, whose execution by SQLAlchemy takes ten times longer than SQLite does. No
type of ours is converted on the way in or out, so that both ways give the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.sqlite import dialect

from estudio.store import service_tables, tables

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Delete, Insert, Select, Update

_DIALECT = dialect(paramstyle="named")


@dataclass(frozen=True)
class PlainStatement:
    """One statement; it is compiled when it is first needed, since that takes milliseconds."""

    source: Select[Any] | Insert | Update | Delete

    @cached_property
    def _compiled(self) -> tuple[str, Mapping[str, Any]]:
        compiled = self.source.compile(dialect=_DIALECT)
        return str(compiled), {name: value for name, value in compiled.params.items() if value is not None}

    def all(self, connection: sqlite3.Connection, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute it; all rows. Raises sqlite3.Error."""
        text, constants = self._compiled
        return connection.execute(text, {**constants, **parameters}).fetchall()

    def execute_many(self, connection: sqlite3.Connection, parameters: Sequence[Mapping[str, Any]]) -> None:
        """Execute a statement without constants of its own once for each of these. Raises sqlite3.Error."""
        connection.executemany(self._compiled[0], parameters)


select_states = PlainStatement(tables.select_states)
update_module = PlainStatement(tables.update_module)
insert_events = PlainStatement(tables.insert_events)
newest_of_keys = PlainStatement(tables.newest_of_keys)
newest_of_names = PlainStatement(tables.newest_of_names)
select_value = PlainStatement(service_tables.select_value)
has_claimable = PlainStatement(service_tables.has_claimable)
