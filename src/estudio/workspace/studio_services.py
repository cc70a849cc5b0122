"""Web services as the old management interface knows them: endpoints by name, with keys that a manager sees again.

A key is shown to the management key under which it was made, and to nobody else: it is kept wrapped for that one.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from estudio.core.module_kind import PortType
from estudio.core.service import (
    DEFAULT_ENDPOINT,
    MAX_CONCURRENT_CALLS,
    Diagnostics,
    Endpoint,
    EndpointResource,
    KeyScope,
    KeySlot,
    Service,
)
from estudio.errors import EndpointNotFound, InvalidInput, InvalidUsage, PortNotFound, StateConflict
from estudio.services.frozen_version import load_manifest
from estudio.services.keys import new_key, newest_of_slot, unwrap_key

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable
    from pathlib import Path

    from estudio.core.service import ServiceKey, ServiceVersion
    from estudio.workspace.open import WorkspaceParts

MAX_NAME_CHARACTERS = 24
"""Of an endpoint; the old system's rule."""
MAX_DESCRIPTION_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class StudioService:
    """A service, its current version, and how many endpoints it has."""

    service: Service
    version: ServiceVersion
    endpoint_count: int


@dataclass(frozen=True, slots=True)
class StudioEndpoint:
    """An endpoint of a service; a key is "" where it was not made under the key that asks."""

    service: Service
    endpoint: Endpoint
    version: int
    primary: str = ""
    secondary: str = ""


@dataclass(frozen=True, slots=True)
class EndpointChanges:
    """What is to be changed; None stays as it is."""

    description: str | None = None
    max_concurrent_calls: int | None = None
    diagnostics: Diagnostics | None = None
    prevent_update: bool | None = None
    resources: tuple[EndpointResource, ...] | None = None

    def apply(self, endpoint: Endpoint) -> Endpoint:
        """The changed endpoint. Raises InvalidUsage for a number of calls that cannot be."""
        calls = endpoint.max_concurrent_calls if self.max_concurrent_calls is None else self.max_concurrent_calls
        if not 1 <= calls <= MAX_CONCURRENT_CALLS:
            raise InvalidUsage(f"MaxConcurrentCalls is {calls}; it may be 1 to {MAX_CONCURRENT_CALLS}.", calls=calls)
        return replace(
            endpoint,
            description=endpoint.description if self.description is None else self.description,
            max_concurrent_calls=calls,
            diagnostics=self.diagnostics or endpoint.diagnostics,
            prevent_update=endpoint.prevent_update if self.prevent_update is None else self.prevent_update,
            resources=_merged(endpoint.resources, self.resources or ()),
        )


class StudioServices:
    """The web services of one workspace, for old clients. Any thread may use it.

    Args:
        parts: of the workspace.
        clock: seconds since the epoch.
    """

    def __init__(self, parts: WorkspaceParts, clock: Callable[[], float] = time.time) -> None:
        self._parts = parts
        self._clock = clock

    def list(self) -> list[StudioService]:
        """All, by name."""
        return [self._described(service) for service in self._parts.services.list_services()]

    def get(self, service_id: str) -> StudioService:
        """Of that id. Raises ServiceNotFound."""
        return self._described(self._service(service_id))

    def remove(self, service_id: str) -> None:
        """With its versions, endpoints and keys. Raises ServiceNotFound; StateConflict where jobs go on."""
        self._parts.services.remove_service(self._service(service_id).id)

    def endpoints(self, service_id: str, token: str) -> builtins.list[StudioEndpoint]:
        """All of a service, the default one first. Raises ServiceNotFound."""
        service = self._service(service_id)
        return [self._shown(service, each, token) for each in self._parts.services.list_endpoints(service.id)]

    def endpoint(self, service_id: str, name: str, token: str) -> StudioEndpoint:
        """One, with its keys for who made them. Raises ServiceNotFound, EndpointNotFound."""
        service = self._service(service_id)
        return self._shown(service, self._endpoint(service, name), token)

    def put_endpoint(self, service_id: str, name: str, changes: EndpointChanges, token: str) -> StudioEndpoint:
        """Make an endpoint with two keys, or change the one that is there.

        Raises:
            ServiceNotFound: there is no such service.
            InvalidUsage: a name or number that cannot be.
        """
        service = self._service(service_id)
        try:
            self._endpoint(service, name)
        except EndpointNotFound:
            _check_name(name)
            now = self._clock()
            made = changes.apply(Endpoint(secrets.token_hex(16), service.id, name.lower(), now))
            self._parts.services.add_endpoint(made, make_keys(made.id, now, token)[0])
            return self._shown(service, made, token)
        return self.change_endpoint(service_id, name, changes, token)

    def change_endpoint(self, service_id: str, name: str, changes: EndpointChanges, token: str) -> StudioEndpoint:
        """Change an endpoint.

        Raises:
            ServiceNotFound, EndpointNotFound: nothing of that name.
            InvalidUsage: a number that cannot be.
            StateConflict: resources for the default endpoint, or for one that refuses updates.
        """
        service = self._service(service_id)
        endpoint = self._endpoint(service, name)
        if changes.resources is not None and is_fixed(endpoint):
            raise StateConflict(
                f"The endpoint {name} takes no new resources: it is the default one, or its PreventUpdate is set. "
                "Add another endpoint and update that one.",
                endpoint=name,
            )
        changed = changes.apply(endpoint)
        self._parts.services.change_endpoint(changed)
        return self._shown(service, changed, token)

    def remove_endpoint(self, service_id: str, name: str) -> None:
        """Raises ServiceNotFound, EndpointNotFound; StateConflict for the default one."""
        self._parts.services.remove_endpoint(self._endpoint(self._service(service_id), name).id)

    def refresh(self, service_id: str, name: str, *, overwrite_resources: bool) -> bool:
        """Let an endpoint follow the service again, and forget its own resources if asked; whether that was a change.

        Raises ServiceNotFound, EndpointNotFound.
        """
        endpoint = self._endpoint(self._service(service_id), name)
        refreshed = replace(endpoint, version=None, resources=() if overwrite_resources else endpoint.resources)
        if refreshed == endpoint:
            return False
        self._parts.services.change_endpoint(refreshed)
        return True

    def make_resource(self, service_id: str, name: str, path: Path, suffix: str) -> EndpointResource:
        """Keep a file as what replaces a frozen result of the service's current version.

        Args:
            service_id: of the service.
            name: of the module whose result it replaces.
            path: where the file lies.
            suffix: its format, such as `csv`.

        Raises:
            PortNotFound: nothing of that name was frozen.
            InvalidInput: the file cannot be read as a table where a table is to be replaced.
        """
        version = self._described(self._service(service_id)).version
        frozen = load_manifest(self._parts.objects, version.manifest)
        value = next((each for each in frozen.values if each.module.lower() == name.lower()), None)
        if value is None:
            known = ", ".join(dict.fromkeys(each.module for each in frozen.values)) or "none"
            raise PortNotFound(
                f"{name[:80]!r} is no resource of this service: resources are modules whose results were computed when "
                f"it was published; there are {known}.",
                module=name,
            )
        if value.output.type == PortType.TABLE.value:
            return EndpointResource(value.module, self._keep_table(path, suffix))
        with path.open("rb") as file:
            return EndpointResource(value.module, self._parts.objects.put_descriptor(file.fileno()))

    def _keep_table(self, path: Path, suffix: str) -> str:
        from estudio.engine.stored_values import store_value  # noqa: PLC0415 - needs Arrow
        from estudio.tables.reading import read_table  # noqa: PLC0415 - the same

        try:
            table = read_table(path, format=suffix)
        except InvalidUsage as error:
            raise InvalidInput(f"The resource is no table: {error.message}") from error
        return store_value(self._parts.objects, "", table).digest

    def _service(self, service_id: str) -> Service:
        return self._parts.services.get_service(
            service_id.replace("-", "").lower() if _is_id(service_id) else service_id
        )

    def _described(self, service: Service) -> StudioService:
        services = self._parts.services
        version = services.get_version(service.id, service.current)
        return StudioService(service, version, len(services.list_endpoints(service.id)))

    def _endpoint(self, service: Service, name: str) -> Endpoint:
        for endpoint in self._parts.services.list_endpoints(service.id):
            if endpoint.name == name.lower():
                return endpoint
        raise EndpointNotFound(
            f"The web service {service.name} has no endpoint {name[:80]!r}.", service=service.name, endpoint=name
        )

    def _shown(self, service: Service, endpoint: Endpoint, token: str) -> StudioEndpoint:
        keys = self._parts.services.list_keys(endpoint.id)
        shown = {slot: newest_of_slot(keys, slot) for slot in KeySlot}
        plain = {slot: None if key is None else unwrap_key(key, token) for slot, key in shown.items()}
        version = service.current if endpoint.version is None else endpoint.version
        return StudioEndpoint(
            service, endpoint, version, plain[KeySlot.PRIMARY] or "", plain[KeySlot.SECONDARY] or ""
        )  # fmt: skip


def make_keys(endpoint_id: str, at: float, token: str) -> tuple[list[ServiceKey], dict[KeySlot, str]]:
    """The two keys of a new endpoint, kept wrapped for this management key."""
    made = {
        slot: new_key(KeyScope.CALL, at, endpoint_id=endpoint_id, slot=slot, management_token=token) for slot in KeySlot
    }
    return [each.key for each in made.values()], {slot: each.token for slot, each in made.items()}


def is_fixed(endpoint: Endpoint) -> bool:
    """Whether it takes no new resources: the default endpoint never did."""
    return endpoint.prevent_update or endpoint.name == DEFAULT_ENDPOINT


def _check_name(name: str) -> None:
    if not (1 <= len(name) <= MAX_NAME_CHARACTERS and name.isascii() and name.isalnum()):
        raise InvalidUsage(
            f"An endpoint cannot be called {name[:80]!r}: use lower-case letters and digits, at most "
            f"{MAX_NAME_CHARACTERS}.",
            name=name,
        )


def _is_id(text: str) -> bool:
    return len(text.replace("-", "")) == 32 and set(text.lower()) <= set("0123456789abcdef-")


def _merged(before: tuple[EndpointResource, ...], after: tuple[EndpointResource, ...]) -> tuple[EndpointResource, ...]:
    """A resource of the same name is replaced."""
    names = {each.name for each in after}
    return (*(each for each in before if each.name not in names), *after)
