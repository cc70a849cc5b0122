"""`WorkspaceJobs` in memory, for tests of the old wire: a started job is worked on at once, or when a test says so."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv

from estudio.core.job import Job, JobFile, JobFileKind, JobRequest, JobResult, JobState, can_move_job
from estudio.errors import JobNotFound, StateConflict
from estudio.services.calling import ScoreCall
from estudio.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from estudio.services.calling import LiveEndpoint


class JobsDouble:
    """See the module. `waits` keeps queued jobs queued."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.folder = folder
        folder.mkdir()
        self.waits = False
        self.jobs: dict[str, Job] = {}
        self.live: dict[str, LiveEndpoint] = {}

    def create(self, live: LiveEndpoint, request: JobRequest, *, start: bool = True, idempotency_key: str = "") -> Job:
        ids = (uuid.uuid4().hex, live.service.id, live.endpoint.id)
        job = Job(*ids, live.version.number, JobState.NOT_STARTED, request, 1.0, idempotency_key=idempotency_key)
        self.jobs[job.id], self.live[job.id] = job, live
        return self.start(job.id) if start else job

    def upload(self, chunks: Iterable[bytes], format: str) -> JobFile:  # noqa: A002 -- the real one's name
        data = b"".join(chunks)
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / digest).write_bytes(data)
        return JobFile(JobFileKind.OBJECT, digest, format)

    def start(self, job_id: str) -> Job:
        self.move(job_id, JobState.QUEUED)
        return self.jobs[job_id] if self.waits else self.work(job_id)

    def get(self, job_id: str) -> Job:
        try:
            return self.jobs[job_id]
        except KeyError:
            raise JobNotFound(f"There is no job {job_id!r}.") from None

    def cancel(self, job_id: str) -> Job:
        job = self.get(job_id)
        return self.move(job_id, JobState.CANCELLED) if can_move_job(job.state, JobState.CANCELLED) else job

    def result_path(self, job: Job, output: str) -> Path:
        return self.folder / job.results[output].digest

    def move(self, job_id: str, state: JobState, **changes: object) -> Job:
        job = self.get(job_id)
        if not can_move_job(job.state, state):
            raise StateConflict(f"{job.state} → {state}")
        self.jobs[job_id] = replace(job, state=state, **changes)  # type: ignore[arg-type]
        return self.jobs[job_id]

    def work(self, job_id: str) -> Job:
        job = self.move(job_id, JobState.RUNNING)
        inputs = {name: self._read(file) for name, file in job.request.inputs.items()}
        outcome = self.live[job_id].score(ScoreCall(inputs, job.request.parameters))
        if outcome.failure is not None:
            error = outcome.failure.error
            facts: dict[str, str | int | None] = {
                "code": error.code, "message": error.message, "module": outcome.failure.module,
                "title": outcome.failure.title, "classic_text": error.classic_text,
            }  # fmt: skip
            return self.move(job_id, JobState.FAILED, error=facts)
        results = {name: self._write(table) for name, table in outcome.outputs.items()}
        return self.move(job_id, JobState.FINISHED, results=results)

    def _read(self, file: JobFile) -> Table:
        path = self.folder / file.place if file.kind is JobFileKind.OBJECT else self.root / file.place
        return Table.from_arrow(pa.csv.read_csv(path))

    def _write(self, table: Table) -> JobResult:
        buffer = pa.BufferOutputStream()
        pa.csv.write_csv(table.to_arrow(), buffer)
        file = self.upload([buffer.getvalue().to_pybytes()], "csv")
        return JobResult(file.place, "csv", len(buffer.getvalue()), table.row_count)
