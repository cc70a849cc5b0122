"""A service made of a function, with everything that jobs of it need, in memory."""

from __future__ import annotations

import hashlib
import io
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from estudio.core.job import Job, JobFile, JobFileKind, JobRequest, JobState
from estudio.core.outcome import ScriptError, ScriptState
from estudio.core.run import Owner
from estudio.engine.budget import Budget
from estudio.errors import InvalidCall, OutputFailed
from estudio.services.calling import ModuleFailure, ScoreCall, ScoreOutcome
from estudio.services.calling_double import HostDouble
from estudio.services.job_runner import JobRunner
from estudio.services.job_slots import ScoringSlots
from estudio.store.memory import MemoryObjects
from estudio.store.memory_jobs import MemoryJobs
from estudio.store.memory_services import MemoryServices
from estudio.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from estudio.core.service import Endpoint
    from estudio.store.protocols import ObjectStore
    from estudio.store.service_protocols import JobRepository

ME, OTHER = Owner(1, "1", "boot"), Owner(2, "2", "boot")
MANY_BYTES = 1 << 40


def table(**columns: list[Any]) -> Table:
    return Table.from_arrow(pa.table(columns))


SAMPLE = table(x=[1, 2], name=["a", "b"])
RESULT = table(name=["a"], double=[2])


def doubled(call: ScoreCall) -> ScoreOutcome:
    """Row by row."""
    given = call.inputs["input1"].to_arrow()
    names, numbers = given.column("name").to_pylist(), given.column("x").to_pylist()
    return ScoreOutcome({"output1": table(name=names, double=[None if x is None else 2 * x for x in numbers])})


def failing(module: str = "score") -> ScoreOutcome:
    error = ScriptError("script-raised", "ValueError: no", "Traceback …", 3, "Error 0085: …")
    return ScoreOutcome(failure=ModuleFailure(module, "Execute Python Script", ScriptState.FAILED, error))


@dataclass
class Folder:
    """A `WorkspaceFiles` without rules."""

    root: Path

    def path_to_read(self, place: str) -> Path:
        if not (self.root / place).exists():
            raise InvalidCall(f"There is no file {place}.")
        return self.root / place

    def path_to_write(self, place: str) -> Path:
        if place.startswith(".."):
            raise OutputFailed("outside")
        return self.root / place


@dataclass
class Bench:
    """What a test of jobs works with."""

    root: Path
    host: HostDouble = field(default_factory=HostDouble)
    objects: ObjectStore = field(default_factory=MemoryObjects)
    parallel: int = 2
    part_rows: int = 3

    def __post_init__(self) -> None:
        self.services = MemoryServices()
        self.jobs: JobRepository = MemoryJobs(self.services)
        self.now = 1000.0
        self.alive: Callable[[Owner], bool] = lambda owner: owner == ME
        self.runners: list[JobRunner] = []

    def serve(self, function: Callable[[ScoreCall], ScoreOutcome], *, row_wise: bool = False) -> Endpoint:
        """A new version of the service."""
        endpoint = self.host.add(
            "pima", function, inputs={"input1": SAMPLE}, outputs={"output1": RESULT}, row_wise=row_wise
        )
        live = self.host.find("pima")
        self.services.add_version(live.service, live.version, endpoint, ())
        return endpoint

    def upload(self, text: str) -> JobFile:
        return JobFile(JobFileKind.OBJECT, self.objects.put_bytes(text.encode()), "csv")

    def add(self, rows: int, *, name: str = "job", output: JobFile | None = None, **fields: Any) -> Job:
        """A queued job of so many rows; its output is CSV unless said."""
        text = io.StringIO("name,x\n" + "".join(f"n{number},{number}\n" for number in range(rows))).getvalue()
        outputs = {} if output is None else {"output1": output}
        request = fields.pop("request", None) or JobRequest({"input1": self.upload(text)}, outputs)
        service = self.host.find("pima").service
        endpoint = self.host.find("pima").endpoint
        ident = hashlib.sha256(name.encode()).hexdigest()[:32]
        job = Job(ident, service.id, endpoint.id, service.current, JobState.QUEUED, request, self.now, **fields)
        return self.jobs.add_job(job)

    def runner(self, *, start: bool = True, owner: Owner = ME, parallel: int | None = None) -> JobRunner:
        made = JobRunner(
            self.jobs, self.objects, self.host, Folder(self.root), owner=owner, clock=lambda: self.now,
            slots=ScoringSlots(Budget(parallel or self.parallel, MANY_BYTES)), part_rows=self.part_rows,
            keep_seconds=100.0, alive=self.alive,
        )  # fmt: skip
        self.runners.append(made)
        if start:
            made.start()
        return made

    def wait(self, job: Job, *states: JobState, seconds: float = 10.0) -> Job:
        """The job in one of these states, or ended. Fails where that takes too long."""
        wanted = states or (JobState.FINISHED, JobState.FAILED, JobState.CANCELLED)
        for now in self.ticks(seconds):
            if now.state in wanted:
                return now
            assert now.id == job.id
        raise AssertionError(f"the job is {self.jobs.get_job(job.id)} after {seconds} seconds")

    def ticks(self, seconds: float, job_id: str | None = None) -> Iterator[Job]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            yield self.jobs.get_job(job_id or self.jobs.list_jobs()[0].id)
            time.sleep(0.01)

    def text(self, job: Job) -> str:
        """The result as text."""
        return self.objects.read_bytes(job.results["output1"].digest, 1 << 30).decode()

    def close(self) -> None:
        for runner in self.runners:
            runner.stop()


def expected_text(rows: int) -> str:
    return "name,double\n" + "".join(f"n{number},{2 * number}\n" for number in range(rows))
