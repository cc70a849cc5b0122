"""The web services of a workspace: publish, promote, endpoints, keys, what calls left behind.

A change is seen by running servers within a second; none of them is asked.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from estudio.core.environment import near_name
from estudio.core.service import (
    DEFAULT_ENDPOINT,
    MAX_CONCURRENT_CALLS,
    Diagnostics,
    Endpoint,
    KeyScope,
    KeySlot,
)
from estudio.errors import EndpointNotFound, InvalidUsage, ServiceNotFound, StateConflict
from estudio.services.keys import new_key
from estudio.workspace.experiments import WorkspaceExperiment
from estudio.workspace.publishing import (
    PublishedVersion,
    Publisher,
    PublishOptions,
    check_service_name,
    endpoint_keys,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from estudio.core.events import Event
    from estudio.core.module_kind import Value
    from estudio.core.service import CallCounts, CallRecord, Service, ServiceIsolation, ServiceKey, ServiceVersion
    from estudio.services.keys import NewKey
    from estudio.services.live_services import LiveServices
    from estudio.tables.table import Table
    from estudio.workspace.open import WorkspaceParts

ENDPOINT_NAME = re.compile(r"[a-z0-9]{1,24}", re.ASCII)
"""The old system's rule (create-endpoint)."""
MAX_CALL_SECONDS = 3600.0
"""Of one request-response call; what takes longer is a job."""
MIN_MEMORY_BYTES = 16 << 20
"""Less is not enough for pandas to make a DataFrame."""
MAX_DESCRIPTION_CHARACTERS = 2_000
CHANGEABLE = (
    "description",
    "diagnostics",
    "max_concurrent_calls",
    "memory_bytes",
    "name",
    "prevent_update",
    "resources",
    "timeout_seconds",
    "version",
)
"""What can be changed of an endpoint."""


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint just added, with its keys in plain: shown once."""

    endpoint: Endpoint
    keys: Mapping[KeySlot, str]


class WorkspaceServices:
    """The web services of one workspace. Raises StoreFailed where they cannot be read or changed."""

    def __init__(self, parts: WorkspaceParts) -> None:
        self._parts = parts

    @property
    def workspace_id(self) -> str:
        """32 hexadecimal digits, as the old addresses have."""
        return self._parts.services.workspace_id()

    def publish(  # noqa: PLR0913 -- what a publisher may decide
        self,
        experiment: str,
        *,
        name: str | None = None,
        promote: bool = True,
        isolation: ServiceIsolation | None = None,
        row_wise: bool | None = None,
        parameters: Mapping[str, Value] | None = None,
        fixed: Iterable[str] | None = None,
        force: bool = False,
        management_token: str | None = None,
        on_event: Callable[[Event], None] | None = None,
        on_progress: Callable[[str], None] | None = None,
    ) -> PublishedVersion:
        """Check and run an experiment, freeze it as the next version of a web service, and make that current.

        Where nothing differs from the newest version, that one is kept.

        Args:
            experiment: its name or document.
            name: of the service; the experiment's name without it.
            promote: make the version current. The first one always is.
            isolation: of scripts; without it as the newest version, `call` for the first.
            row_wise: each output row depends on its input row alone; without it as the newest version.
            parameters: of the experiment for its run; those with a default have this value as their default then.
            fixed: parameters of the experiment that callers cannot give; without it as the newest version.
            force: add a version though nothing differs.
            management_token: whoever presents it can be shown the keys again, as the old system did.
            on_event: told what happens in the run.
            on_progress: told in words when an environment is built.

        Raises:
            ExperimentNotFound: there is none.
            InvalidUsage: a wrong name or parameter.
            InvalidDocument: the document is not valid, or cannot be published; `problems` has all of it.
            InvalidInput: the run failed; the message names the module.
            EnvironmentFailed, SandboxUnavailable: as in a run.
            KeyboardInterrupt: Ctrl-C; nothing was published.
        """
        options = PublishOptions(
            name, promote, isolation, row_wise, parameters, fixed, force, management_token, on_event, on_progress
        )
        found = WorkspaceExperiment(self._parts, self._parts.folder.experiment_path(experiment))
        return Publisher(self._parts).publish(found, options)

    def list(self) -> tuple[Service, ...]:
        """All, by name."""
        if not self._parts.folder.state.exists():
            return ()
        return tuple(self._parts.services.list_services())

    def get(self, name: str) -> Service:
        """By name or id. Raises ServiceNotFound, which says the nearest name."""
        try:
            return self._parts.services.get_service(name)
        except ServiceNotFound as error:
            near = near_name(name[:80], (service.name for service in self.list()))
            raise ServiceNotFound(f"{error.message}{near}", **error.facts) from None

    def versions(self, name: str) -> tuple[ServiceVersion, ...]:
        """The newest first. Raises ServiceNotFound."""
        return tuple(self._parts.services.list_versions(self.get(name).id))

    def version(self, name: str, number: int | None = None) -> ServiceVersion:
        """A version, the current one without a number. Raises ServiceNotFound, VersionNotFound."""
        service = self.get(name)
        return self._parts.services.get_version(service.id, number or service.current)

    def promote(self, name: str, number: int) -> Service:
        """Make a version the current one; calls in flight end with the one before. Raises NotFound."""
        return self._parts.services.promote(self.get(name).id, number)

    def rollback(self, name: str) -> Service:
        """Go back to the version that was current before. Raises ServiceNotFound, StateConflict."""
        service = self.get(name)
        if service.previous is None:
            raise StateConflict(
                f"The web service {service.name} has no version before {service.current} to go back to; "
                "name one: estudio service promote.",
                service=service.name,
            )
        return self.promote(name, service.previous)

    def rename(self, name: str, to: str) -> Service:
        """Give it another name; all that is its stays. Raises ServiceNotFound, StateConflict, InvalidUsage."""
        check_service_name(to)
        return self._parts.services.rename_service(self.get(name).id, to)

    def remove(self, name: str) -> Service:
        """Remove it with its versions, endpoints and keys. Raises ServiceNotFound; StateConflict where jobs go on."""
        service = self.get(name)
        self._parts.services.remove_service(service.id)
        return service

    def remove_version(self, name: str, number: int) -> ServiceVersion:
        """Remove a version. Raises NotFound; StateConflict where it is current, pinned, or jobs go on."""
        version = self.version(name, number)
        self._parts.services.remove_version(version.service_id, number)
        return version

    def endpoints(self, name: str) -> tuple[Endpoint, ...]:
        """The default one first. Raises ServiceNotFound."""
        return tuple(self._parts.services.list_endpoints(self.get(name).id))

    def endpoint(self, name: str, endpoint: str = DEFAULT_ENDPOINT) -> Endpoint:
        """Raises ServiceNotFound, EndpointNotFound."""
        found = next((each for each in self.endpoints(name) if each.name == endpoint), None)
        if found is None:
            known = ", ".join(each.name for each in self.endpoints(name))
            raise EndpointNotFound(
                f"The web service {name} has no endpoint {endpoint[:80]!r}; it has {known}.", endpoint=endpoint
            )
        return found

    def add_endpoint(
        self, name: str, endpoint: str, *, management_token: str | None = None, **limits: object
    ) -> NewEndpoint:
        """Add an endpoint with two keys of its own, shown once.

        Args:
            name: of the service.
            endpoint: lower-case letters and digits, at most 24.
            management_token: as in `publish`.
            limits: as `change_endpoint`.

        Raises:
            InvalidUsage: a name or limit that cannot be.
            ServiceNotFound, VersionNotFound, PortNotFound: what is named is not there.
            StateConflict: there is one of that name.
        """
        now = time.time()
        new = Endpoint(secrets.token_hex(16), self.get(name).id, endpoint, now)
        changed = self._changed(new, {**limits, "name": endpoint})
        keys = endpoint_keys(new.id, now, management_token)
        self._parts.services.add_endpoint(changed, [key.key for key in keys.values()])
        return NewEndpoint(changed, {slot: key.token for slot, key in keys.items()})

    def change_endpoint(self, name: str, endpoint: str = DEFAULT_ENDPOINT, **changes: object) -> Endpoint:
        """Change limits, version, diagnostics, description, resources or name of an endpoint; see `core.service`.

        Raises:
            InvalidUsage: something that cannot be changed, or a value that cannot be.
            ServiceNotFound, EndpointNotFound, VersionNotFound, PortNotFound: what is named is not there.
            StateConflict: another one has that name, or new resources are refused (`prevent_update`).
        """
        changed = self._changed(self.endpoint(name, endpoint), changes)
        self._parts.services.change_endpoint(changed)
        return changed

    def remove_endpoint(self, name: str, endpoint: str) -> Endpoint:
        """With its keys. Raises ServiceNotFound, EndpointNotFound; StateConflict for the default one."""
        found = self.endpoint(name, endpoint)
        self._parts.services.remove_endpoint(found.id)
        return found

    def keys(self, name: str, endpoint: str = DEFAULT_ENDPOINT) -> tuple[ServiceKey, ...]:
        """What is known of the keys of an endpoint; never they themselves. Raises ServiceNotFound, EndpointNotFound."""
        return tuple(self._parts.services.list_keys(self.endpoint(name, endpoint).id))

    def rotate_key(  # noqa: PLR0913 -- what a key has
        self,
        name: str,
        endpoint: str = DEFAULT_ENDPOINT,
        slot: KeySlot = KeySlot.PRIMARY,
        grace_seconds: float = 0.0,
        expires_in_seconds: float | None = None,
        *,
        calls_per_minute: int | None = None,
        management_token: str | None = None,
    ) -> str:
        """Put a new key into a slot, and return it: it is shown once.

        Args:
            name: of the service.
            endpoint: whose key.
            slot: which of its two.
            grace_seconds: how long the old one goes on.
            expires_in_seconds: of the new one; None for never.
            calls_per_minute: of the new one; None for no limit.
            management_token: as in `publish`.
        """
        now = time.time()
        found = self.endpoint(name, endpoint)
        if grace_seconds < 0:
            raise InvalidUsage(f"The grace of {grace_seconds:g} seconds is less than nothing.", value=grace_seconds)
        new = new_key(
            KeyScope.CALL,
            now,
            endpoint_id=found.id,
            slot=slot,
            expires_at=_expiry(now, expires_in_seconds),
            calls_per_minute=_positive("calls_per_minute", calls_per_minute),
            management_token=management_token,
        )
        self._parts.services.replace_key(new.key, now + grace_seconds)
        return new.token

    def create_manage_key(self, expires_in_seconds: float | None = None) -> NewKey:
        """A key that manages the workspace; its token is shown once."""
        now = time.time()
        new = new_key(KeyScope.MANAGE, now, expires_at=_expiry(now, expires_in_seconds))
        self._parts.services.add_key(new.key)
        return new

    def manage_keys(self) -> tuple[ServiceKey, ...]:
        """What is known of the management keys."""
        return tuple(self._parts.services.list_keys(manage=True))

    def remove_key(self, key_id: str) -> None:
        """Raises KeyNotFound."""
        self._parts.services.remove_key(key_id)

    def calls(
        self, name: str, endpoint: str = DEFAULT_ENDPOINT, limit: int = 100, *, failed_only: bool = False
    ) -> tuple[CallRecord, ...]:
        """What diagnostics kept of calls, the newest first."""
        found = self.endpoint(name, endpoint)
        return tuple(self._parts.services.list_calls(found.id, limit, failed_only=failed_only))

    def statistics(self, name: str, endpoint: str = DEFAULT_ENDPOINT, minutes: int = 60) -> tuple[CallCounts, ...]:
        """Calls by minute and version, as far as servers have written them (each second)."""
        since = int(time.time() // 60) - minutes + 1
        return tuple(self._parts.services.list_counts(self.endpoint(name, endpoint).id, since))

    def samples(self, name: str, version: int | None = None) -> Mapping[str, Table]:
        """A few design-time rows of each input and output, by name. Raises NotFound."""
        from estudio.services.loading import load_sample  # noqa: PLC0415 - needs Arrow

        found = self.version(name, version)
        return {
            port.name: load_sample(self._parts.objects, found, port.name) for port in (*found.inputs, *found.outputs)
        }

    def host(self, *, processes: int = 1, slots: int | None = None) -> LiveServices:
        """All services in memory, to be called; close it when it is no longer needed.

        Args:
            processes: how many server processes there are: each takes its part of an endpoint's calls.
            slots: calls of one script at a time; without it as many as there are cores for each process, and two at
                least: while one guest recovers from its call, another takes the next.
        """
        return self._parts.live_services(processes, slots)

    def _changed(self, endpoint: Endpoint, changes: Mapping[str, object]) -> Endpoint:
        unknown = next((name for name in changes if name not in CHANGEABLE), None)
        if unknown is not None:
            raise InvalidUsage(
                f"An endpoint has no {unknown[:80]!r} to change; it has {', '.join(CHANGEABLE)}.", field=unknown
            )
        if "resources" in changes and endpoint.prevent_update and changes.get("prevent_update", True):
            raise StateConflict(
                f"The endpoint {endpoint.name} refuses new resources (prevent_update).", endpoint=endpoint.name
            )
        changed = replace(endpoint, **changes)  # type: ignore[arg-type]
        changed = replace(changed, diagnostics=Diagnostics(changed.diagnostics), resources=tuple(changed.resources))
        check_endpoint(changed)
        self._check_resources(changed)
        return changed

    def _check_resources(self, endpoint: Endpoint) -> None:
        """See that each replaces a frozen value with one of its type. Raises PortNotFound, StoreFailed."""
        if not endpoint.resources:
            return
        from estudio.services.frozen_version import load_manifest  # noqa: PLC0415 - rarely asked for
        from estudio.services.loading import resource_value  # noqa: PLC0415

        service = self._parts.services.get_service(endpoint.service_id)
        version = self._parts.services.get_version(service.id, endpoint.version or service.current)
        frozen = load_manifest(self._parts.objects, version.manifest)
        for resource in endpoint.resources:
            resource_value(self._parts.objects, frozen, resource)


def check_endpoint(endpoint: Endpoint) -> None:
    """See that an endpoint can be. Raises InvalidUsage."""
    if not ENDPOINT_NAME.fullmatch(endpoint.name):
        rule = "use lower-case letters and digits, at most 24"
        raise InvalidUsage(f"An endpoint cannot be called {endpoint.name[:80]!r}: {rule}.", endpoint=endpoint.name)
    _check_range("max_concurrent_calls", endpoint.max_concurrent_calls, 1, MAX_CONCURRENT_CALLS)
    _check_range("timeout_seconds", endpoint.timeout_seconds, 0.001, MAX_CALL_SECONDS)
    if endpoint.memory_bytes is not None:
        _check_range("memory_bytes", endpoint.memory_bytes, MIN_MEMORY_BYTES, 1 << 50)
    if len(endpoint.description) > MAX_DESCRIPTION_CHARACTERS:
        raise InvalidUsage(f"A description has at most {MAX_DESCRIPTION_CHARACTERS} characters.", field="description")
    if len({resource.name for resource in endpoint.resources}) < len(endpoint.resources):
        raise InvalidUsage("Two resources replace the same module's result; give one.", field="resources")


def _check_range(name: str, value: float, least: float, most: float) -> None:
    if isinstance(value, bool) or not least <= value <= most:
        raise InvalidUsage(f"{name} of an endpoint is {value!r}; give {least:g} to {most:g}.", field=name)


def _positive(name: str, value: int | None) -> int | None:
    if value is not None and value < 1:
        raise InvalidUsage(f"{name} is {value}; give 1 or more, or none for no limit.", field=name)
    return value


def _expiry(now: float, seconds: float | None) -> float | None:
    if seconds is None:
        return None
    if not seconds > 0:
        raise InvalidUsage(f"A key that expires in {seconds:g} seconds is of no use; give more.", value=seconds)
    return now + seconds
