"""One call of a loaded version, as values, and what whoever loads versions promises to those who call them.

The double that tests of the doors use stands in `estudio.services.calling_double`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from estudio.core.module_kind import Value
    from estudio.core.outcome import ScriptError, ScriptState, Visualization
    from estudio.core.service import (
        CallCounts,
        CallRecord,
        Endpoint,
        KeyScope,
        Service,
        ServiceKey,
        ServiceVersion,
    )
    from estudio.tables.table import Table


@dataclass(frozen=True, slots=True)
class ScoreCall:
    """One call, checked against the version already.

    Attributes:
        inputs: a table for every input that the caller gave; the others keep their design-time default.
        parameters: values of the right types; those not given keep their default.
        seed: for whatever is random; None draws one.
        deadline: `time.monotonic()` at which the call is to end; None for the endpoint's own timeout.
        cancelled: set by whoever waits when nobody wants the answer any more.
    """

    inputs: Mapping[str, Table] = field(default_factory=dict)
    parameters: Mapping[str, Value] = field(default_factory=dict)
    seed: int | None = None
    deadline: float | None = None
    cancelled: threading.Event | None = None


@dataclass(frozen=True, slots=True)
class ModuleFailure:
    """The author's error, or a limit: which module, and what. `title` is its kind's or its own name for people."""

    module: str
    title: str
    state: ScriptState
    error: ScriptError


@dataclass(frozen=True, slots=True)
class ScoreOutcome:
    """What came of one call. `failure` is None when it finished; then every output is there."""

    outputs: Mapping[str, Table] = field(default_factory=dict)
    failure: ModuleFailure | None = None
    visualizations: Mapping[str, Visualization] = field(default_factory=dict)
    """By module: what scripts printed and drew."""
    seconds: float = 0.0
    queue_seconds: float = 0.0
    """Of these: waiting for a place."""


class LoadedVersion(Protocol):
    """A version in memory, its files unpacked, its environments built. Any thread may call it."""

    @property
    def version(self) -> ServiceVersion:
        """Which."""
        ...

    def score(self, call: ScoreCall) -> ScoreOutcome:
        """Do one call. Raises SandboxUnavailable, EnvironmentFailed, ServiceBusy; not for the author's errors."""
        ...

    def close(self) -> None:
        """Wait for calls in flight, then end its processes."""
        ...


class LiveEndpoint(Protocol):
    """An endpoint with the version that it stands for now. It stays that one for whoever holds it."""

    @property
    def service(self) -> Service: ...  # noqa: D102

    @property
    def endpoint(self) -> Endpoint: ...  # noqa: D102

    @property
    def version(self) -> ServiceVersion: ...  # noqa: D102

    def score(self, call: ScoreCall) -> ScoreOutcome:
        """Admit the call and do it; blocks. Any thread may call it.

        Raises:
            ServiceThrottled: as many calls as the endpoint allows are in flight already.
            ServiceBusy: the server stops, or the version cannot be loaded now.
            SandboxUnavailable, EnvironmentFailed: our own failures.
        """
        ...

    def sample(self, port: str) -> Table:
        """A few rows of the design-time table of an input or output, for examples. Raises PortNotFound."""
        ...


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether calls would be answered now: `waiting` names what is not ready yet, in words."""

    ready: bool
    waiting: tuple[str, ...] = ()


class ServiceHost(Protocol):
    """All services of one workspace in one server process. Any thread may call it.

    What another process publishes, promotes, rotates or removes is seen within a second.
    """

    @property
    def workspace_id(self) -> str:
        """32 hexadecimal digits, as in the old addresses."""
        ...

    def services(self) -> Sequence[Service]:
        """All, by name."""
        ...

    def versions(self, service: str) -> Sequence[ServiceVersion]:
        """Of the service of that name or id, the newest first. Raises ServiceNotFound."""
        ...

    def endpoints(self, service: str) -> Sequence[Endpoint]:
        """Of the service of that name or id. Raises ServiceNotFound."""
        ...

    def find(self, service: str, *, endpoint: str | None = None, version: int | None = None) -> LiveEndpoint:
        """By name: the service's default endpoint, or another; its version, or a pinned one.

        Raises ServiceNotFound, EndpointNotFound, VersionNotFound.
        """
        ...

    def find_by_id(self, endpoint_id: str) -> LiveEndpoint:
        """By the id in an old address. Raises EndpointNotFound."""
        ...

    def loaded(self, service_id: str, number: int, endpoint_id: str | None = None) -> LoadedVersion:
        """A version in memory, loaded where it is not: for jobs, whose calls do not pass the endpoint's admission.

        With an endpoint, its resources and its bound of memory hold.

        Raises ServiceNotFound, VersionNotFound, ServiceBusy, StoreFailed, EnvironmentFailed.
        """
        ...

    def authorize(self, token: str, scope: KeyScope, endpoint: Endpoint | None = None) -> ServiceKey:
        """The key that this token is, if it allows that; compared in constant time. A management key allows all.

        Raises:
            AccessDenied: no such key, another endpoint's, expired, or one that does not allow this.
            RateLimited: the key's calls of this minute are used up.
        """
        ...

    def note_call(self, record: CallRecord) -> None:
        """Count a call, and keep it where the endpoint's diagnostics ask for that. Returns at once."""
        ...

    def statistics(self, endpoint_id: str, minutes: int = 60) -> Sequence[CallCounts]:
        """Counts of the last minutes, of all processes."""
        ...

    def readiness(self) -> Readiness:
        """Whether environments are built and zygotes warm."""
        ...

    def close(self, drain_seconds: float = 30.0) -> None:
        """Refuse new calls, wait for those in flight, hand jobs back, end all processes."""
        ...
