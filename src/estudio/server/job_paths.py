"""The routes of jobs in a service's OpenAPI document: made, watched, cancelled, files up and down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.job import JobState
from estudio.server.openapi_parts import REQUEST_ID, Document, problem_responses
from estudio.workspace.job_requests import FORMAT_FIELD, MEDIA_TYPES, PACKED_MEDIA_TYPE
from estudio.workspace.web_calls import JSON, BodyFormat, request_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.services.calling import LiveEndpoint
    from estudio.tables.table import Table

MAKE_PROBLEMS = (400, 401, 404, 405, 408, 409, 413, 415, 429, 431, 500, 503, 507)
LOOK_PROBLEMS = (400, 401, 404, 405, 429, 431, 500, 503)
EXAMPLE_ID = "0f3a5c7e9b1d2f4a6c8e0b1d3f5a7c9e"
EXAMPLE_UPLOAD = "9b" * 32 + ".csv"
EXAMPLE_TIME = "2026-03-01T12:00:00.000Z"
ID: Document = {
    "name": "job",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}
FORMAT: Document = {
    "name": FORMAT_FIELD,
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": [*MEDIA_TYPES, *(f"{each}.gz" for each in ("csv", "tsv", "jsonl"))]},
}
OCTETS = "application/octet-stream"


def job_schemas(live: LiveEndpoint, samples: dict[str, Table]) -> Document:
    """Schemas of what is sent and told about jobs."""
    call = request_schema(live.version, samples)
    call = call["anyOf"][0] if "anyOf" in call else call  # the others are one input's table as the whole body
    tables = call.get("properties", {}).get("inputs", {}).get("properties", {})
    text: Document = {"type": "string"}
    time: Document = {"type": ["string", "null"], "format": "date-time"}
    count: Document = {"type": ["integer", "null"], "minimum": 0}
    inputs = {port.name: {"anyOf": [_file(), tables.get(port.name, {})]} for port in live.version.inputs}
    request: Document = {
        "type": "object",
        "additionalProperties": False,
        "required": ["inputs"] if inputs else [],
        "properties": {
            "inputs": {
                "type": "object", "additionalProperties": False, "required": list(inputs), "properties": inputs
            },
            "outputs": {
                "type": "object",
                "additionalProperties": False,
                "properties": {port.name: _wanted() for port in live.version.outputs},
                "description": "Those that are not named are CSV.",
            },
        },
    }  # fmt: skip
    if "parameters" in call.get("properties", {}):
        request["properties"]["parameters"] = call["properties"]["parameters"]
    result = _object({"href": text, "format": text, "bytes": {"type": "integer"}, "rows": count})
    job = _object(
        {
            "id": text, "service": text, "endpoint": text, "version": {"type": "integer"},
            "state": {"type": "string", "enum": [state.value for state in JobState]},
            "is_cancelling": {"type": "boolean"},
            "created_at": time, "started_at": time, "ended_at": time, "expires_at": time,
            "attempts": {"type": "integer", "minimum": 0},
            "progress": _object({"rows_done": count, "rows_total": count}),
            "outputs": {"type": "object", "additionalProperties": result},
            "links": _object({"self": text, "jobs": text}),
        }
    )  # fmt: skip
    job["properties"]["error"] = {
        "type": "object",
        "required": ["code"],
        "properties": {"code": text, "message": text},
        "description": "Of a job that failed.",
    }
    return {
        "JobRequest": request,
        "Job": job,
        "Jobs": _object({"jobs": {"type": "array", "items": {"$ref": "#/components/schemas/Job"}}}),
        "Upload": _object(
            {"upload": text, "format": text, "bytes": {"type": "integer"}, "kept_seconds": {"type": "integer"}}
        ),
    }


def job_paths(live: LiveEndpoint, base: str, *, pinned: bool) -> Document:
    """The paths below a service's address; a version's own address makes jobs, and nothing else."""
    paths: Document = {f"{base}/jobs": {"post": _make(live)}}
    if pinned:
        return paths
    limit = {
        "name": "limit", "in": "query", "required": False,
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
    }  # fmt: skip
    prefer = {
        "name": "Prefer", "in": "header", "required": False, "schema": {"type": "string"}, "example": "wait=30",
        "description": "`wait=N`: answer when the job has ended, or after N seconds, at most 60.",
    }  # fmt: skip
    paths[f"{base}/jobs"]["get"] = _look("jobs", "The newest jobs", {"200": _told("Jobs", "The jobs.")}, [limit])
    job = {"200": _told("Job", "The job.", _example(live))}
    paths[f"{base}/jobs/{{job}}"] = {
        "get": _look("job", "How far a job is", job, [ID, prefer]),
        "delete": _look(
            "cancelJob",
            "Ask for a job's end",
            {"200": _told("Job", "It has ended."), "202": _told("Job", "It ends within a second.")},
            [ID],
        ),
    }
    names = [port.name for port in live.version.outputs]
    output = {"name": "output", "in": "path", "required": True, "schema": {"type": "string", "enum": names}}
    if names:
        paths[f"{base}/jobs/{{job}}/outputs/{{output}}"] = {"get": _download([ID, output])}
    paths[f"{base}/uploads"] = {"post": _upload()}
    return paths


def made_instead(live: LiveEndpoint) -> Document:
    """The answer that a job is made: also of a score call with `Prefer: respond-async`."""
    told = _told("Job", "The job is made.", _example(live))
    told["headers"] = {**REQUEST_ID, "Location": {"description": "Where the job is.", "schema": {"type": "string"}}}
    return {"202": told}


def _make(live: LiveEndpoint) -> Document:
    content: Document = {
        JSON: {
            "schema": {"$ref": "#/components/schemas/JobRequest"},
            "example": {"inputs": {port.name: {"upload": EXAMPLE_UPLOAD} for port in live.version.inputs}},
        }
    }
    if len(live.version.inputs) == 1:
        content |= {str(each): {} for each in BodyFormat}
    key = {
        "name": "Idempotency-Key", "in": "header", "required": False,
        "description": "The same key with the same request gives the job that is there; with another one, 409.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,255}$"},
    }  # fmt: skip
    return {
        "operationId": "makeJob",
        "summary": "Make a job: a batch call",
        "parameters": [key, {**FORMAT, "description": "Of the outputs, where the body is one table."}],
        "requestBody": {"required": True, "content": content},
        "responses": {**made_instead(live), **problem_responses(MAKE_PROBLEMS)},
    }


def _upload() -> Document:
    example = {"upload": EXAMPLE_UPLOAD, "format": "csv", "bytes": 8123456, "kept_seconds": 3600}
    return {
        "operationId": "upload",
        "summary": "Keep a table's file for a job",
        "parameters": [{**FORMAT, "description": "Of the file; else as Content-Type says."}],
        "requestBody": {"required": True, "content": {str(each): {} for each in (*BodyFormat, OCTETS)}},
        "responses": {"201": _told("Upload", "It is kept.", example), **problem_responses(MAKE_PROBLEMS)},
    }


def _download(parameters: Sequence[Document]) -> Document:
    content: Document = {each.split(";")[0]: {} for each in (*MEDIA_TYPES.values(), PACKED_MEDIA_TYPE)}
    whole = {"description": "The file.", "headers": REQUEST_ID, "content": content}
    bare: Document = {"description": "The same as ETag says.", "headers": REQUEST_ID}
    beyond = {"description": "There is no such range.", "headers": REQUEST_ID}
    answers = {"200": whole, "206": {**whole, "description": "The Range of it."}, "304": bare, "416": beyond}
    return _look("output", "The file of an output", answers, parameters)


def _look(operation: str, words: str, answers: Document, parameters: Sequence[Document]) -> Document:
    responses = {**answers, **problem_responses(LOOK_PROBLEMS)}
    return {"operationId": operation, "summary": words, "parameters": list(parameters), "responses": responses}


def _told(schema: str, words: str, example: Document | None = None) -> Document:
    content: Document = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    if example is not None:
        content["example"] = example
    return {"description": words, "headers": REQUEST_ID, "content": {JSON: content}}


def _example(live: LiveEndpoint) -> Document:
    jobs = f"/services/{live.service.name}/jobs"
    return {
        "id": EXAMPLE_ID, "service": live.service.name, "endpoint": live.endpoint.name,
        "version": live.version.number, "state": JobState.QUEUED.value, "is_cancelling": False,
        "created_at": EXAMPLE_TIME, "started_at": None, "ended_at": None, "expires_at": None, "attempts": 0,
        "progress": {"rows_done": 0, "rows_total": None}, "outputs": {},
        "links": {"self": f"{jobs}/{EXAMPLE_ID}", "jobs": jobs},
    }  # fmt: skip


def _file() -> Document:
    text: Document = {"type": "string"}
    return {
        "description": "A file: an upload; with a management key also a dataset or a path of the workspace.",
        "oneOf": [
            {"type": "object", "additionalProperties": False, "required": [kind],
             "properties": {kind: text, FORMAT_FIELD: text}}
            for kind in ("upload", "dataset", "path")
        ],
    }  # fmt: skip


def _wanted() -> Document:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {FORMAT_FIELD: FORMAT["schema"], "path": {"type": "string"}},
    }


def _object(properties: Document) -> Document:
    return {"type": "object", "required": list(properties), "properties": properties}
