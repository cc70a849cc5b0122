"""Counts and records of calls in the database. They are many and small: a power failure may take the last of them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from estudio.store import service_rows, service_tables
from estudio.store.failures import readable_rows
from estudio.store.service_rules import FIRST_FAILING_STATUS, KEPT_MINUTES, added_counts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from estudio.core.service import CallCounts, CallRecord
    from estudio.store.connections import Connections


class CallDatabase:
    """The part of the `ServiceRepository` over SQLite that is about calls."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def add_counts(self, counts: Iterable[CallCounts]) -> None:
        """Add to what is counted already, in one transaction; an endpoint that is gone is not counted any more."""
        with self._connections.writing(durable=False) as connection:
            newest: dict[str, int] = {}
            for each in counts:
                if self._has_endpoint(connection, each.endpoint_id):
                    self._add_count(connection, each)
                    newest[each.endpoint_id] = max(each.minute, newest.get(each.endpoint_id, 0))
            for endpoint_id, minute in newest.items():
                connection.execute(service_tables.delete_counts, {"of": endpoint_id, "before": minute - KEPT_MINUTES})

    def list_counts(self, endpoint_id: str, since_minute: int) -> list[CallCounts]:
        """In order of time, then version."""
        with self._connections.reading() as connection, readable_rows(self._connections.path):
            found = connection.execute(service_tables.select_counts, {"of": endpoint_id, "since": since_minute})
            return [service_rows.count_of(row) for row in found]

    def add_calls(self, records: Iterable[CallRecord], keep: int) -> None:
        """Keep them, and of each of these endpoints only the newest `keep`."""
        by_endpoint: dict[str, list[CallRecord]] = defaultdict(list)
        for record in records:
            by_endpoint[record.endpoint_id].append(record)
        with self._connections.writing(durable=False) as connection:
            for endpoint_id, added in by_endpoint.items():
                if self._has_endpoint(connection, endpoint_id):
                    connection.execute(service_tables.insert_call, list(map(service_rows.call_row, added)))
                    connection.execute(service_tables.delete_calls, {"of": endpoint_id, "keep": keep})

    def list_calls(self, endpoint_id: str, limit: int, *, failed_only: bool = False) -> list[CallRecord]:
        """The newest first."""
        statement = service_tables.select_failed_calls if failed_only else service_tables.select_calls
        parameters = {"of": endpoint_id, "most": limit, "failing": FIRST_FAILING_STATUS}
        with self._connections.reading() as connection, readable_rows(self._connections.path):
            return [service_rows.call_of(body) for body in connection.execute(statement, parameters).scalars()]

    def _has_endpoint(self, connection: Connection, endpoint_id: str) -> bool:
        return connection.execute(service_tables.select_endpoint, {"of": endpoint_id}).first() is not None

    def _add_count(self, connection: Connection, more: CallCounts) -> None:
        wanted = {"of": more.endpoint_id, "in_minute": more.minute, "for_version": more.version}
        row = connection.execute(service_tables.select_count, wanted).first()
        with readable_rows(self._connections.path):
            before = None if row is None else service_rows.count_of(row)
        connection.execute(service_tables.replace_count, service_rows.count_row(added_counts(before, more)))
