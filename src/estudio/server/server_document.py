"""The OpenAPI 3.1 document of the server itself: health, metrics, and where each service's own document is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.server.openapi_parts import OPENAPI, REQUEST_ID, RETRY_AFTER, Document, components, problem_responses

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Document = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
VERSION: Document = {"name": "version", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
ROUTE_PROBLEMS = (404, 405, 500)


def server_document(server_url: str, services: Sequence[str]) -> Document:
    """The document; `services` are named in its description."""
    listed = "".join(f"\n- `/services/{name}/openapi.json`" for name in services)
    words = (
        f"What this server answers beside its services, each of which has a document of its own:{listed or ' none.'}"
    )
    return {
        "openapi": OPENAPI,
        "info": {"title": "estudio", "version": "1", "description": words},
        "servers": [{"url": server_url or "/"}],
        "paths": _paths(),
        "components": components((*ROUTE_PROBLEMS, 401, 503), {}),
    }


def _paths() -> Document:
    status = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
    waiting: Document = {
        "description": "Not yet, or not any more.",
        "headers": REQUEST_ID | RETRY_AFTER,
        "content": {"application/json": {"schema": status}},
    }
    described = _json("An OpenAPI 3.1 document.", {"type": "object"})
    return {
        "/health/live": _get("live", "The process answers.", _json("It does.", status)),
        "/health/ready": _get("ready", "Calls would be answered.", _json("They would.", status), {"503": waiting}),
        "/metrics": _get("metrics", "Counters for Prometheus.", _text("text/plain"), problem_responses((401,))),
        "/openapi.json": _get("serverDocument", "This document.", described),
        "/services/{name}/openapi.json": _get(
            "serviceDocument", "A service's document.", described, problem_responses((401,)), [NAME]
        ),
        "/services/{name}/versions/{version}/openapi.json": _get(
            "versionDocument", "A version's document.", described, problem_responses((401,)), [NAME, VERSION]
        ),
        "/problems": _get("problems", "All kinds of problems.", _text("text/html")),
        "/problems/{code}": _get(
            "problem",
            "One kind of problem.",
            _text("text/html"),
            {},
            [{"name": "code", "in": "path", "required": True, "schema": {"type": "string"}}],
        ),
    }


def _get(
    operation: str, words: str, answer: Document, more: Document | None = None, parameters: list[Document] | None = None
) -> Document:
    responses = {"200": answer, **problem_responses(ROUTE_PROBLEMS), **(more or {})}
    return {"get": {"operationId": operation, "summary": words, "parameters": parameters or [], "responses": responses}}


def _json(words: str, schema: Document) -> Document:
    return {"description": words, "headers": REQUEST_ID, "content": {"application/json": {"schema": schema}}}


def _text(media_type: str) -> Document:
    return {
        "description": "A page.",
        "headers": REQUEST_ID,
        "content": {media_type: {"schema": {"type": "string"}}},
    }
