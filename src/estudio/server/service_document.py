"""The OpenAPI 3.1 document of one service or of one of its versions, with examples from the experiment's own data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.errors import PortNotFound
from estudio.server.job_paths import job_paths, job_schemas, made_instead
from estudio.server.openapi_parts import OPENAPI, REQUEST_ID, Document, components, problem_responses
from estudio.workspace.web_calls import (
    JSON,
    BodyFormat,
    answer_formats,
    request_examples,
    request_schema,
    response_example,
    response_schema,
)

if TYPE_CHECKING:
    from estudio.core.module_kind import Parameter
    from estudio.core.service import ServicePort
    from estudio.services.calling import LiveEndpoint
    from estudio.tables.table import Table

SCORE_PROBLEMS = (400, 401, 404, 405, 406, 408, 409, 413, 415, 422, 429, 431, 500, 502, 503, 504, 507)
"""What a score call may be answered with; a test compares it with the table of problems."""


def service_document(live: LiveEndpoint, *, pinned: bool, server_url: str, has_jobs: bool = False) -> Document:
    """The document of an endpoint's service.

    Args:
        live: the service with the version that is described.
        pinned: describe the version's own address, not that of the service.
        server_url: before all paths; `/` for the server's own address.
        has_jobs: describe the routes of jobs, too.
    """
    version = live.version
    samples = _samples(live)
    base = f"/services/{live.service.name}" + (f"/versions/{version.number}" if pinned else "")
    schemas = {"Call": request_schema(version, samples), "Answer": response_schema(version, samples)}
    schemas["Answer"]["properties"]["visualizations"] = {
        "type": "object",
        "description": "By module: what it printed (`text`) and drew (`images`); only where the query asks for it.",
    }
    paths: Document = {f"{base}/score": {"post": _score(live, samples, has_jobs=has_jobs)}}
    if has_jobs:
        paths |= job_paths(live, base, pinned=pinned)
        schemas |= job_schemas(live, samples)
    return {
        "openapi": OPENAPI,
        "info": {
            "title": version.title or live.service.name,
            "description": version.description or f"The web service {live.service.name}.",
            "version": str(version.number),
        },
        "servers": [{"url": server_url or "/"}],
        "security": [{"bearerKey": []}],
        "paths": paths,
        "components": components(SCORE_PROBLEMS, schemas),
    }


def _score(live: LiveEndpoint, samples: dict[str, Table], *, has_jobs: bool) -> Document:
    version = live.version
    has_required = bool(version.inputs) or any(p.required and p.default is None for p in version.parameters)
    return {
        "operationId": "score",
        "summary": f"Score with {version.title or live.service.name}",
        "parameters": [*_headers(), *_query(version.parameters)],
        "requestBody": {"required": has_required, "content": _request_content(live, samples)},
        "responses": {
            "200": {
                "description": "The outputs.",
                "headers": {
                    **REQUEST_ID,
                    "X-Service-Version": {"description": "The version that answered.", "schema": {"type": "integer"}},
                    "Server-Timing": {"description": "Queueing and scoring.", "schema": {"type": "string"}},
                },
                "content": _answer_content(live, samples),
            },
            **(made_instead(live) if has_jobs else {}),
            **problem_responses(SCORE_PROBLEMS),
        },
    }


def _request_content(live: LiveEndpoint, samples: dict[str, Table]) -> Document:
    examples = {name: {"value": value} for name, value in request_examples(live.version, samples).items()}
    content: Document = {JSON: {"schema": {"$ref": "#/components/schemas/Call"}}}
    if all(port.name in samples for port in live.version.inputs):
        content[JSON]["examples"] = examples
    if len(live.version.inputs) == 1:
        content |= {str(each): _file_content(each) for each in BodyFormat}
    return content


def _answer_content(live: LiveEndpoint, samples: dict[str, Table]) -> Document:
    content: Document = {JSON: {"schema": {"$ref": "#/components/schemas/Answer"}}}
    if all(port.name in samples for port in live.version.outputs):
        content[JSON]["example"] = response_example(live.version, samples)
    formats = [each for each in answer_formats(live.version) if each != JSON]
    return content | {str(each): _file_content(each) for each in formats}


def _file_content(format_: str) -> Document:
    return (
        {"schema": {"type": "string", "description": "A table with a header line."}}
        if format_ == BodyFormat.CSV
        else {}
    )


def _headers() -> list[Document]:
    def header(name: str, words: str, pattern: str) -> Document:
        return {
            "name": name,
            "in": "header",
            "required": False,
            "description": words,
            "schema": {"type": "string", "pattern": pattern},
        }

    return [
        header(
            "Idempotency-Key",
            "The same key with the same call gets the same answer for a day.",
            "^[A-Za-z0-9_-]{1,255}$",
        ),
        header("X-Request-Id", "An id of yours; the answer and the log have it.", "^[A-Za-z0-9._:-]{1,128}$"),
    ]


def _query(parameters: tuple[Parameter, ...]) -> list[Document]:
    orient = {
        "name": "orient",
        "in": "query",
        "required": False,
        "description": "How tables of the answer are written in JSON; else as the input was.",
        "schema": {"type": "string", "enum": ["records", "split"]},
    }
    visualizations = {
        "name": "visualizations",
        "in": "query",
        "required": False,
        "description": "With `true` a JSON answer has also what scripts printed and drew, by module.",
        "schema": {"type": "string", "enum": ["true", "false"]},
    }
    del parameters  # they may stand in the query, too, but the body is where they are described
    return [orient, visualizations]


def _samples(live: LiveEndpoint) -> dict[str, Table]:
    ports: tuple[ServicePort, ...] = (*live.version.inputs, *live.version.outputs)
    found: dict[str, Table] = {}
    for port in ports:
        try:
            found[port.name] = live.sample(port.name)
        except PortNotFound:
            continue
    return found
