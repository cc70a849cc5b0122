"""Batch calls: create, start, poll, cancel, under the addresses of the old system.

A job belongs to its endpoint: with another endpoint's key, or under its address, there is no such job.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import orjson

from estudio.core.job import JobState
from estudio.core.service import Diagnostics
from estudio.errors import JobNotFound, StateConflict
from estudio.server.bodies import read_body
from estudio.server.classic import catalogue as old
from estudio.server.classic.blobs import base_location
from estudio.server.classic.door import OLDEST_VERSION, Answer, classic_route, job_version, open_door
from estudio.server.classic.errors import refuse
from estudio.server.classic.job_answers import STATE_WORDS, job_document
from estudio.server.classic.job_requests import MAX_BODY_BYTES, job_request_of, parse_batch_request
from estudio.workspace.blobs import WorkspaceBlobs

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from estudio.core.job import Job
    from estudio.server.context import ServerContext
    from estudio.services.calling import LiveEndpoint
    from estudio.workspace.jobs import WorkspaceJobs  # type: ignore[import-not-found, unused-ignore]

JOBS_PATH = "/workspaces/{workspace}/services/{endpoint}/jobs"


def routes(context: ServerContext) -> list[Route]:
    """All calls of jobs; none where the server has no jobs."""
    if context.jobs is None or context.workspace is None:
        return []
    batch = _Batch(context.jobs, WorkspaceBlobs(context.workspace.folder))
    return [
        classic_route(context, JOBS_PATH, batch.create, "POST"),
        classic_route(context, f"{JOBS_PATH}/{{job}}/start", batch.start, "POST"),
        classic_route(context, f"{JOBS_PATH}//start", batch.refuse_missing_id, "POST"),
        classic_route(context, f"{JOBS_PATH}/{{job}}", batch.poll, "GET"),
        classic_route(context, f"{JOBS_PATH}/{{job}}", batch.cancel, "DELETE"),
        *(classic_route(context, f"{JOBS_PATH}{end}", batch.refuse_missing_id, method)
          for end in ("", "/") for method in ("GET", "DELETE")),
    ]  # fmt: skip


class _Batch:
    def __init__(self, jobs: WorkspaceJobs, blobs: WorkspaceBlobs) -> None:
        self._jobs = jobs
        self._blobs = blobs

    async def create(self, context: ServerContext, request: Request) -> Response:
        """Make a job that waits to be started; its id is the answer, as a JSON string."""
        live = open_door(context, request)
        version = job_version(request)
        body = await read_body(request, MAX_BODY_BYTES)
        base = base_location(context, request, live.endpoint.id)
        job_id = await context.run(self._create, context, live, body, version, base)
        return Answer(orjson.dumps(job_id)).response(request)

    async def start(self, context: ServerContext, request: Request) -> Response:
        """Queue a job that waits. A job that was started is refused, with its state."""
        live = open_door(context, request)
        job_version(request)
        await context.run(self._start, live, str(request.path_params["job"]))
        return Answer(b"", 204).response(request)

    async def poll(self, context: ServerContext, request: Request) -> Response:
        """Tell how far a job is."""
        live = open_door(context, request)
        version = job_version(request)
        job = await context.run(self._job_of, live, str(request.path_params["job"]))
        base = base_location(context, request, live.endpoint.id)
        secret = await context.run(self._blobs.secret)
        expose = context.settings.expose_errors and live.endpoint.diagnostics is not Diagnostics.NONE
        document = job_document(job, version, base, secret, time.time(), expose=expose)
        return Answer(orjson.dumps(document)).response(request)

    async def cancel(self, context: ServerContext, request: Request) -> Response:
        """End a job that goes on; one that has ended stays as it is, until it expires."""
        live = open_door(context, request)
        job_version(request)
        job = await context.run(self._job_of, live, str(request.path_params["job"]))
        await context.run(self._jobs.cancel, job.id)
        return Answer(b"", 204).response(request)

    async def refuse_missing_id(self, context: ServerContext, request: Request) -> Response:
        """An address without a job's id."""
        open_door(context, request)
        raise refuse(old.BAD_ARGUMENT, "MissingJobId")

    def _create(self, context: ServerContext, live: LiveEndpoint, body: bytes, version: str, base: str) -> str:
        batch = parse_batch_request(body, live.version, version)
        request = job_request_of(context, self._blobs, live, batch, base)
        job = self._jobs.create(live, request, start=version == OLDEST_VERSION)
        return str(job.id)

    def _start(self, live: LiveEndpoint, job_id: str) -> None:
        job = self._job_of(live, job_id)
        if job.state is not JobState.NOT_STARTED:
            raise refuse(old.INVALID_OPERATION, "CannotStartJob", _state_word(job))
        try:
            self._jobs.start(job.id)
        except StateConflict:
            word = _state_word(self._job_of(live, job_id))
            raise refuse(old.INVALID_OPERATION, "CannotStartJob", word) from None

    def _job_of(self, live: LiveEndpoint, job_id: str) -> Job:
        job: Job = self._jobs.get(job_id.lower())
        if job.endpoint_id != live.endpoint.id:
            raise JobNotFound(f"There is no job {job_id[:40]!r}.")
        return job


def _state_word(job: Job) -> str:
    return "Queued" if job.state is JobState.QUEUED else STATE_WORDS[job.state]
