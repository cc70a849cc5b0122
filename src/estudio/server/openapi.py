"""OpenAPI 3.1: a document for each service and version, and one for the server's own routes.

Readable without a key, as the old system's swagger.json, unless `public_descriptions` is off: then a key of the
service's endpoint, or one to manage, is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response
from starlette.routing import Route

from estudio.server.access import authorize
from estudio.server.exchange import exchange_of
from estudio.server.score import find_live
from estudio.server.server_document import server_document
from estudio.server.service_document import service_document

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from estudio.server.context import ServerContext

MEDIA_TYPE = "application/json"


def routes(context: ServerContext) -> list[BaseRoute]:
    """The documents' routes."""
    url = context.settings.public_url.rstrip("/")

    async def of_service(request: Request) -> Response:
        live = find_live(context, request.path_params)
        exchange_of(request.scope).is_about(live)
        if not context.settings.public_descriptions:
            authorize(context, request.scope, live.endpoint)
        pinned = "version" in request.path_params
        document = await context.run(
            service_document, live, pinned=pinned, server_url=url, has_jobs=context.jobs is not None
        )
        return Response(orjson.dumps(document, option=orjson.OPT_INDENT_2), media_type=MEDIA_TYPE)

    async def of_server(request: Request) -> Response:
        del request
        names = [service.name for service in context.host.services()] if context.settings.public_descriptions else []
        document = server_document(url, names)
        return Response(orjson.dumps(document, option=orjson.OPT_INDENT_2), media_type=MEDIA_TYPE)

    return [
        Route("/openapi.json", of_server, methods=["GET"]),
        Route("/services/{name}/openapi.json", of_service, methods=["GET"]),
        Route("/services/{name}/versions/{version}/openapi.json", of_service, methods=["GET"]),
    ]
