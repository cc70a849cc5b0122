"""Parts of OpenAPI documents that all of them share: problems, headers, security."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from estudio.server.problems import ERRORS, FAILURES, INVALID_CALL, MEDIA_TYPE, ROUTING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estudio.server.problems import ProblemKind

Document = dict[str, Any]

OPENAPI = "3.1.1"
SECURITY: Document = {"bearerKey": {"type": "http", "scheme": "bearer", "description": "A key of the endpoint."}}
REQUEST_ID: Document = {
    "X-Request-Id": {"description": "The request's id, for questions about it.", "schema": {"type": "string"}}
}
RETRY_AFTER: Document = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}

PROBLEM_SCHEMA: Document = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "An address with words about it."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "code": {"type": "string", "description": "Stable; the end of `type`."},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Place"}},
        "error_count": {"type": "integer", "description": "Of all errors; `errors` names the first."},
        "module": {"type": "string", "description": "The module whose script failed."},
        "module_title": {"type": "string"},
        "error_code": {"type": "string"},
        "line": {"type": ["integer", "null"], "description": "Of the script, from 1."},
        "traceback": {"type": "string"},
    },
}
PLACE_SCHEMA: Document = {
    "type": "object",
    "description": "One thing that is wrong with a call.",
    "required": ["code", "detail", "pointer"],
    "properties": {
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "pointer": {"type": "string", "description": "JSON Pointer (RFC 6901) into the body."},
        "input": {"type": "string", "description": "The input's or parameter's name."},
        "row": {"type": "integer", "minimum": 0, "description": "From 0."},
        "column": {"type": "string"},
    },
}


def all_problem_statuses() -> dict[int, list[ProblemKind]]:
    """Every kind of problem by status."""
    kinds: dict[int, dict[str, ProblemKind]] = {}
    for table in (INVALID_CALL.values(), ERRORS.values(), FAILURES.values(), ROUTING.values()):
        for kind in table:
            kinds.setdefault(kind.status, {})[kind.code] = kind
    return {status: list(found.values()) for status, found in sorted(kinds.items())}


def problem_responses(statuses: Iterable[int]) -> Document:
    """References to the responses of these statuses."""
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(statuses)}


def components(statuses: Iterable[int], schemas: Document) -> Document:
    """The components of a document with these problems."""
    wanted = set(statuses)
    responses = {
        f"Problem{status}": _response(status, kinds)
        for status, kinds in all_problem_statuses().items()
        if status in wanted
    }
    return {
        "securitySchemes": SECURITY,
        "schemas": {**schemas, "Problem": PROBLEM_SCHEMA, "Place": PLACE_SCHEMA},
        "responses": responses,
    }


def _response(status: int, kinds: list[ProblemKind]) -> Document:
    words = "; ".join(f"`{kind.code}`: {kind.title}" for kind in kinds)
    headers = REQUEST_ID | RETRY_AFTER if status in (429, 503) else REQUEST_ID
    return {
        "description": words + ".",
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
