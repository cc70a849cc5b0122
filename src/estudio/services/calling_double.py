"""The `ServiceHost` double: services made of plain Python functions, for tests of the doors.

It keeps the promises of `services.calling`, admission and keys included, but starts no process and keeps nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from estudio.core.service import (
    DEFAULT_ENDPOINT,
    Endpoint,
    KeyScope,
    Service,
    ServiceKey,
    ServicePort,
    ServiceVersion,
)
from estudio.errors import (
    AccessDenied,
    EndpointNotFound,
    PortNotFound,
    ServiceBusy,
    ServiceNotFound,
    ServiceThrottled,
    VersionNotFound,
)
from estudio.services.calling import Readiness, ScoreOutcome
from estudio.services.keys import digest_of_token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from estudio.core.module_kind import Parameter
    from estudio.core.service import CallCounts, CallRecord
    from estudio.services.calling import ScoreCall
    from estudio.tables.table import Table


@dataclass(frozen=True, slots=True)
class _Live:
    service: Service
    endpoint: Endpoint
    version: ServiceVersion
    host: HostDouble

    def score(self, call: ScoreCall) -> ScoreOutcome:
        return self.host.score(self, call)

    def sample(self, port: str) -> Table:
        try:
            return self.host.samples[self.service.id, self.version.number, port]
        except KeyError:
            raise PortNotFound(f"{self.service.name} has no input or output {port!r}.") from None


@dataclass(frozen=True, slots=True)
class _Loaded:
    version: ServiceVersion
    function: Callable[[ScoreCall], ScoreOutcome]
    host: HostDouble

    def score(self, call: ScoreCall) -> ScoreOutcome:
        self.host.check_open()
        begin = time.monotonic()
        return replace(self.function(call), seconds=time.monotonic() - begin)

    def close(self) -> None:
        pass


@dataclass
class HostDouble:
    """See `services.calling.ServiceHost`. Fill it with `add`."""

    workspace_id: str = "0" * 31 + "1"
    manage_key: str = "manage-key"
    ready: Readiness = field(default_factory=lambda: Readiness(ready=True))
    records: list[CallRecord] = field(default_factory=list)
    samples: dict[tuple[str, int, str], Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._functions: dict[tuple[str, int], Callable[[ScoreCall], ScoreOutcome]] = {}
        self._services: dict[str, Service] = {}
        self._versions: dict[str, list[ServiceVersion]] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._keys: dict[str, ServiceKey] = {digest_of_token(self.manage_key): _manage_key()}
        self._flying: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._closed = False

    def add(  # noqa: PLR0913 -- a whole service in one line of a test
        self,
        name: str,
        score: Callable[[ScoreCall], ScoreOutcome],
        *,
        inputs: Mapping[str, Table],
        outputs: Mapping[str, Table],
        parameters: Sequence[Parameter] = (),
        key: str = "call-key",
        max_concurrent_calls: int = 20,
        row_wise: bool = False,
    ) -> Endpoint:
        """Add a version, made current, of a service with a default endpoint that this key calls."""
        service_id = hashlib.md5(name.encode()).hexdigest()  # noqa: S324 -- 32 digits, for no secret
        versions = self._versions.setdefault(service_id, [])
        number = len(versions) + 1
        for port, table in (*inputs.items(), *outputs.items()):
            self.samples[service_id, number, port] = table
        versions.append(
            ServiceVersion(
                service_id, number, 1.0, name, name.title(), f"The service {name}.", "manifest",
                _ports(inputs), _ports(outputs), tuple(parameters), row_wise=row_wise,
            )
        )  # fmt: skip
        self._functions[service_id, number] = score
        self._services[service_id] = Service(service_id, name, 1.0, number, number - 1 or None)
        endpoint_id = service_id[::-1]
        self._endpoints[endpoint_id] = Endpoint(
            endpoint_id, service_id, DEFAULT_ENDPOINT, 1.0, max_concurrent_calls=max_concurrent_calls
        )
        digest = digest_of_token(key)
        self._keys[digest] = ServiceKey(digest[:16], digest, KeyScope.CALL, 1.0, endpoint_id)
        return self._endpoints[endpoint_id]

    def change_endpoint(self, endpoint: Endpoint) -> None:
        """Replace it."""
        self._endpoints[endpoint.id] = endpoint

    def score(self, live: _Live, call: ScoreCall) -> ScoreOutcome:
        """Admit and call the function."""
        endpoint = live.endpoint
        self.check_open()
        with self._lock:
            if self._flying[endpoint.id] >= endpoint.max_concurrent_calls:
                raise ServiceThrottled("Too many calls are in flight.", retry_after_seconds=1)
            self._flying[endpoint.id] += 1
        try:
            begin = time.monotonic()
            outcome = self._functions[live.service.id, live.version.number](call)
            return replace(outcome, seconds=time.monotonic() - begin)
        finally:
            with self._lock:
                self._flying[endpoint.id] -= 1

    def services(self) -> Sequence[Service]:
        """See the protocol."""
        return sorted(self._services.values(), key=lambda service: service.name)

    def versions(self, service: str) -> Sequence[ServiceVersion]:
        """See the protocol."""
        return self._versions[self._service(service).id][::-1]

    def endpoints(self, service: str) -> Sequence[Endpoint]:
        """See the protocol."""
        service_id = self._service(service).id
        return [endpoint for endpoint in self._endpoints.values() if endpoint.service_id == service_id]

    def find(self, service: str, *, endpoint: str | None = None, version: int | None = None) -> _Live:
        """See the protocol."""
        found = next((e for e in self.endpoints(service) if e.name == (endpoint or DEFAULT_ENDPOINT)), None)
        if found is None:
            raise EndpointNotFound(f"{service} has no endpoint {endpoint!r}.")
        return self._live(found, version)

    def find_by_id(self, endpoint_id: str) -> _Live:
        """See the protocol."""
        if endpoint_id not in self._endpoints:
            raise EndpointNotFound(f"There is no endpoint {endpoint_id!r}.")
        return self._live(self._endpoints[endpoint_id], None)

    def loaded(self, service_id: str, number: int, endpoint_id: str | None = None) -> _Loaded:  # noqa: ARG002
        """See the protocol."""
        version = self._version(self._service(service_id), number)
        return _Loaded(version, self._functions[service_id, number], self)

    def check_open(self) -> None:
        """Raise ServiceBusy once it is closed."""
        if self._closed:
            raise ServiceBusy("The server stops.", retry_after_seconds=1)

    def authorize(self, token: str, scope: KeyScope, endpoint: Endpoint | None = None) -> ServiceKey:
        """See the protocol."""
        digest = digest_of_token(token)
        for known, key in self._keys.items():
            is_right = key.scope is KeyScope.MANAGE or (
                scope is KeyScope.CALL and endpoint is not None and key.endpoint_id == endpoint.id
            )
            if hmac.compare_digest(known, digest) and is_right:
                return key
        raise AccessDenied("The key is not one of this endpoint.")

    def note_call(self, record: CallRecord) -> None:
        """Keep all of them."""
        self.records.append(record)

    def statistics(self, endpoint_id: str, minutes: int = 60) -> Sequence[CallCounts]:  # noqa: ARG002 -- the protocol's
        """Nothing is counted here."""
        return ()

    def readiness(self) -> Readiness:
        """As set."""
        return self.ready

    def close(self, drain_seconds: float = 30.0) -> None:  # noqa: ARG002 -- the protocol's
        """Refuse further calls."""
        self._closed = True

    def _service(self, name_or_id: str) -> Service:
        for service in self._services.values():
            if name_or_id in (service.name, service.id):
                return service
        raise ServiceNotFound(f"There is no service {name_or_id!r}.")

    def _live(self, endpoint: Endpoint, number: int | None) -> _Live:
        service = self._services[endpoint.service_id]
        version = self._version(service, number or endpoint.version or service.current)
        return _Live(service, endpoint, version, self)

    def _version(self, service: Service, number: int) -> ServiceVersion:
        version = next((each for each in self._versions[service.id] if each.number == number), None)
        if version is None:
            raise VersionNotFound(f"{service.name} has no version {number}.")
        return version


def _manage_key() -> ServiceKey:
    return ServiceKey("0" * 16, "", KeyScope.MANAGE, 1.0)


def _ports(tables: Mapping[str, Table]) -> tuple[ServicePort, ...]:
    return tuple(ServicePort(name, name, table.schema.columns, "") for name, table in tables.items())
