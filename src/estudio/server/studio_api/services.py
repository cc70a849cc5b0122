"""Web services of the old management interface: list, get, remove, and publishing from code or from an experiment."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

from estudio.core.service import DEFAULT_ENDPOINT
from estudio.errors import EstudioError, InvalidCall, ServiceNotFound
from estudio.server.studio_api.answers import iso_time, json_answer
from estudio.server.studio_api.calls import StudioCall, studio_route
from estudio.workspace.code_bundle import parse_code_bundle

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from estudio.server.context import ServerContext
    from estudio.workspace.publishing import PublishedVersion
    from estudio.workspace.studio_objects import StudioObjects
    from estudio.workspace.studio_services import StudioService

SEEN_SECONDS = 10.0
"""How long a publisher waits until this process answers calls of what it published: the client calls at once."""
SEEN_STEP_SECONDS = 0.02
_ID = re.compile(r"[0-9a-f]{32}")


async def list_services(call: StudioCall) -> Response:
    """All web services."""
    found = await call.context.run(call.studio.services.list)
    return json_answer([_described(call, service) for service in found])


async def get_service(call: StudioCall) -> Response:
    """One web service."""
    return json_answer(_described(call, await call.context.run(call.studio.services.get, call.path("id"))))


async def remove_service(call: StudioCall) -> Response:
    """Remove a web service with all that is its."""
    await call.context.run(call.studio.services.remove, call.path("id"))
    return json_answer({})


async def publish_code(call: StudioCall) -> Response:
    """A function becomes a web service of the given id, or its next version."""
    service_id = call.path("id").replace("-", "").lower()
    if not _ID.fullmatch(service_id):
        raise InvalidCall("The id of a web service has 32 hexadecimal digits.")
    bundle = parse_code_bundle(await call.json(call.context.settings.max_body_bytes))
    published = await call.context.run(call.studio.publisher.publish_code, service_id, bundle, call.token)
    await _wait_until_seen(call, published)
    described = await call.context.run(call.studio.services.get, service_id)
    return json_answer(_described(call, described), 201 if published.version.number == 1 else 200)


async def publish_experiment(call: StudioCall) -> Response:
    """An experiment becomes a web service; the answer comes when that is done."""
    name = await call.context.run(call.studio.experiments.name_of, call.path("id"))
    update = call.query("updateExistingWebService").lower() == "true"
    publish = call.studio.publisher.publish_experiment
    published = await call.context.run(lambda: publish(name, call.token, update=update))
    await _wait_until_seen(call, published)
    return json_answer(_activity(published.service.id, published.endpoint.id, published.version.number))


async def get_publishing(call: StudioCall) -> Response:
    """What became of publishing an experiment."""
    name = await call.context.run(call.studio.experiments.name_of, call.path("id"))
    service = await call.context.run(call.studio.publisher.find_published, name)
    if service is None:
        raise ServiceNotFound(f"The experiment {name} has not been published.", experiment=name)
    described = await call.context.run(call.studio.services.get, service)
    endpoint = await call.context.run(call.studio.services.endpoint, service, DEFAULT_ENDPOINT, call.token)
    return json_answer(_activity(described.service.id, endpoint.endpoint.id, described.version.number))


async def _wait_until_seen(call: StudioCall, published: PublishedVersion) -> None:
    """The host watches the store; whoever has published calls at once, and is not to be told that there is nothing."""
    deadline = time.monotonic() + SEEN_SECONDS
    while time.monotonic() < deadline:
        try:
            live = await call.context.run(call.context.host.find_by_id, published.endpoint.id)
        except EstudioError:
            pass
        else:
            if live.version.number == published.service.current:
                return
        await asyncio.sleep(SEEN_STEP_SECONDS)


def _activity(service_id: str, endpoint_id: str, version: int) -> dict[str, Any]:
    return {
        "ActivityId": f"{service_id}-{version}",
        "WebServiceGroupId": service_id,
        "EndpointId": endpoint_id,
        "Status": "Completed",
    }


def _described(call: StudioCall, found: StudioService) -> dict[str, Any]:
    service, version = found.service, found.version
    return {
        "Id": service.id,
        "Name": service.name,
        "Description": version.description or version.title,
        "CreationTime": iso_time(service.created_at),
        "WorkspaceId": call.studio.workspace_id,
        "DefaultEndpointName": DEFAULT_ENDPOINT,
        "EndpointCount": found.endpoint_count,
    }


def routes(context: ServerContext, studio: StudioObjects) -> list[BaseRoute]:
    """Routes of web services, and of publishing."""
    place = "/workspaces/{ws}/webservices"
    publishing = "/api/workspaces/{ws}/experiments/{id}/webservice"
    by_id = {"GET": get_service, "PUT": publish_code, "DELETE": remove_service}
    return [
        *studio_route(place, {"GET": list_services}, context, studio),
        *studio_route(place + "/{id}", by_id, context, studio),
        *studio_route(publishing, {"POST": publish_experiment, "GET": get_publishing}, context, studio),
    ]
