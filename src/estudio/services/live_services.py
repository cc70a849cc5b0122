"""All services of one workspace in one server process: the real `ServiceHost`.

A thread of its own watches the store, so that no call ever waits for a look-up: calls see one picture of everything,
which is replaced by a single assignment. A promoted version takes over when it is loaded, not before.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from estudio.errors import EstudioError, NotFound, VersionNotFound
from estudio.services.admission import Admission, call_deadline
from estudio.services.authorization import Authorizer
from estudio.services.call_log import CallLog
from estudio.services.calling import Readiness
from estudio.services.directory import Directory, read_directory
from estudio.services.loading import LoadingParts, load_sample, load_version
from estudio.services.version_slots import VersionSlots, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estudio.core.service import (
        CallCounts,
        CallRecord,
        Endpoint,
        KeyScope,
        Service,
        ServiceKey,
        ServiceVersion,
    )
    from estudio.services.calling import ScoreCall, ScoreOutcome
    from estudio.services.loading import LoadedGraph
    from estudio.store.service_protocols import ServiceRepository
    from estudio.tables.table import Table

WATCH_SECONDS = 0.25
"""How often the store is asked whether anything changed: a change is to be seen within a second."""
JOB_LOADING_SECONDS = 1800.0
"""How long a job waits for its version: an environment may have to be built first."""
NOTICEABLE_SECONDS = 0.001
"""Waiting for a version to be loaded that is worth telling."""


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """The `LiveEndpoint`: an endpoint with the version that it stood for when it was found."""

    service: Service
    endpoint: Endpoint
    version: ServiceVersion
    host: LiveServices

    def score(self, call: ScoreCall) -> ScoreOutcome:
        """Admit the call and do it. See the protocol."""
        with self.host.admission.admitted(self.endpoint):
            return self.host.score(self, call)

    def sample(self, port: str) -> Table:
        """A few design-time rows of an input or output. Raises PortNotFound."""
        return load_sample(self.host.parts.objects, self.version, port)


@dataclass(frozen=True, slots=True)
class UnadmittedVersion:
    """The `LoadedVersion` for a job: calls that no endpoint's concurrency holds up; loaded when the first one comes."""

    version: ServiceVersion
    endpoint: Endpoint | None
    host: LiveServices

    def score(self, call: ScoreCall) -> ScoreOutcome:
        """Do one call. See the protocol."""
        deadline = time.monotonic() + JOB_LOADING_SECONDS if call.deadline is None else call.deadline
        memory, resources = (
            (None, ()) if self.endpoint is None else (self.endpoint.memory_bytes, self.endpoint.resources)
        )
        with self.host.slots.hold(self.version, deadline) as loaded:
            return loaded.score(call, memory_bytes=memory, resources=resources)

    def close(self) -> None:
        """Nothing: the host closes what nobody calls any more."""


class LiveServices:
    """The `ServiceHost`. Any thread may call it; `close` ends its threads and processes.

    Args:
        repository: what there is.
        parts: with which versions are loaded.
        processes: how many server processes share the endpoints' calls.
        watch_seconds: how often the store is asked for changes.
    """

    def __init__(
        self,
        repository: ServiceRepository,
        parts: LoadingParts,
        *,
        processes: int = 1,
        watch_seconds: float = WATCH_SECONDS,
    ) -> None:
        self.parts = parts
        self.admission = Admission(processes)
        self._repository = repository
        self._authorizer = Authorizer(repository, processes=processes)
        self._calls = CallLog(repository)
        self._changed = threading.Event()
        self.slots = VersionSlots(self._load, self._changed.set)
        self._workspace_id = repository.workspace_id()
        self._directory = Directory()
        self._routes: Mapping[str, ServiceVersion] = {}
        self._trouble = ""
        self._is_closed = False
        self._watch_seconds = watch_seconds
        self.refresh()
        self._watcher = threading.Thread(target=self._watch, name="estudio-watch", daemon=True)
        self._watcher.start()

    @property
    def workspace_id(self) -> str:
        """See the protocol."""
        return self._workspace_id

    def services(self) -> Sequence[Service]:
        """See the protocol."""
        return sorted(self._directory.services.values(), key=lambda service: service.name)

    def versions(self, service: str) -> Sequence[ServiceVersion]:
        """See the protocol."""
        directory = self._directory
        return directory.versions[directory.service(service).id]

    def endpoints(self, service: str) -> Sequence[Endpoint]:
        """See the protocol."""
        directory = self._directory
        found = directory.service(service).id
        return [endpoint for endpoint in directory.endpoints.values() if endpoint.service_id == found]

    def find(self, service: str, *, endpoint: str | None = None, version: int | None = None) -> LiveVersion:
        """See the protocol."""
        directory = self._directory
        found = directory.service(service)
        return self._live(directory, directory.endpoint(found, endpoint), version)

    def find_by_id(self, endpoint_id: str) -> LiveVersion:
        """See the protocol."""
        directory = self._directory
        return self._live(directory, directory.endpoint_by_id(endpoint_id), None)

    def loaded(self, service_id: str, number: int, endpoint_id: str | None = None) -> UnadmittedVersion:
        """A version for jobs, whose calls are not admitted one by one.

        Args:
            service_id: of the service.
            number: of the version.
            endpoint_id: whose memory and resources count.

        Raises:
            ServiceNotFound, VersionNotFound, EndpointNotFound: there is none.
        """
        directory = self._directory
        version = directory.version(directory.service(service_id), number)
        endpoint = None if endpoint_id is None else directory.endpoint_by_id(endpoint_id)
        return UnadmittedVersion(version, endpoint, self)

    def score(self, live: LiveVersion, call: ScoreCall) -> ScoreOutcome:
        """Do an admitted call."""
        endpoint, begin = live.endpoint, time.monotonic()
        deadline = call_deadline(call.deadline, endpoint, begin)
        with self.slots.hold(live.version, deadline) as loaded:
            waited = time.monotonic() - begin
            outcome = loaded.score(
                call, memory_bytes=endpoint.memory_bytes, resources=endpoint.resources, deadline=deadline
            )
        if waited < NOTICEABLE_SECONDS:
            return outcome
        return replace(outcome, seconds=outcome.seconds + waited, queue_seconds=outcome.queue_seconds + waited)

    def authorize(self, token: str, scope: KeyScope, endpoint: Endpoint | None = None) -> ServiceKey:
        """See the protocol."""
        return self._authorizer.authorize(token, scope, endpoint)

    def note_call(self, record: CallRecord) -> None:
        """See the protocol; a call of an endpoint that is gone is not noted."""
        endpoint = self._directory.endpoints.get(record.endpoint_id)
        if endpoint is not None:
            self._calls.note(record, endpoint.diagnostics)

    def statistics(self, endpoint_id: str, minutes: int = 60) -> Sequence[CallCounts]:
        """See the protocol. Raises StoreFailed."""
        return self._calls.statistics(endpoint_id, minutes)

    def readiness(self) -> Readiness:
        """Whether every endpoint's version is loaded, with what is not or could not be."""
        if self._is_closed:
            return Readiness(ready=False, waiting=("the server stops",))
        directory = self._directory
        waiting = [words for words in (self._trouble, self._calls.trouble) if words]
        for version in _wanted(directory).values():
            if not self.slots.is_loaded(version):
                error = self.slots.error_of(version)
                name = directory.services[version.service_id].name
                why = "is being loaded" if error is None else f"cannot be loaded: {_words(error)}"
                waiting.append(f"version {version.number} of {name} {why}")
        return Readiness(not waiting, tuple(waiting))

    def close(self, drain_seconds: float = 30.0) -> None:
        """Refuse new calls, wait for those in flight for so long, end all processes; a second time is nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self.admission.close(drain_seconds)
        self._changed.set()
        self._watcher.join()
        self.slots.close()
        self._calls.close()

    def refresh(self) -> None:
        """See what changed in the store now, and not only at the next look. Raises StoreFailed."""
        if self._repository.generation() != self._directory.generation:
            directory = _read(self._repository)
            self._authorizer.forget()
            self._directory = directory
        self._route()

    def _load(self, version: ServiceVersion) -> LoadedGraph:
        return load_version(self.parts, version)

    def _live(self, directory: Directory, endpoint: Endpoint, number: int | None) -> LiveVersion:
        service = directory.services[endpoint.service_id]
        if number is not None:
            version = directory.version(service, number)
        else:
            routed = self._routes.get(endpoint.id) or directory.wanted(endpoint)
            if routed is None:
                raise VersionNotFound(f"The web service {service.name} has no version to call.", service=service.name)
            version = routed
        return LiveVersion(service, endpoint, version, self)

    def _watch(self) -> None:
        while not self._is_closed:
            try:
                self.refresh()
                self._trouble = ""
            except Exception as error:  # noqa: BLE001 -- calls go on with what is known; readiness tells of it
                self._trouble = _words(error)
            self._changed.wait(self._watch_seconds)
            self._changed.clear()

    def _route(self) -> None:
        """Send endpoints to the versions that they want, as soon as these are loaded; close what nobody wants."""
        directory, before = self._directory, self._routes
        routes: dict[str, ServiceVersion] = {}
        for endpoint_id, version in _wanted(directory).items():
            self.slots.begin(version)
            old = before.get(endpoint_id)
            is_kept = old is not None and old != version and not self.slots.is_loaded(version)
            routes[endpoint_id] = old if old is not None and is_kept else version
        self._routes = routes
        self.slots.close_unused({key_of(version) for version in (*routes.values(), *_wanted(directory).values())})


def _wanted(directory: Directory) -> dict[str, ServiceVersion]:
    """By endpoint the version that it is to stand for."""
    found = {endpoint.id: directory.wanted(endpoint) for endpoint in directory.endpoints.values()}
    return {endpoint_id: version for endpoint_id, version in found.items() if version is not None}


def _read(repository: ServiceRepository) -> Directory:
    """What is removed while it is read makes it be read once more. Raises StoreFailed."""
    try:
        return read_directory(repository)
    except NotFound:
        return read_directory(repository)


def _words(error: BaseException) -> str:
    return error.message if isinstance(error, EstudioError) else f"{type(error).__name__}: {error}"
