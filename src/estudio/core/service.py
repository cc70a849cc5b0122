"""A published experiment: the web service, its numbered versions, its endpoints and their keys, as values.

A version never changes. What callers reach is decided by the service's `current` version and by endpoints, which are
pinned to a version or follow it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.module_kind import Parameter
    from estudio.core.schema import Column

DEFAULT_URL = "http://127.0.0.1:8080"
"""Where `estudio serve` listens when nothing else is said."""
DEFAULT_ENDPOINT = "default"
"""The endpoint that each service has from its first version on; it is removed only with the service."""
DEFAULT_CONCURRENT_CALLS = 20
MAX_CONCURRENT_CALLS = 200
"""The old system's default and bound of calls at one time on one endpoint (create-endpoint)."""
DEFAULT_CALL_SECONDS = 90.0
"""How long one request-response call may take, queueing included; longer work is a job's."""


class ServiceIsolation(StrEnum):
    """How far the calls of one service are kept apart from each other. Other services are walled off in any case."""

    CALL = "call"
    """Each call sees a fresh process, forked from a template that has loaded the service's code."""
    WORKER = "worker"
    """One walled process serves call after call: faster, and what a script leaves in memory stays."""


class Diagnostics(StrEnum):
    """What is kept of calls: the old system's DiagnosticsTraceLevel."""

    NONE = "none"
    ERRORS = "errors"
    ALL = "all"


class KeyScope(StrEnum):
    """What a key allows."""

    CALL = "call"
    """Calls and jobs of one endpoint."""
    MANAGE = "manage"
    """Everything in the workspace: datasets, services, endpoints, keys."""


class KeySlot(StrEnum):
    """The two keys of an endpoint: one is rotated while the other is in use."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


class CallLanguage(StrEnum):
    """What a program that calls a service is written in."""

    CURL = "curl"
    PYTHON = "python"
    CSHARP = "csharp"
    R = "r"
    JAVASCRIPT = "javascript"


@dataclass(frozen=True, slots=True)
class ServicePort:
    """Where a table enters or leaves a service.

    Attributes:
        name: what callers call it: `input1`.
        module: the web-service-input or web-service-output module.
        columns: names and types of the design-time table; a call's table must have the same names.
        sample: the digest of a stored table of a few rows, for examples and the test page.
    """

    name: str
    module: str
    columns: tuple[Column, ...]
    sample: str


@dataclass(frozen=True, slots=True)
class ServiceVersion:
    """One immutable version.

    Attributes:
        service_id: of its service.
        number: 1, 2, 3 …; a removed number is not given again.
        created_at: seconds since the epoch.
        experiment: the document's name.
        title: the experiment's name for people.
        description: its words.
        manifest: the digest of the object that says all that a call needs; see `services.frozen_version`.
        inputs: in the document's order; may be empty.
        outputs: alike.
        parameters: of the service; those without a default are required in each call.
        isolation: of its scripts.
        row_wise: each output row depends on its input row alone, so that a job may be cut into parts.
        facts: versions of estudio and Python, environments, for people.
    """

    service_id: str
    number: int
    created_at: float
    experiment: str
    title: str
    description: str
    manifest: str
    inputs: tuple[ServicePort, ...] = ()
    outputs: tuple[ServicePort, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    isolation: ServiceIsolation = ServiceIsolation.CALL
    row_wise: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)

    def input(self, name: str) -> ServicePort | None:
        """The input of that name."""
        return next((port for port in self.inputs if port.name == name), None)

    def output(self, name: str) -> ServicePort | None:
        """The output of that name."""
        return next((port for port in self.outputs if port.name == name), None)


@dataclass(frozen=True, slots=True)
class Service:
    """A web service of a workspace.

    Attributes:
        id: 32 hexadecimal digits, as the old system's.
        name: what its address has: lower-case letters, digits and `-`, at most 64.
        created_at: seconds since the epoch.
        current: the version that is called where no other is named.
        previous: what `rollback` goes back to.
    """

    id: str
    name: str
    created_at: float
    current: int
    previous: int | None = None


@dataclass(frozen=True, slots=True)
class EndpointResource:
    """What replaces a frozen dataset or intermediate result on one endpoint: retraining without publishing anew."""

    name: str
    """Of the module whose first output it replaces."""
    digest: str
    """Of the stored table or file."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A keyed address of a service, with its limits.

    Attributes:
        id: 32 hexadecimal digits; the `services/{id}` of the old addresses.
        service_id: of its service.
        name: lower-case letters and digits, at most 24 (the old system's rule).
        version: pinned to it; None follows the service's current one.
        max_concurrent_calls: 1 to MAX_CONCURRENT_CALLS.
        timeout_seconds: of one request-response call.
        memory_bytes: of each script; None keeps what the modules say.
        diagnostics: what is kept of calls.
        prevent_update: refuses new resources, as the old system's flag.
    """

    id: str
    service_id: str
    name: str
    created_at: float
    version: int | None = None
    description: str = ""
    max_concurrent_calls: int = DEFAULT_CONCURRENT_CALLS
    timeout_seconds: float = DEFAULT_CALL_SECONDS
    memory_bytes: int | None = None
    diagnostics: Diagnostics = Diagnostics.ERRORS
    prevent_update: bool = False
    resources: tuple[EndpointResource, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A key as it is kept: never the key itself.

    Attributes:
        id: 16 hexadecimal digits, to speak of it.
        digest: SHA-256 of the key, hexadecimal. Keys are random with 256 bits: a slow digest would add nothing.
        scope: what it allows.
        created_at: seconds since the epoch.
        endpoint_id: of a key to call; None for one to manage.
        slot: of a key to call.
        expires_at: None for never.
        calls_per_minute: its rate limit; None for none.
        wrapped: the key, readable only with the management key that made it (see `services.keys`); "" where the
            key was shown once and is gone.
    """

    id: str
    digest: str
    scope: KeyScope
    created_at: float
    endpoint_id: str | None = None
    slot: KeySlot | None = None
    expires_at: float | None = None
    calls_per_minute: int | None = None
    wrapped: str = ""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """What is kept of one call when diagnostics ask for it; never its data.

    Attributes:
        request_id: as the caller saw it.
        status: of HTTP.
        code: of the error; "" where there was none.
        message: of the error, bounded.
        log: what the scripts printed, bounded; "" where diagnostics do not ask for it.
    """

    endpoint_id: str
    version: int
    request_id: str
    at: float
    seconds: float
    queue_seconds: float
    status: int
    code: str = ""
    message: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True)
class CallCounts:
    """Calls of one endpoint and version in one minute, to be added to what other processes counted.

    `latencies` counts calls by bucket: the n-th ended within `LATENCY_SECONDS[n]`, the last took longer.
    """

    endpoint_id: str
    version: int
    minute: int
    """Minutes since the epoch."""
    calls: int = 0
    failed: int = 0
    """Status 4xx and 5xx but for throttled ones."""
    throttled: int = 0
    latencies: tuple[int, ...] = ()


LATENCY_SECONDS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5,
                   0.75, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)  # fmt: skip
"""Upper bounds of the latency buckets."""
