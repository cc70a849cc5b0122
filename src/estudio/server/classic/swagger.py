"""`swagger.json` of an endpoint, without a key: Swagger 2.0 of the call with `format=swagger`.

The R client takes the HTTP method from the *second* path and finds the call by its operationId, so the document's own
path stands first and is described too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from estudio.server.access import authorize
from estudio.server.classic.blobs import own_address
from estudio.server.classic.door import Answer, classic_route, find_live
from estudio.server.classic.help_routes import samples_of
from estudio.workspace.call_wire import swagger_definitions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from estudio.server.context import ServerContext
    from estudio.services.calling import LiveEndpoint

PATHS = (
    "/workspaces/{workspace}/services/{endpoint}/swagger.json",
    "/subscriptions/{subscription}/services/{endpoint}/swagger.json",
)
EXECUTE = "/execute?api-version=2.0&format=swagger"
ERROR_RESPONSE = "ErrorResponse"


def routes(context: ServerContext) -> list[Route]:
    """Both addresses."""
    return [classic_route(context, path, swagger, "GET") for path in PATHS]


async def swagger(context: ServerContext, request: Request) -> Response:
    """The document."""
    live = find_live(context, request)
    if not context.settings.public_descriptions:
        authorize(context, request.scope, live.endpoint)
    address = own_address(context, request) + request.url.path.removesuffix("/swagger.json")
    body = await context.run(_write, live, address)
    return Answer(body).response(request)


def _write(live: LiveEndpoint, address: str) -> bytes:
    names = [port.name for port in (*live.version.inputs, *live.version.outputs)]
    definitions = swagger_definitions(live.version, samples_of(live, names))
    return orjson.dumps(swagger_document(live, address, definitions))


def swagger_document(live: LiveEndpoint, address: str, definitions: Mapping[str, object]) -> dict[str, object]:
    """The whole document; `address` is the endpoint's own, definitions say what goes in and comes out."""
    parts = urlsplit(address)
    return {
        "swagger": "2.0",
        "info": {
            "version": "2.0",
            "title": live.version.title,
            "description": live.version.description or f"The web service {live.service.name}.",
            "x-endpoint-name": live.endpoint.name,
        },
        "host": parts.netloc,
        "basePath": parts.path,
        "schemes": [parts.scheme],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": {"/swagger.json": {"get": _OWN_CALL}, EXECUTE: {"post": _EXECUTE_CALL}},
        "securityDefinitions": {"Bearer": {"type": "apiKey", "name": "Authorization", "in": "header"}},
        "security": [{"Bearer": []}],
        "definitions": {**definitions, **_ERROR_DEFINITIONS},
    }


_OWN_CALL = {
    "summary": "This document.",
    "operationId": "getSwaggerDocument",
    "security": [],
    "responses": {"200": {"description": "Swagger 2.0.", "schema": {"type": "object"}}},
}
_EXECUTE_CALL = {
    "summary": "Call the web service and wait for its answer.",
    "operationId": "execute",
    "parameters": [
        {
            "name": "executionPayload",
            "in": "body",
            "description": "The rows of each input, and the values of parameters.",
            "required": True,
            "schema": {"$ref": "#/definitions/ExecutionRequest"},
        }
    ],
    "responses": {
        "200": {"description": "The rows of each output.", "schema": {"$ref": "#/definitions/ExecutionResponse"}},
        "default": {"description": "What went wrong.", "schema": {"$ref": f"#/definitions/{ERROR_RESPONSE}"}},
    },
}
_ERROR_DEFINITIONS: dict[str, object] = {
    ERROR_RESPONSE: {"type": "object", "properties": {"error": {"$ref": "#/definitions/ErrorBody"}}},
    "ErrorBody": {
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "string"},
            "message": {"type": "string"},
            "details": {"type": "array", "items": {"$ref": "#/definitions/ErrorDetail"}},
        },
    },
    "ErrorDetail": {
        "type": "object",
        "required": ["code", "message"],
        "properties": {"code": {"type": "string"}, "target": {"type": "string"}, "message": {"type": "string"}},
    },
}
