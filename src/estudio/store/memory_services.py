"""The `ServiceRepository` and the `JobRepository` in memory: doubles that keep all the rules.

Jobs belong to endpoints, so the double of jobs is made from that of services and shares its lock.
"""

from __future__ import annotations

import secrets
import threading
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from estudio.store import job_rules, service_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from estudio.core.job import Job
    from estudio.core.service import CallCounts, CallRecord, Endpoint, Service, ServiceKey, ServiceVersion


class MemoryServices:
    """The `ServiceRepository` in memory. `lock` and `jobs_by_id` are for `MemoryJobs`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.jobs_by_id: dict[str, Job] = {}
        self._id = secrets.token_hex(16)
        self._generation = 1
        self._services: dict[str, Service] = {}
        self._last: dict[str, int] = {}
        self._versions: dict[tuple[str, int], ServiceVersion] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._keys: dict[str, ServiceKey] = {}
        self._counts: dict[tuple[str, int, int], CallCounts] = {}
        self._calls: dict[str, list[CallRecord]] = defaultdict(list)

    def workspace_id(self) -> str:
        """32 hexadecimal digits."""
        return self._id

    def generation(self) -> int:
        """A number that rises with every change of services, versions, endpoints or keys."""
        return self._generation

    def add_version(
        self, service: Service, version: ServiceVersion, endpoint: Endpoint, keys: Sequence[ServiceKey]
    ) -> ServiceVersion:
        """Add a version with the next number of its service; `version.number` is ignored."""
        with self.lock:
            known = next((each for each in self._services.values() if each.name == service.name), None)
            if known is None:
                self._check_keys(keys)
                self._services[service.id] = replace(service, current=1, previous=None)
                self._endpoints[endpoint.id] = replace(endpoint, service_id=service.id)
                self._keys |= {key.id: replace(key, endpoint_id=endpoint.id) for key in keys}
            service_id = service.id if known is None else known.id
            number = self._last[service_id] = self._last.get(service_id, 0) + 1
            added = replace(version, service_id=service_id, number=number)
            self._versions[service_id, number] = added
            self._generation += 1
            return added

    def promote(self, service_id: str, number: int) -> Service:
        """Make a version the current one. Raises ServiceNotFound, VersionNotFound."""
        with self.lock:
            service = self._service(service_id)
            self.get_version(service_id, number)
            return self._keep(service_rules.promoted(service, number))

    def list_services(self) -> list[Service]:
        """All, by name."""
        with self.lock:
            return sorted(self._services.values(), key=lambda service: service.name)

    def get_service(self, name_or_id: str) -> Service:
        """Raises ServiceNotFound."""
        with self.lock:
            return self._service(name_or_id)

    def rename_service(self, service_id: str, name: str) -> Service:
        """Raises ServiceNotFound; StateConflict where another service has that name."""
        with self.lock:
            service = self._service(service_id)
            if any(name in (each.name, each.id) and each.id != service_id for each in self._services.values()):
                raise service_rules.refuse_taken_name("web service", name)
            return self._keep(replace(service, name=name))

    def remove_service(self, service_id: str) -> None:
        """With all that is its. Raises ServiceNotFound; StateConflict where jobs go on."""
        with self.lock:
            service = self._service(service_id)
            self._check_unused(service.name, lambda job: job.service_id == service_id)
            for endpoint in self.list_endpoints(service_id):
                self._drop_endpoint(endpoint.id)
            self._versions = {key: each for key, each in self._versions.items() if key[0] != service_id}
            del self._services[service_id], self._last[service_id]
            self._generation += 1

    def list_versions(self, service_id: str) -> list[ServiceVersion]:
        """The newest first. Raises ServiceNotFound."""
        with self.lock:
            self._service(service_id)
            found = [version for (of, _), version in self._versions.items() if of == service_id]
            return sorted(found, key=lambda version: -version.number)

    def get_version(self, service_id: str, number: int) -> ServiceVersion:
        """Raises VersionNotFound."""
        with self.lock:
            if (service_id, number) not in self._versions:
                raise service_rules.version_missing(service_id, number)
            return self._versions[service_id, number]

    def remove_version(self, service_id: str, number: int) -> None:
        """Raises VersionNotFound; StateConflict where it is current, an endpoint is pinned to it, or jobs go on."""
        with self.lock:
            self.get_version(service_id, number)
            service = self._service(service_id)
            service_rules.check_removable_version(service, number, self._endpoints_of(service_id))
            what = f"Version {number} of {service.name}"
            self._check_unused(what, lambda job: (job.service_id, job.version) == (service_id, number))
            del self._versions[service_id, number]
            self._keep(service_rules.without_version(service, number))

    def add_endpoint(self, endpoint: Endpoint, keys: Sequence[ServiceKey]) -> None:
        """Raises StateConflict where the service has one of that name, ServiceNotFound, VersionNotFound."""
        with self.lock:
            self._service(endpoint.service_id)
            self._check_endpoint(endpoint)
            self._check_keys(keys)
            self._endpoints[endpoint.id] = endpoint
            self._keys |= {key.id: key for key in keys}
            self._generation += 1

    def change_endpoint(self, endpoint: Endpoint) -> None:
        """Replace all but id, service and time. Raises EndpointNotFound, VersionNotFound, StateConflict."""
        with self.lock:
            after = service_rules.changed_endpoint(self.get_endpoint(endpoint.id), endpoint)
            self._check_endpoint(after)
            self._endpoints[endpoint.id] = after
            self._generation += 1

    def remove_endpoint(self, endpoint_id: str) -> None:
        """With its keys. Raises EndpointNotFound; StateConflict for the default one, or where jobs go on."""
        with self.lock:
            endpoint = self.get_endpoint(endpoint_id)
            service_rules.check_removable_endpoint(endpoint)
            self._check_unused(f"The endpoint {endpoint.name}", lambda job: job.endpoint_id == endpoint_id)
            self._drop_endpoint(endpoint_id)
            self._generation += 1

    def list_endpoints(self, service_id: str | None = None) -> list[Endpoint]:
        """Of a service or of all, the default one first, then by name."""
        with self.lock:
            return sorted(self._endpoints_of(service_id), key=service_rules.endpoint_order)

    def get_endpoint(self, endpoint_id: str) -> Endpoint:
        """Raises EndpointNotFound."""
        with self.lock:
            if endpoint_id not in self._endpoints:
                raise service_rules.endpoint_missing(endpoint_id)
            return self._endpoints[endpoint_id]

    def add_key(self, key: ServiceKey) -> None:
        """Raises EndpointNotFound, and StateConflict where the digest is there already."""
        with self.lock:
            if key.endpoint_id is not None:
                self.get_endpoint(key.endpoint_id)
            self._check_keys([key])
            self._keys[key.id] = key
            self._generation += 1

    def replace_key(self, key: ServiceKey, old_expires_at: float | None) -> None:
        """Put a key in a slot; the one that is there expires at that time (rotated without downtime), or now."""
        with self.lock:
            self.get_endpoint(key.endpoint_id or "")
            self._check_keys([key])
            for old in service_rules.in_slot(self.list_keys(key.endpoint_id), key):
                kept = service_rules.retired(old, key.created_at, old_expires_at)
                if kept is None:
                    del self._keys[old.id]
                else:
                    self._keys[old.id] = kept
            self._keys[key.id] = key
            self._generation += 1

    def remove_key(self, key_id: str) -> None:
        """Raises KeyNotFound."""
        with self.lock:
            if self._keys.pop(key_id, None) is None:
                raise service_rules.key_missing(key_id)
            self._generation += 1

    def list_keys(self, endpoint_id: str | None = None, *, manage: bool = False) -> list[ServiceKey]:
        """Keys of an endpoint, or the management keys, or all; expired ones are among them until they are removed."""
        with self.lock:
            everything = sorted(self._keys.values(), key=lambda key: (key.created_at, key.id))
        if manage:
            return [key for key in everything if key.endpoint_id is None]
        return [key for key in everything if endpoint_id in (None, key.endpoint_id)]

    def find_keys(self, beginning: str) -> list[ServiceKey]:
        """Keys whose digest begins so. Whoever asks compares whole digests in constant time."""
        return [key for key in self.list_keys() if key.digest.startswith(beginning)]

    def add_counts(self, counts: Iterable[CallCounts]) -> None:
        """Add to what is counted already; an endpoint that is gone is not counted any more."""
        with self.lock:
            for each in counts:
                if each.endpoint_id in self._endpoints:
                    place = (each.endpoint_id, each.minute, each.version)
                    self._counts[place] = service_rules.added_counts(self._counts.get(place), each)
                    oldest = each.minute - service_rules.KEPT_MINUTES
                    old = [key for key in self._counts if key[0] == each.endpoint_id and key[1] < oldest]
                    for key in old:
                        del self._counts[key]

    def list_counts(self, endpoint_id: str, since_minute: int) -> list[CallCounts]:
        """In order of time, then version."""
        with self.lock:
            found = sorted(self._counts.items())
        return [counts for (of, minute, _), counts in found if of == endpoint_id and minute >= since_minute]

    def add_calls(self, records: Iterable[CallRecord], keep: int) -> None:
        """Keep them, and of each of these endpoints only the newest `keep`."""
        with self.lock:
            for record in records:
                if record.endpoint_id in self._endpoints:
                    kept = self._calls[record.endpoint_id]
                    kept.append(record)
                    del kept[: max(0, len(kept) - keep)]

    def list_calls(self, endpoint_id: str, limit: int, *, failed_only: bool = False) -> list[CallRecord]:
        """The newest first."""
        with self.lock:
            newest = list(reversed(self._calls.get(endpoint_id, [])))
        lowest = service_rules.FIRST_FAILING_STATUS if failed_only else 0
        return [record for record in newest if record.status >= lowest][:limit]

    def referenced_digests(self) -> set[str]:
        """Objects that versions refer to directly (manifest, samples), and endpoints' resources."""
        with self.lock:
            return service_rules.direct_digests(self._versions.values(), self._endpoints.values())

    def _service(self, name_or_id: str) -> Service:
        for service in self._services.values():
            if name_or_id in (service.name, service.id):
                return service
        raise service_rules.service_missing(name_or_id)

    def _keep(self, service: Service) -> Service:
        self._services[service.id] = service
        self._generation += 1
        return service

    def _endpoints_of(self, service_id: str | None) -> list[Endpoint]:
        return [each for each in self._endpoints.values() if service_id in (None, each.service_id)]

    def _check_endpoint(self, endpoint: Endpoint) -> None:
        for other in self._endpoints_of(endpoint.service_id):
            if other.name == endpoint.name and other.id != endpoint.id:
                raise service_rules.refuse_taken_name("endpoint", endpoint.name)
        if endpoint.version is not None:
            self.get_version(endpoint.service_id, endpoint.version)

    def _check_keys(self, keys: Sequence[ServiceKey]) -> None:
        known = {key.digest for key in self._keys.values()}
        for key in keys:
            if key.digest in known:
                raise service_rules.refuse_second_key(key)

    def _check_unused(self, what: str, is_of: Callable[[Job], bool]) -> None:
        for job in self.jobs_by_id.values():
            if job.state in job_rules.GOING_ON and is_of(job):
                raise service_rules.refuse_while_used(what, job.id)

    def _drop_endpoint(self, endpoint_id: str) -> None:
        """With what is its."""
        del self._endpoints[endpoint_id]
        self._calls.pop(endpoint_id, None)
        self._counts = {key: each for key, each in self._counts.items() if key[0] != endpoint_id}
        for key in self.list_keys(endpoint_id):
            del self._keys[key.id]
        for job in [each for each in self.jobs_by_id.values() if each.endpoint_id == endpoint_id]:
            del self.jobs_by_id[job.id]
