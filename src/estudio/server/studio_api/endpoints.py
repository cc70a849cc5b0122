"""Endpoints of the old management interface: list, get with keys, add, change, retrain, refresh, remove."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from starlette.responses import Response

from estudio.core.service import DEFAULT_CONCURRENT_CALLS, MAX_CONCURRENT_CALLS, Diagnostics, EndpointResource
from estudio.errors import DatasetNotFound, InvalidCall, JobNotFound
from estudio.server.classic.blob_tokens import READ, BlobPlace, check_token
from estudio.server.classic.blobs import RESULTS, split_result_name
from estudio.server.studio_api.answers import iso_time, json_answer
from estudio.server.studio_api.calls import StudioCall, choice_field, studio_route, text_field
from estudio.workspace.blobs import INPUT_FORMATS, format_of
from estudio.workspace.services import MAX_DESCRIPTION_CHARACTERS
from estudio.workspace.studio_services import is_fixed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.routing import BaseRoute

    from estudio.server.context import ServerContext
    from estudio.workspace.studio_objects import StudioObjects
    from estudio.workspace.studio_services import StudioEndpoint

TRACE_LEVELS = {"None": Diagnostics.NONE, "Error": Diagnostics.ERRORS, "All": Diagnostics.ALL}
THROTTLE_LEVELS = {"Low": DEFAULT_CONCURRENT_CALLS, "High": MAX_CONCURRENT_CALLS}
"""What a level means where no number is given."""
MAX_RESOURCES = 100
MAX_PLACE_CHARACTERS = 2_000


async def list_endpoints(call: StudioCall) -> Response:
    """All endpoints of a web service."""
    found = await call.context.run(call.studio.services.endpoints, call.path("id"), call.token)
    return json_answer([_described(call, endpoint) for endpoint in found])


async def get_endpoint(call: StudioCall) -> Response:
    """One endpoint, with its keys for the management key that made them."""
    return json_answer(_described(call, await _endpoint(call)))


async def put_endpoint(call: StudioCall) -> Response:
    """Add an endpoint, or change the one of that name."""
    changes = _changes(await call.json())
    services = call.studio.services
    made = await call.context.run(services.put_endpoint, call.path("id"), call.path("name"), changes, call.token)
    return json_answer(_described(call, made), 201)


async def patch_endpoint(call: StudioCall) -> Response:
    """Change an endpoint; `Resources` replaces results of the experiment that were computed when it was published."""
    body = await call.json()
    shown = await _endpoint(call)
    resources, changes = await _resources(call, body.get("Resources")), _changes(body)
    services, place = call.studio.services, (call.path("id"), call.path("name"))
    if resources is not None:
        shown = await call.context.run(services.update_resources, *place, resources, call.token)
    if changes:
        shown = await call.context.run(services.change_endpoint, *place, changes, call.token)
    return json_answer(_described(call, shown))


async def remove_endpoint(call: StudioCall) -> Response:
    """Remove an endpoint, but not the default one."""
    await call.context.run(call.studio.services.remove_endpoint, call.path("id"), call.path("name"))
    return json_answer({})


async def refresh_endpoint(call: StudioCall) -> Response:
    """Follow the service's current version again; 304 where nothing changed."""
    body = await call.json()
    overwrite = str(body.get("OverwriteResources", "")).lower() == "true"
    refresh = call.studio.services.refresh
    changed = await call.context.run(lambda: refresh(call.path("id"), call.path("name"), overwrite_resources=overwrite))
    return json_answer({}) if changed else Response(status_code=304)


async def _endpoint(call: StudioCall) -> StudioEndpoint:
    return await call.context.run(call.studio.services.endpoint, call.path("id"), call.path("name"), call.token)


def _changes(body: Mapping[str, Any]) -> dict[str, object]:
    """What the body says, in our words. Raises InvalidCall."""
    calls, update = body.get("MaxConcurrentCalls"), body.get("PreventUpdate")
    if calls is not None and (isinstance(calls, bool) or not isinstance(calls, int)):
        raise InvalidCall("MaxConcurrentCalls must be a whole number.")
    if update is not None and not isinstance(update, bool):
        raise InvalidCall("PreventUpdate must be true or false.")
    level = choice_field(body, "ThrottleLevel", tuple(THROTTLE_LEVELS))
    trace = choice_field(body, "DiagnosticsTraceLevel", tuple(TRACE_LEVELS))
    changes: dict[str, object] = {
        "max_concurrent_calls": calls if calls is not None else THROTTLE_LEVELS.get(level or ""),
        "diagnostics": TRACE_LEVELS.get(trace or ""),
        "prevent_update": update,
        "description": text_field(body, "Description", most=MAX_DESCRIPTION_CHARACTERS)
        if "Description" in body
        else None,
    }
    return {name: value for name, value in changes.items() if value is not None}


async def _resources(call: StudioCall, given: object) -> tuple[EndpointResource, ...] | None:
    if given is None:
        return None
    if not isinstance(given, list) or len(given) > MAX_RESOURCES:
        raise InvalidCall(f"Resources must be a list of at most {MAX_RESOURCES} objects with Name and Location.")
    return tuple([await _resource(call, each) for each in given])


async def _resource(call: StudioCall, given: object) -> EndpointResource:
    location = given.get("Location") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(location, dict):
        raise InvalidCall("Each of Resources must be an object with Name and Location.")
    name = text_field(given, "Name", most=MAX_PLACE_CHARACTERS)
    place = _blob_place(call, location)
    secret = await call.context.run(call.studio.blobs.secret)
    token = dict(parse_qsl(text_field(location, "SasBlobToken", most=MAX_PLACE_CHARACTERS).removeprefix("?")))
    check_token(secret, token, place, READ, time.time())
    path = await call.context.run(_file_of, call, place)
    suffix = format_of(place.name, INPUT_FORMATS) or "csv"
    return await call.context.run(call.studio.services.make_resource, call.path("id"), name, path, suffix)


def _blob_place(call: StudioCall, location: Mapping[str, Any]) -> BlobPlace:
    """The place of a file of ours that a location means. Raises InvalidCall."""
    base = text_field(location, "BaseLocation", most=MAX_PLACE_CHARACTERS)
    relative = text_field(location, "RelativeLocation", most=MAX_PLACE_CHARACTERS)
    _, found, rest = (base.rstrip("/") + "/" + relative.lstrip("/")).partition("/blobs/")
    parts = unquote(rest).split("/", 2)
    if not found or len(parts) != 3 or not all(parts):
        raise InvalidCall(
            "Location must be a file of this server: BaseLocation, RelativeLocation and SasBlobToken as a job's "
            f"result has them, with a BaseLocation that begins with {call.base_url}/blobs/."
        )
    return BlobPlace(parts[0].lower(), parts[1], parts[2])


def _file_of(call: StudioCall, place: BlobPlace) -> Path:
    """Where a result or an upload lies. Raises JobNotFound, DatasetNotFound."""
    if place.container != RESULTS:
        path = call.studio.blobs.find(place.account, place.container, place.name)
        if path is None:
            raise DatasetNotFound(f"There is no file {place.container}/{place.name[:200]}.")
        return path
    parts = split_result_name(place.name)
    if parts is None or call.context.jobs is None:
        raise JobNotFound(f"There is no result {place.name[:200]}.")
    job = call.context.jobs.get(parts[0])
    if job.endpoint_id != place.account or parts[1] not in job.results:
        raise JobNotFound(f"There is no result {place.name[:200]}.")
    found: Path = call.context.jobs.result_path(job, parts[1])
    return found


def _described(call: StudioCall, shown: StudioEndpoint) -> dict[str, Any]:
    endpoint, service = shown.endpoint, shown.service
    place = f"workspaces/{call.studio.workspace_id}"
    levels = {diagnostics: level for level, diagnostics in TRACE_LEVELS.items()}
    return {
        "Name": endpoint.name,
        "Description": endpoint.description,
        "CreationTime": iso_time(endpoint.created_at),
        "WorkspaceId": call.studio.workspace_id,
        "WebServiceId": service.id,
        "HelpLocation": f"{call.base_url}/apihelp/{place}/webservices/{service.id}/endpoints/{endpoint.name}",
        "PrimaryKey": shown.primary,
        "SecondaryKey": shown.secondary,
        "ApiLocation": f"{call.base_url}/{place}/services/{endpoint.id}",
        "Version": str(shown.version),
        "PreventUpdate": is_fixed(endpoint),
        "SampleDataEnabled": True,
        "ExperimentLocation": "",
        "MaxConcurrentCalls": endpoint.max_concurrent_calls,
        "DiagnosticsTraceLevel": levels[endpoint.diagnostics],
        "ThrottleLevel": "High" if endpoint.max_concurrent_calls > DEFAULT_CONCURRENT_CALLS else "Low",
        "Resources": [{"Name": each.name, "Kind": "Dataset", "Location": None} for each in endpoint.resources],
    }


def routes(context: ServerContext, studio: StudioObjects) -> list[BaseRoute]:
    """Routes of endpoints."""
    place = "/workspaces/{ws}/webservices/{id}/endpoints"
    one = {"GET": get_endpoint, "PUT": put_endpoint, "PATCH": patch_endpoint, "DELETE": remove_endpoint}
    return [
        *studio_route(place, {"GET": list_endpoints}, context, studio),
        *studio_route(place + "/{name}", one, context, studio),
        *studio_route(place + "/{name}/refresh", {"POST": refresh_endpoint}, context, studio),
    ]
