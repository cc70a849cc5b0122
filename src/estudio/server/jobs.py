"""Batch calls of the modern face: made, watched, cancelled, their files uploaded and downloaded.

A job belongs to its endpoint: under another endpoint's address there is no such job. Files of the workspace may be
named only by who has a management key, since a key to call is given to people who may do nothing but call.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from estudio.core.job import JobFile, JobState
from estudio.core.service import Diagnostics, KeyScope
from estudio.errors import InvalidCall, JobNotFound
from estudio.server.access import authorize, header
from estudio.server.answering import query_of
from estudio.server.bodies import read_body, spool_body
from estudio.server.exchange import exchange_of
from estudio.server.job_documents import FINAL_STATES, job_document, job_path
from estudio.server.problems import Refused
from estudio.server.score import find_live
from estudio.workspace.job_requests import (
    FORMAT_FIELD,
    JobReader,
    media_type_of,
    request_of_tables,
    table_format,
    upload_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from estudio.core.job import Job
    from estudio.core.module_kind import Value
    from estudio.core.service import ServiceKey
    from estudio.server.context import ServerContext
    from estudio.services.calling import LiveEndpoint
    from estudio.tables.table import Table
    from estudio.workspace.jobs import WorkspaceJobs

CHUNK_BYTES = 1 << 20
MAX_WAIT_SECONDS = 60
"""Of one `Prefer: wait=N`: proxies give up idle connections soon after."""
LOOK_SECONDS = 0.25
"""Between two looks at a job that somebody waits for; it may be done by another process."""
DEFAULT_LIST, MAX_LIST = 50, 1000
UPLOAD_SECONDS = 3600
"""How long an upload without a job is kept at least: the grace time of `estudio store prune`."""
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?:$|[,;\s])", re.IGNORECASE)
_ASYNC = re.compile(r"(?:^|[,;\s])respond-async(?:$|[,;\s])", re.IGNORECASE)


def routes(context: ServerContext) -> list[BaseRoute]:
    """The routes of jobs; none where the server has no jobs."""
    if context.jobs is None:
        return []
    door = JobRoutes(context, context.jobs)
    found: list[BaseRoute] = []
    for base in ("/services/{name}", "/services/{name}/endpoints/{endpoint}"):
        found += [
            Route(f"{base}/jobs", door.create, methods=["POST"]),
            Route(f"{base}/jobs", door.list, methods=["GET"]),
            Route(f"{base}/uploads", door.upload, methods=["POST"]),
            Route(f"{base}/jobs/{{job}}", door.show, methods=["GET"]),
            Route(f"{base}/jobs/{{job}}", door.cancel, methods=["DELETE"]),
            Route(f"{base}/jobs/{{job}}/outputs/{{output}}", door.download, methods=["GET"]),
        ]
    return [Route("/services/{name}/versions/{version}/jobs", door.create, methods=["POST"]), *found]


class JobRoutes:
    """The routes, with what they need."""

    def __init__(self, context: ServerContext, jobs: WorkspaceJobs) -> None:
        self._context = context
        self._jobs = jobs
        self._prefix = context.settings.public_url.rstrip("/")

    async def create(self, request: Request) -> Response:
        """Make a job: 202, and where it is."""
        live, key = self._door(request)
        query = query_of(request.scope["query_string"])
        format_ = table_format(request.headers.get("content-type"))
        reader = self._reader(key)
        version = live.version
        if format_ is None:
            body = await read_body(request, self._context.settings.max_body_bytes)
            asked = await self._context.run(reader.read_json, body, version)
        else:
            with await spool_body(request, self._context.settings.max_upload_bytes) as spool:
                asked = await self._context.run(reader.read_table, _chunks(spool), format_, version, query)
        idempotency_key = (header(request.scope, b"idempotency-key") or b"").decode("latin-1")
        job = await self._context.run(self._jobs.create, live, asked, idempotency_key=idempotency_key)
        return self._answer(job, live, 202, {"Location": job_path(self._prefix, live, job.id)})

    async def upload(self, request: Request) -> Response:
        """Keep a table's file for a job: 201, and its id."""
        self._door(request)
        query = query_of(request.scope["query_string"])
        format_ = query.get(FORMAT_FIELD) or table_format(request.headers.get("content-type"))
        if format_ is None:
            raise InvalidCall(
                "Say which format the file has: by Content-Type (text/csv, an Arrow stream, Parquet), or by "
                "?format=csv, tsv, parquet, arrow, jsonl, xlsx.",
                kind="media-type",
            )
        with await spool_body(request, self._context.settings.max_upload_bytes) as spool:
            file: JobFile = await self._context.run(self._jobs.upload, _chunks(spool), format_)
            size = spool.tell()
        document = {"upload": upload_id(file), "format": file.format, "bytes": size, "kept_seconds": UPLOAD_SECONDS}
        return _json(document, 201)

    async def list(self, request: Request) -> Response:
        """The newest jobs of the endpoint."""
        live, _ = self._door(request)
        text = query_of(request.scope["query_string"]).get("limit", str(DEFAULT_LIST))
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_LIST):
            raise Refused(400, f"limit is {text[:40]!r}; it can be 1 to {MAX_LIST}.")
        jobs = await self._context.run(self._jobs.list, live.endpoint.id, int(text))
        return _json({"jobs": [self._document(job, live) for job in jobs]})

    async def show(self, request: Request) -> Response:
        """How far a job is; with `Prefer: wait=N`, not before it has ended or N seconds are over."""
        live, _ = self._door(request)
        job = await self._job(live, request)
        wanted = _WAIT.search(request.headers.get("prefer", ""))
        if wanted is None:
            return self._answer(job, live)
        seconds = min(int(wanted[1]), MAX_WAIT_SECONDS)
        job = await self._ended(job, live, request, seconds)
        return self._answer(job, live, 200, {"Preference-Applied": f"wait={seconds}"})

    async def cancel(self, request: Request) -> Response:
        """Ask for a job's end: 200 where it has ended, 202 where that takes up to a second."""
        live, _ = self._door(request)
        job = await self._job(live, request)
        asked = await self._context.run(self._jobs.cancel, job.id)
        return self._answer(asked, live, 202 if asked.state is JobState.RUNNING else 200)

    async def download(self, request: Request) -> Response:
        """The file of an output; parts of it by Range."""
        live, _ = self._door(request)
        job = await self._job(live, request)
        output = str(request.path_params["output"])
        path = await self._context.run(self._jobs.result_path, job, output)
        result = job.results[output]
        tag = f'"{result.digest}"'
        if tag in request.headers.get("if-none-match", ""):
            return Response(None, 304, {"ETag": tag})
        return FileResponse(
            path,
            headers={"ETag": tag, "Cache-Control": "private, no-transform"},
            media_type=media_type_of(result.format),
            filename=f"{live.service.name}-{job.id[:8]}-{output}.{result.format}",
        )

    def _door(self, request: Request) -> tuple[LiveEndpoint, ServiceKey]:
        """What is called, and by which key. Raises NotFound, AccessDenied, RateLimited."""
        live = find_live(self._context, request.path_params)
        exchange_of(request.scope).is_about(live)
        return live, authorize(self._context, request.scope, live.endpoint)

    def _reader(self, key: ServiceKey) -> JobReader:
        workspace = self._context.workspace
        return JobReader(
            self._jobs, None if workspace is None else workspace.datasets, key.scope is KeyScope.MANAGE
        )  # fmt: skip

    async def _job(self, live: LiveEndpoint, request: Request) -> Job:
        job: Job = await self._context.run(self._jobs.get, str(request.path_params["job"])[:64].lower())
        if job.endpoint_id != live.endpoint.id:
            raise JobNotFound(f"There is no job “{job.id}” at this endpoint.", job=job.id)
        return job

    async def _ended(self, job: Job, live: LiveEndpoint, request: Request, seconds: int) -> Job:
        """The job once it has ended, the time is over, or the server stops."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while job.state not in FINAL_STATES and loop.time() < end:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._context.stopping.wait(), min(LOOK_SECONDS, max(0.0, end - loop.time())))
                break
            job = await self._job(live, request)
        return job

    def _document(self, job: Job, live: LiveEndpoint) -> dict[str, Any]:
        expose = self._context.settings.expose_errors and live.endpoint.diagnostics is not Diagnostics.NONE
        return job_document(job, live, self._prefix, expose=expose)

    def _answer(
        self, job: Job, live: LiveEndpoint, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        return _json(self._document(job, live), status, headers)


def wants_job(prefer: str | None) -> bool:
    """Whether a score call asks to be answered later: `Prefer: respond-async` (RFC 7240)."""
    return prefer is not None and _ASYNC.search(prefer) is not None


def job_of_call(
    jobs: WorkspaceJobs,
    live: LiveEndpoint,
    inputs: Mapping[str, Table],
    parameters: Mapping[str, Value],
    *,
    idempotency_key: str = "",
    prefix: str = "",
) -> tuple[bytes, str]:
    """Make a job of a parsed score call; blocks.

    Returns:
        The body of a 202 answer and its Location; it has `Preference-Applied: respond-async` too.

    Raises:
        InvalidCall, StateConflict, StoreFailed: as `WorkspaceJobs.create`.
    """
    asked = request_of_tables(jobs, live.version, inputs, parameters)
    job = jobs.create(live, asked, idempotency_key=idempotency_key)
    return orjson.dumps(job_document(job, live, prefix)), job_path(prefix, live, job.id)


def _chunks(spool: IO[bytes]) -> Iterator[bytes]:
    while chunk := spool.read(CHUNK_BYTES):
        yield chunk


def _json(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status, dict(headers or {}), "application/json")
