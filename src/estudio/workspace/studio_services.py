"""Web services as the old management interface knows them: endpoints by name, with keys that a manager sees again.

A key is shown to the management key under which it was made, and to nobody else: it is kept wrapped for that one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.module_kind import PortType
from estudio.core.service import (
    DEFAULT_ENDPOINT,
    Endpoint,
    EndpointResource,
    KeySlot,
    Service,
)
from estudio.errors import EndpointNotFound, InvalidInput, InvalidUsage, PortNotFound, StateConflict
from estudio.services.frozen_version import load_manifest
from estudio.services.keys import newest_of_slot, unwrap_key

if TYPE_CHECKING:
    import builtins
    from collections.abc import Mapping
    from pathlib import Path

    from estudio.core.service import ServiceVersion
    from estudio.workspace.open import WorkspaceParts
    from estudio.workspace.services import WorkspaceServices


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


class StudioServices:
    """The web services of one workspace, for old clients. Any thread may use it. Raises StoreFailed.

    Args:
        parts: of the workspace.
        services: its web services.
    """

    def __init__(self, parts: WorkspaceParts, services: WorkspaceServices) -> None:
        self._parts = parts
        self._services = services

    def list(self) -> list[StudioService]:
        """All, by name."""
        return [self._described(service) for service in self._services.list()]

    def get(self, service_id: str) -> StudioService:
        """Of that id or name. Raises ServiceNotFound."""
        return self._described(self._service(service_id))

    def remove(self, service_id: str) -> None:
        """With its versions, endpoints and keys. Raises ServiceNotFound; StateConflict where jobs go on."""
        self._services.remove(self._service(service_id).id)

    def endpoints(self, service_id: str, token: str) -> builtins.list[StudioEndpoint]:
        """All of a service, the default one first. Raises ServiceNotFound."""
        service = self._service(service_id)
        return [self._shown(service, each, token) for each in self._services.endpoints(service.id)]

    def endpoint(self, service_id: str, name: str, token: str) -> StudioEndpoint:
        """One, with its keys for who made them. Raises ServiceNotFound, EndpointNotFound."""
        service = self._service(service_id)
        return self._shown(service, self._services.endpoint(service.id, name.lower()), token)

    def put_endpoint(self, service_id: str, name: str, changes: Mapping[str, object], token: str) -> StudioEndpoint:
        """Make an endpoint with two keys, or change the one that is there.

        Args:
            service_id: of the service.
            name: the endpoint's.
            changes: fields of `core.service.Endpoint`.
            token: the management key, for which the endpoint's keys are kept wrapped.

        Raises:
            ServiceNotFound: there is no such service.
            InvalidUsage: a name or number that cannot be.
        """
        service = self._service(service_id)
        try:
            self._services.endpoint(service.id, name.lower())
        except EndpointNotFound:
            made = self._services.add_endpoint(service.id, name.lower(), management_token=token, **changes)
            return self._shown(service, made.endpoint, token)
        return self.change_endpoint(service_id, name, changes, token)

    def change_endpoint(self, service_id: str, name: str, changes: Mapping[str, object], token: str) -> StudioEndpoint:
        """Change an endpoint.

        Raises:
            ServiceNotFound, EndpointNotFound: nothing of that name.
            InvalidUsage: a value that cannot be.
            StateConflict: resources for the default endpoint, or for one that refuses updates.
        """
        service = self._service(service_id)
        changed = self._services.change_endpoint(service.id, name.lower(), **changes)
        return self._shown(service, changed, token)

    def update_resources(
        self, service_id: str, name: str, resources: tuple[EndpointResource, ...], token: str
    ) -> StudioEndpoint:
        """Put resources on an endpoint, over those of the same names. Raises as `change_endpoint`."""
        service = self._service(service_id)
        endpoint = self._services.endpoint(service.id, name.lower())
        if is_fixed(endpoint):
            raise StateConflict(
                f"The endpoint {name} takes no new resources: it is the default one, or its PreventUpdate is set. "
                "Add another endpoint and update that one.",
                endpoint=name,
            )
        new = {each.name for each in resources}
        kept = tuple(each for each in endpoint.resources if each.name not in new)
        return self.change_endpoint(service_id, name, {"resources": (*kept, *resources)}, token)

    def remove_endpoint(self, service_id: str, name: str) -> None:
        """Raises ServiceNotFound, EndpointNotFound; StateConflict for the default one."""
        self._services.remove_endpoint(self._service(service_id).id, name.lower())

    def refresh(self, service_id: str, name: str, *, overwrite_resources: bool) -> bool:
        """Let an endpoint follow the service again, and forget its own resources if asked; whether that was a change.

        Raises ServiceNotFound, EndpointNotFound.
        """
        service = self._service(service_id)
        endpoint = self._services.endpoint(service.id, name.lower())
        resources = () if overwrite_resources else endpoint.resources
        if endpoint.version is None and resources == endpoint.resources:
            return False
        self._services.change_endpoint(service.id, endpoint.name, version=None, resources=resources)
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
        return self._services.get(service_id.replace("-", "").lower() if _is_id(service_id) else service_id)

    def _described(self, service: Service) -> StudioService:
        version = self._services.version(service.id)
        return StudioService(service, version, len(self._services.endpoints(service.id)))

    def _shown(self, service: Service, endpoint: Endpoint, token: str) -> StudioEndpoint:
        keys = self._parts.services.list_keys(endpoint.id)
        shown = {slot: newest_of_slot(keys, slot) for slot in KeySlot}
        plain = {slot: None if key is None else unwrap_key(key, token) for slot, key in shown.items()}
        version = service.current if endpoint.version is None else endpoint.version
        return StudioEndpoint(
            service, endpoint, version, plain[KeySlot.PRIMARY] or "", plain[KeySlot.SECONDARY] or ""
        )  # fmt: skip


def is_fixed(endpoint: Endpoint) -> bool:
    """Whether it takes no new resources: the default endpoint never did."""
    return endpoint.prevent_update or endpoint.name == DEFAULT_ENDPOINT


def _is_id(text: str) -> bool:
    return len(text.replace("-", "")) == 32 and set(text.lower()) <= set("0123456789abcdef-")
