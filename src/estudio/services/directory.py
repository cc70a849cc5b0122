"""All services, versions and endpoints of a workspace as one value, read at one time.

It is replaced as a whole when something changed; whoever holds one sees nothing change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from estudio.core.environment import near_name
from estudio.core.service import DEFAULT_ENDPOINT
from estudio.errors import EndpointNotFound, ServiceNotFound, VersionNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.service import Endpoint, Service, ServiceVersion
    from estudio.store.service_protocols import ServiceRepository


@dataclass(frozen=True, slots=True)
class Directory:
    """What there is.

    Attributes:
        generation: the repository's, before it was read.
        services: by id.
        names: the same by name.
        versions: by service id, the newest first.
        numbered: the same by service id and number.
        endpoints: by id.
        named: the same by service id and name.
    """

    generation: int = -1
    services: Mapping[str, Service] = field(default_factory=dict)
    names: Mapping[str, Service] = field(default_factory=dict)
    versions: Mapping[str, tuple[ServiceVersion, ...]] = field(default_factory=dict)
    numbered: Mapping[tuple[str, int], ServiceVersion] = field(default_factory=dict)
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    named: Mapping[tuple[str, str], Endpoint] = field(default_factory=dict)

    def service(self, name_or_id: str) -> Service:
        """The service of that name or id. Raises ServiceNotFound."""
        found = self.names.get(name_or_id) or self.services.get(name_or_id)
        if found is None:
            hint = near_name(name_or_id[:80], self.names)
            raise ServiceNotFound(f"There is no web service {name_or_id[:80]!r}.{hint}", service=name_or_id)
        return found

    def endpoint(self, service: Service, name: str | None) -> Endpoint:
        """An endpoint of a service, the default one where no name is given. Raises EndpointNotFound."""
        found = self.named.get((service.id, name or DEFAULT_ENDPOINT))
        if found is None:
            raise EndpointNotFound(
                f"The web service {service.name} has no endpoint {str(name)[:80]!r}.",
                service=service.name,
                endpoint=name,
            )
        return found

    def endpoint_by_id(self, endpoint_id: str) -> Endpoint:
        """Raises EndpointNotFound."""
        found = self.endpoints.get(endpoint_id)
        if found is None:
            raise EndpointNotFound(f"There is no endpoint {endpoint_id[:80]!r}.", endpoint=endpoint_id)
        return found

    def version(self, service: Service, number: int) -> ServiceVersion:
        """Raises VersionNotFound."""
        found = self.numbered.get((service.id, number))
        if found is None:
            raise VersionNotFound(
                f"The web service {service.name} has no version {number}.", service=service.name, version=number
            )
        return found

    def wanted(self, endpoint: Endpoint) -> ServiceVersion | None:
        """The version that an endpoint stands for: its own, or the service's current one."""
        service = self.services[endpoint.service_id]
        return self.numbered.get((service.id, endpoint.version or service.current))


def read_directory(repository: ServiceRepository) -> Directory:
    """Read everything. Raises StoreFailed; ServiceNotFound where a service was removed meanwhile: read again then."""
    generation = repository.generation()
    services = repository.list_services()
    versions = {service.id: tuple(repository.list_versions(service.id)) for service in services}
    ids = {service.id for service in services}
    endpoints = [endpoint for endpoint in repository.list_endpoints() if endpoint.service_id in ids]
    return Directory(
        generation,
        {service.id: service for service in services},
        {service.name: service for service in services},
        versions,
        {(each.service_id, each.number): each for some in versions.values() for each in some},
        {endpoint.id: endpoint for endpoint in endpoints},
        {(endpoint.service_id, endpoint.name): endpoint for endpoint in endpoints},
    )
