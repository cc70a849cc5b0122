"""The addresses of the help pages: HelpLocation + `/score` and `/jobs`, readable without a key.

The endpoint stands in the address by its id (as the R client reads it out) or by its name; the service alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from estudio.errors import EndpointNotFound, PortNotFound, ServiceNotFound
from estudio.server.access import authorize
from estudio.server.classic import catalogue as old
from estudio.server.classic.blobs import base_location, own_address
from estudio.server.classic.door import classic_route
from estudio.server.classic.errors import refuse
from estudio.server.classic.help_html import POLICY, HelpFacts, jobs_page, score_page
from estudio.server.exchange import exchange_of
from estudio.workspace.call_addresses import call_addresses
from estudio.workspace.call_programs import LANGUAGE_WORDS
from estudio.workspace.call_samples import call_samples, classic_body
from estudio.workspace.call_wire import render_classic

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route

    from estudio.server.context import ServerContext
    from estudio.services.calling import LiveEndpoint
    from estudio.tables.table import Table

HELP_PATH = "/apihelp/workspaces/{workspace}/webservices/{service}/endpoints/{endpoint}"
PAGES = {"score": score_page, "jobs": jobs_page}


def routes(context: ServerContext) -> list[Route]:
    """Both pages."""
    return [classic_route(context, f"{HELP_PATH}/{name}", help_page, "GET") for name in PAGES]


async def help_page(context: ServerContext, request: Request) -> Response:
    """One page."""
    live = await context.run(find_described, context, request)
    if not context.settings.public_descriptions:
        authorize(context, request.scope, live.endpoint)
    kind = request.url.path.rsplit("/", 1)[-1]
    page = await context.run(lambda: PAGES[kind](help_facts(context, request, live)))
    headers = {"content-security-policy": POLICY, "x-ms-request-id": exchange_of(request.scope).request_id}
    return Response(page, 200, headers, "text/html; charset=utf-8")


def find_described(context: ServerContext, request: Request) -> LiveEndpoint:
    """The endpoint of a help address; blocks. Raises ClassicRefusal: WorkspaceNotFound, WebServiceNotFound."""
    params = {name: str(value) for name, value in request.path_params.items()}
    if params["workspace"].lower() != context.host.workspace_id:
        raise refuse(old.NOT_FOUND, "WorkspaceNotFound")
    try:
        live = context.host.find(params["service"], endpoint=params["endpoint"].lower())
    except (EndpointNotFound, ServiceNotFound):
        live = _by_id(context, params["endpoint"].lower())
    if params["service"] not in (live.service.id, live.service.name, live.endpoint.id):
        raise refuse(old.NOT_FOUND, "WebServiceNotFound")
    exchange_of(request.scope).is_about(live)
    return live


def _by_id(context: ServerContext, endpoint_id: str) -> LiveEndpoint:
    try:
        return context.host.find_by_id(endpoint_id)
    except EndpointNotFound:
        raise refuse(old.NOT_FOUND, "WebServiceNotFound") from None


def help_facts(context: ServerContext, request: Request, live: LiveEndpoint) -> HelpFacts:
    """What the pages tell of an endpoint; blocks."""
    version = live.version
    address = service_address(context, request, live)
    inputs = samples_of(live, [port.name for port in version.inputs])
    outputs = samples_of(live, [port.name for port in version.outputs])
    addresses = call_addresses(
        live.service, version, live.endpoint, own_address(context, request), context.host.workspace_id
    )
    programs = call_samples(version, addresses, inputs).classic
    answer = render_classic(outputs, version, details=True, swagger=False)
    return HelpFacts(
        version.title,
        version.description,
        live.endpoint.name,
        address,
        base_location(context, request, live.endpoint.id),
        version.inputs,
        version.outputs,
        version.parameters,
        classic_body(inputs, version.parameters),
        orjson.loads(answer),
        {LANGUAGE_WORDS[language]: text for language, text in programs.items()},
    )


def service_address(context: ServerContext, request: Request, live: LiveEndpoint) -> str:
    """The endpoint's ApiLocation."""
    return f"{own_address(context, request)}/workspaces/{context.host.workspace_id}/services/{live.endpoint.id}"


def samples_of(live: LiveEndpoint, ports: list[str]) -> dict[str, Table]:
    """The sample table of each port that has one."""
    found = {}
    for port in ports:
        try:
            found[port] = live.sample(port)
        except PortNotFound:
            continue
    return found
