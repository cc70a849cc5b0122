"""Web services, their versions, endpoints and keys in the database.

Every change raises the generation in its own transaction, so whoever sees the new number sees the change.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from estudio.store import plain_statements, service_rows, service_rules, service_tables
from estudio.store.call_database import CallDatabase
from estudio.store.failures import readable_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Select

    from estudio.core.service import Endpoint, Service, ServiceKey, ServiceVersion

_BEYOND = "\U0010ffff"
"""Follows every digest that has the same beginning."""


class ServiceDatabase(CallDatabase):
    """The `ServiceRepository` over SQLite."""

    def workspace_id(self) -> str:
        """32 hexadecimal digits, drawn when it is first asked for, the same ever after."""
        wanted = {"wanted": service_tables.WORKSPACE_ID}
        with self._connections.reading() as connection:
            found = connection.execute(service_tables.select_value, wanted).scalar()
        if found is not None:
            return str(found)
        drawn = {"name": service_tables.WORKSPACE_ID, "value": secrets.token_hex(16)}
        with self._connections.writing() as connection:
            connection.execute(service_tables.insert_value, drawn)
            return str(connection.execute(service_tables.select_value, wanted).scalar_one())

    def generation(self) -> int:
        """A number that rises with every change of services, versions, endpoints or keys, by whatever process."""
        with self._connections.reading_plainly() as connection:
            found = plain_statements.select_value.all(connection, {"wanted": service_tables.GENERATION})
        with readable_rows(self._connections.path):
            return int(found[0][0])

    def add_version(
        self, service: Service, version: ServiceVersion, endpoint: Endpoint, keys: Sequence[ServiceKey]
    ) -> ServiceVersion:
        """Add a version with the next number of its service, in one transaction; `version.number` is ignored."""
        with self._changing() as connection:
            row = connection.execute(service_tables.select_service, {"wanted": service.name}).first()
            number = 1 if row is None else row.last_version + 1
            if row is None:
                values = {"id": service.id, "name": service.name, "created_at": service.created_at}
                fields = {**values, "current": number, "previous": None, "last_version": number}
                connection.execute(insert(service_tables.services), fields)
            else:
                self._update(connection, service_rows.service_of(row), number)
            added = replace(version, service_id=service.id if row is None else row.id, number=number)
            connection.execute(insert(service_tables.service_versions), service_rows.version_row(added))
            if row is None:
                new = replace(endpoint, service_id=service.id)
                connection.execute(insert(service_tables.endpoints), service_rows.endpoint_row(new))
                self._add_keys(connection, [replace(key, endpoint_id=new.id) for key in keys])
            return added

    def promote(self, service_id: str, number: int) -> Service:
        """Make a version the current one. Raises ServiceNotFound, VersionNotFound."""
        with self._changing() as connection:
            service, last = self._service_row(connection, service_id)
            self._version(connection, service_id, number)
            after = service_rules.promoted(service, number)
            self._update(connection, after, last)
            return after

    def list_services(self) -> list[Service]:
        """All, by name."""
        with self._connections.reading() as connection:
            return [service_rows.service_of(row) for row in connection.execute(service_tables.select_services)]

    def get_service(self, name_or_id: str) -> Service:
        """Raises ServiceNotFound."""
        with self._connections.reading() as connection:
            return self._service_row(connection, name_or_id)[0]

    def rename_service(self, service_id: str, name: str) -> Service:
        """Raises ServiceNotFound; StateConflict where another service has that name."""
        with self._changing() as connection:
            service, last = self._service_row(connection, service_id)
            taken = connection.execute(service_tables.select_service, {"wanted": name}).first()
            if taken is not None and taken.id != service_id:
                raise service_rules.refuse_taken_name("web service", name)
            after = replace(service, name=name)
            self._update(connection, after, last)
            return after

    def remove_service(self, service_id: str) -> None:
        """With all that is its. Raises ServiceNotFound; StateConflict where jobs go on."""
        with self._changing() as connection:
            service, _ = self._service_row(connection, service_id)
            self._check_unused(connection, service_tables.jobs_of_service, {"of": service_id}, service.name)
            connection.execute(service_tables.delete_service, {"of": service_id})

    def list_versions(self, service_id: str) -> list[ServiceVersion]:
        """The newest first. Raises ServiceNotFound."""
        with self._connections.reading() as connection, readable_rows(self._connections.path):
            self._service_row(connection, service_id)
            found = connection.execute(service_tables.select_versions, {"of": service_id})
            return [service_rows.version_of(row) for row in found]

    def get_version(self, service_id: str, number: int) -> ServiceVersion:
        """Raises VersionNotFound."""
        with self._connections.reading() as connection:
            return self._version(connection, service_id, number)

    def remove_version(self, service_id: str, number: int) -> None:
        """Raises VersionNotFound; StateConflict where it is current, an endpoint is pinned to it, or jobs go on."""
        with self._changing() as connection:
            self._version(connection, service_id, number)
            service, last = self._service_row(connection, service_id)
            service_rules.check_removable_version(service, number, self._endpoints(connection, service_id))
            of = {"of": service_id, "wanted": number}
            what = f"Version {number} of {service.name}"
            self._check_unused(connection, service_tables.jobs_of_version, of, what)
            connection.execute(service_tables.delete_version, of)
            self._update(connection, service_rules.without_version(service, number), last)

    def add_endpoint(self, endpoint: Endpoint, keys: Sequence[ServiceKey]) -> None:
        """Raises StateConflict where the service has one of that name, ServiceNotFound, VersionNotFound."""
        with self._changing() as connection:
            self._service_row(connection, endpoint.service_id)
            self._check_endpoint(connection, endpoint)
            connection.execute(insert(service_tables.endpoints), service_rows.endpoint_row(endpoint))
            self._add_keys(connection, keys)

    def change_endpoint(self, endpoint: Endpoint) -> None:
        """Replace all but id, service and time. Raises EndpointNotFound, VersionNotFound, StateConflict."""
        with self._changing() as connection:
            after = service_rules.changed_endpoint(self._endpoint(connection, endpoint.id), endpoint)
            self._check_endpoint(connection, after)
            row = service_rows.endpoint_row(after)
            changed = {f"new_{name}": row[name] for name in ("name", "version", "body")}
            connection.execute(service_tables.update_endpoint, {"of": endpoint.id, **changed})

    def remove_endpoint(self, endpoint_id: str) -> None:
        """With its keys. Raises EndpointNotFound; StateConflict for the default one, or where jobs go on."""
        with self._changing() as connection:
            endpoint = self._endpoint(connection, endpoint_id)
            service_rules.check_removable_endpoint(endpoint)
            what = f"The endpoint {endpoint.name}"
            self._check_unused(connection, service_tables.jobs_of_endpoint, {"of": endpoint_id}, what)
            connection.execute(service_tables.delete_endpoint, {"of": endpoint_id})

    def list_endpoints(self, service_id: str | None = None) -> list[Endpoint]:
        """Of a service or of all, the default one first, then by name."""
        with self._connections.reading() as connection:
            return sorted(self._endpoints(connection, service_id), key=service_rules.endpoint_order)

    def get_endpoint(self, endpoint_id: str) -> Endpoint:
        """Raises EndpointNotFound."""
        with self._connections.reading() as connection:
            return self._endpoint(connection, endpoint_id)

    def add_key(self, key: ServiceKey) -> None:
        """Raises EndpointNotFound, and StateConflict where the digest is there already."""
        with self._changing() as connection:
            if key.endpoint_id is not None:
                self._endpoint(connection, key.endpoint_id)
            self._add_keys(connection, [key])

    def replace_key(self, key: ServiceKey, old_expires_at: float | None) -> None:
        """Put a key in a slot; the one that is there expires at that time (rotated without downtime), or now."""
        with self._changing() as connection:
            self._endpoint(connection, key.endpoint_id)
            there = self._keys(connection, service_tables.select_keys_of, {"of": key.endpoint_id})
            for old in service_rules.in_slot(there, key):
                kept = service_rules.retired(old, key.created_at, old_expires_at)
                if kept is None:
                    connection.execute(service_tables.delete_key, {"of": old.id})
                else:
                    connection.execute(service_tables.expire_key, {"of": old.id, "at": kept.expires_at})
            self._add_keys(connection, [key])

    def remove_key(self, key_id: str) -> None:
        """Raises KeyNotFound."""
        with self._changing() as connection:
            if not connection.execute(service_tables.delete_key, {"of": key_id}).rowcount:
                raise service_rules.key_missing(key_id)

    def list_keys(self, endpoint_id: str | None = None, *, manage: bool = False) -> list[ServiceKey]:
        """Keys of an endpoint, or the management keys, or all; expired ones are among them until they are removed."""
        chosen = service_tables.select_keys if endpoint_id is None else service_tables.select_keys_of
        statement = service_tables.select_manage_keys if manage else chosen
        with self._connections.reading() as connection:
            return self._keys(connection, statement, {"of": endpoint_id})

    def find_keys(self, beginning: str) -> list[ServiceKey]:
        """Keys whose digest begins so. Whoever asks compares whole digests in constant time."""
        between = {"beginning": beginning, "beyond": beginning + _BEYOND}
        with self._connections.reading() as connection:
            return self._keys(connection, service_tables.select_keys_beginning, between)

    def referenced_digests(self) -> set[str]:
        """Objects that versions refer to directly (manifest, samples), and endpoints' resources."""
        with self._connections.reading() as connection, readable_rows(self._connections.path):
            versions = map(service_rows.version_of, connection.execute(service_tables.select_all_versions))
            return service_rules.direct_digests(versions, self._endpoints(connection, None))

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """A transaction that raises the generation."""
        with self._connections.writing() as connection:
            yield connection
            connection.execute(service_tables.raise_generation)

    def _service_row(self, connection: Connection, name_or_id: str) -> tuple[Service, int]:
        """The service and the last number that it gave."""
        row = connection.execute(service_tables.select_service, {"wanted": name_or_id}).first()
        if row is None:
            raise service_rules.service_missing(name_or_id)
        return service_rows.service_of(row), row.last_version

    def _update(self, connection: Connection, service: Service, last_version: int) -> None:
        fields = {"name": service.name, "current": service.current, "previous": service.previous}
        changed = {f"new_{name}": value for name, value in {**fields, "last_version": last_version}.items()}
        connection.execute(service_tables.update_service, {"of": service.id, **changed})

    def _version(self, connection: Connection, service_id: str, number: int) -> ServiceVersion:
        row = connection.execute(service_tables.select_version, {"of": service_id, "wanted": number}).first()
        if row is None:
            raise service_rules.version_missing(service_id, number)
        with readable_rows(self._connections.path):
            return service_rows.version_of(row)

    def _endpoint(self, connection: Connection, endpoint_id: str | None) -> Endpoint:
        row = connection.execute(service_tables.select_endpoint, {"of": endpoint_id}).first()
        if row is None:
            raise service_rules.endpoint_missing(endpoint_id)
        with readable_rows(self._connections.path):
            return service_rows.endpoint_of(row)

    def _endpoints(self, connection: Connection, service_id: str | None) -> list[Endpoint]:
        statement = service_tables.select_all_endpoints if service_id is None else service_tables.select_endpoints
        with readable_rows(self._connections.path):
            return [service_rows.endpoint_of(row) for row in connection.execute(statement, {"of": service_id})]

    def _check_endpoint(self, connection: Connection, endpoint: Endpoint) -> None:
        """Raise StateConflict where another one has its name, VersionNotFound where it is pinned to none."""
        for other in self._endpoints(connection, endpoint.service_id):
            if other.name == endpoint.name and other.id != endpoint.id:
                raise service_rules.refuse_taken_name("endpoint", endpoint.name)
        if endpoint.version is not None:
            self._version(connection, endpoint.service_id, endpoint.version)

    def _keys(
        self, connection: Connection, statement: Select[Any], parameters: Mapping[str, str | None]
    ) -> list[ServiceKey]:
        with readable_rows(self._connections.path):
            return [service_rows.key_of(row) for row in connection.execute(statement, parameters)]

    def _add_keys(self, connection: Connection, keys: Sequence[ServiceKey]) -> None:
        for key in keys:
            same = self._keys(
                connection, service_tables.select_keys_beginning, {"beginning": key.digest, "beyond": key.digest + "!"}
            )
            if same:
                raise service_rules.refuse_second_key(key)
            connection.execute(service_tables.insert_key, service_rows.key_row(key))

    def _check_unused(
        self, connection: Connection, jobs: Select[Any], parameters: Mapping[str, object], what: str
    ) -> None:
        job_id = connection.execute(jobs, parameters).scalar()
        if job_id is not None:
            raise service_rules.refuse_while_used(what, job_id)
