"""Batch calls of web services: made, looked at, cancelled; their files; and what does them in a server.

Files of the workspace are taken into the store when a job is made: what is edited later does not change a job that
waits, and a job that goes on after a crash reads what it read before.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from estudio.core.job import Job, JobFile, JobFileKind, JobRequest, JobState
from estudio.core.parameter_values import find_path_problem, find_value_problem, normal_path, normal_value
from estudio.errors import (
    CallProblem,
    InvalidCall,
    InvalidDataset,
    InvalidUsage,
    JobNotFound,
    OutputFailed,
    StateConflict,
)
from estudio.services.job_files import PARTS_FORMAT, check_format, format_name, keep_part
from estudio.services.jobs import KEEP_SECONDS
from estudio.tables.formats import file_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from estudio.core.module_kind import Value
    from estudio.core.service import ServiceVersion
    from estudio.services.calling import LiveEndpoint, ServiceHost
    from estudio.services.job_runner import JobRunner
    from estudio.store.objects import ObjectFolder
    from estudio.store.service_protocols import JobRepository
    from estudio.tables.table import Table
    from estudio.workspace.folder import WorkspaceFolder

MAX_UPLOAD_BYTES = 4 << 30
"""Of one uploaded file: what a job's table may take in memory, packed to a quarter."""
MAX_IDEMPOTENCY_CHARACTERS = 255
"""As long as other interfaces take."""
MAX_FORMAT_CHARACTERS = 20
"""The longest is `nh.csv.gz`."""
DEFAULT_FORMAT = "csv"


class WorkspaceJobs:
    """The jobs of a workspace. Any thread may use it.

    Attributes:
        keep_seconds: how long results and the record of a job are kept after its end.
    """

    def __init__(
        self,
        repository: JobRepository,
        objects: ObjectFolder,
        folder: WorkspaceFolder,
        *,
        clock: Callable[[], float] = time.time,
        keep_seconds: float = KEEP_SECONDS,
    ) -> None:
        self.keep_seconds = keep_seconds
        self._repository = repository
        self._objects = objects
        self._files = JobFolder(folder.root, folder.state)
        self._clock = clock
        self._runners: list[JobRunner] = []

    def create(self, live: LiveEndpoint, request: JobRequest, *, start: bool = True, idempotency_key: str = "") -> Job:
        """Make a job of the version that the endpoint stands for now.

        Args:
            live: whose job it is.
            request: files and values; a file for every input, parameters as `core.parameter_values` has them. Outputs
                that are not named are written as CSV.
            start: queue it at once; otherwise it waits for `start`.
            idempotency_key: where the endpoint has a job with the same key and the same request, that one is returned.

        Raises:
            InvalidCall: the request does not fit the version; `problems` has everything that is wrong.
            StateConflict: another request had this idempotency key.
            StoreFailed: it cannot be kept.
        """
        if len(idempotency_key) > MAX_IDEMPOTENCY_CHARACTERS or not idempotency_key.isprintable():
            raise InvalidCall(f"An idempotency key has at most {MAX_IDEMPOTENCY_CHARACTERS} printable characters.")
        checked = self._checked(live.version, request)
        now = self._clock()
        job = Job(
            secrets.token_hex(16),
            live.service.id,
            live.endpoint.id,
            live.version.number,
            JobState.QUEUED if start else JobState.NOT_STARTED,
            checked,
            now,
            idempotency_key=idempotency_key,
            expires_at=now + self.keep_seconds,
        )
        added = self._repository.add_job(job)
        if added.id != job.id and added.request != checked:
            raise StateConflict(
                f"The idempotency key {idempotency_key!r} belongs to job {added.id}, whose request is another one. Use "
                "a new key for a new request.",
                job=added.id,
            )
        self._wake()
        return added

    def upload(self, chunks: Iterable[bytes], format: str) -> JobFile:  # noqa: A002 - the field's word
        """Keep a table's file for a job that is made within the hour. Bytes are not looked at.

        Raises:
            InvalidCall: an unknown format, or more than MAX_UPLOAD_BYTES.
            StoreFailed: it cannot be kept.
        """
        named = _named_format(format)

        def write(descriptor: int) -> None:
            with open(descriptor, "wb", closefd=False) as file:
                size = 0
                for chunk in chunks:
                    size += len(chunk)
                    if size > MAX_UPLOAD_BYTES:
                        raise InvalidCall(
                            f"The file has more than {MAX_UPLOAD_BYTES >> 30} GiB, the most of one upload. Split it, "
                            "or send it as Parquet.",
                            kind="too-large",
                            limit_bytes=MAX_UPLOAD_BYTES,
                        )
                    file.write(chunk)

        return JobFile(JobFileKind.OBJECT, self._objects.put_file(write), named)

    def keep_tables(self, tables: Mapping[str, Table]) -> dict[str, JobFile]:
        """Tables in memory as files of a job: of a call that is answered later. Raises StoreFailed."""
        kept = {name: keep_part(self._objects, table) for name, table in tables.items()}
        return {name: JobFile(JobFileKind.OBJECT, result.digest, PARTS_FORMAT) for name, result in kept.items()}

    def start(self, job_id: str) -> Job:
        """Queue a job that waits for it. Raises JobNotFound, StateConflict."""
        job = self._repository.get_job(job_id)
        if job.state is not JobState.NOT_STARTED:
            raise StateConflict(f"Job {job_id} cannot be started: it is {job.state}.", job=job_id, before=job.state)
        started = self._repository.move_job(job_id, JobState.QUEUED, self._clock())
        self._wake()
        return started

    def get(self, job_id: str) -> Job:
        """Raises JobNotFound."""
        return self._repository.get_job(job_id)

    def list(self, endpoint_id: str | None = None, limit: int | None = None) -> list[Job]:
        """Jobs of an endpoint or of all, the newest first."""
        return self._repository.list_jobs(endpoint_id, limit)

    def cancel(self, job_id: str) -> Job:
        """Ask for its end: at once where it has not begun, within a second where it runs; an ended one stays.

        Raises JobNotFound.
        """
        return self._repository.ask_cancel(job_id, self._clock())

    def result_path(self, job: Job, output: str) -> Path:
        """Where the file of an output lies. Raises JobNotFound where the job has no such result, ObjectMissing."""
        result = job.results.get(output)
        if result is None:
            raise JobNotFound(f"Job {job.id} has no result {output[:64]!r}; it is {job.state}.", job=job.id)
        return self._objects.path_of(result.digest)

    def runner(self, host: ServiceHost, *, processes: int = 1, keep_seconds: float | None = None) -> JobRunner:
        """What does jobs in this process, one of so many; `start` it after a fork, `stop` it before the host."""
        from estudio.services.job_runner import JobRunner  # noqa: PLC0415 - only servers do jobs
        from estudio.services.job_slots import ScoringSlots, part_of_machine  # noqa: PLC0415

        if keep_seconds is not None:
            self.keep_seconds = keep_seconds
        runner = JobRunner(
            self._repository, self._objects, host, self._files, clock=self._clock, keep_seconds=self.keep_seconds,
            slots=ScoringSlots(part_of_machine(processes)),
        )  # fmt: skip
        self._runners.append(runner)
        return runner

    def _wake(self) -> None:
        for runner in self._runners:
            runner.wake()

    def _checked(self, version: ServiceVersion, request: JobRequest) -> JobRequest:
        problems = [*_port_problems(version, request), *_parameter_problems(version, request.parameters)]
        if problems:
            more = f" There are {len(problems) - 1} more problems." if len(problems) > 1 else ""
            raise InvalidCall(problems[0].message + more, problems=problems)
        known = {parameter.name: parameter for parameter in version.parameters}
        return JobRequest(
            {name: self._taken(name, file) for name, file in request.inputs.items()},
            {name: self._aimed(name, file) for name, file in request.outputs.items()},
            {name: normal_value(known[name], value) for name, value in request.parameters.items()},
        )

    def _taken(self, name: str, file: JobFile) -> JobFile:
        """An input's file as it is now, in the store."""
        named = _named_format(file.format, f"/inputs/{name}", name)
        if file.kind is JobFileKind.WORKSPACE:
            path = self._files.path_to_read(file.place)
            with path.open("rb") as source:
                return JobFile(JobFileKind.OBJECT, self._objects.put_descriptor(source.fileno()), named)
        if not self._objects.has(file.place):
            words = (
                f"There is no upload {file.place[:64]!r} for the input {name!r}. Uploads without a job last an hour."
            )
            raise InvalidCall(words, problems=[CallProblem("unknown-upload", words, f"/inputs/{name}", name)])
        return replace(file, format=named)

    def _aimed(self, name: str, file: JobFile) -> JobFile:
        """Where an output goes."""
        named = _named_format(file.format, f"/outputs/{name}", name)
        if file.kind is not JobFileKind.WORKSPACE:
            return replace(file, place="", format=named)
        try:
            self._files.path_to_write(file.place)
        except OutputFailed as error:
            problem = CallProblem("wrong-path", error.message, f"/outputs/{name}", name)
            raise InvalidCall(error.message, problems=[problem]) from error
        return replace(file, place=normal_path(file.place), format=named)


class JobFolder:
    """The `WorkspaceFiles` of a workspace: tables' files below its folder, but none of its own."""

    def __init__(self, root: Path, state: Path) -> None:
        self._root = root
        self._state = state

    def path_to_read(self, place: str) -> Path:
        """A table's file that is there. Raises InvalidCall."""
        path, words = self._inside(place)
        if not words and not path.is_file():
            words = f"There is no file {place[:200]!r} in the workspace."
        if words:
            raise InvalidCall(words, problems=[CallProblem("wrong-path", words)])
        return path

    def path_to_write(self, place: str) -> Path:
        """A table's file in a folder that is there. Raises OutputFailed."""
        path, words = self._inside(place)
        if not words and not path.parent.is_dir():
            words = f"There is no folder {str(PurePosixPath(place).parent)[:200]!r} in the workspace; make it first."
        if words:
            raise OutputFailed(words, path=place)
        return path

    def _inside(self, place: str) -> tuple[Path, str]:
        """Where it is, symbolic links followed, and what is wrong with that."""
        problem = find_path_problem(place)
        path = (self._root / place).resolve() if problem is None else self._root
        if problem is not None:
            return path, f"The path {problem.words}."
        if not path.is_relative_to(self._root) or path.is_relative_to(self._state):
            return path, f"{place[:200]} lies outside of the workspace, or in its .estudio folder."
        if any(part.startswith(".") for part in path.relative_to(self._root).parts):
            return path, f"{place[:200]} is hidden; name another file."
        try:
            format_of_path(place)
        except InvalidCall as error:
            return path, error.message
        return path, ""


def format_of_path(place: str) -> str:
    """The format that a file's suffix says. Raises InvalidCall."""
    try:
        return format_name(file_kind(PurePosixPath(place[-MAX_FORMAT_CHARACTERS:]), None, InvalidDataset))
    except InvalidDataset as error:
        words = f"{place[:200]!r} is no table's file: its name ends in .csv, .tsv, .parquet, .arrow, .jsonl or .xlsx."
        raise InvalidCall(words, problems=[CallProblem("wrong-format", words)]) from error


def _named_format(format_: str, pointer: str = "", name: str | None = None) -> str:
    """The one name of a format that a caller asks for. Raises InvalidCall."""
    try:
        return format_name(check_format(format_[: MAX_FORMAT_CHARACTERS + 1] or "none"))
    except (InvalidUsage, InvalidDataset) as error:
        problem = CallProblem("wrong-format", error.message, pointer, name)
        raise InvalidCall(error.message, problems=[problem]) from error


def _port_problems(version: ServiceVersion, request: JobRequest) -> list[CallProblem]:
    inputs, outputs = [port.name for port in version.inputs], [port.name for port in version.outputs]
    problems = [
        CallProblem("missing-input", f"The input {name!r} is missing: every input is required.", "/inputs", name)
        for name in inputs
        if name not in request.inputs
    ]
    for kind, known, given in (("input", inputs, request.inputs), ("output", outputs, request.outputs)):
        there = f"It has {', '.join(known)}." if known else "It has none."
        problems += [
            CallProblem(
                f"unknown-{kind}", f"The service has no {kind} {name[:100]!r}. {there}", f"/{kind}s", name[:200]
            )
            for name in given
            if name not in known
        ]
    return problems


def _parameter_problems(version: ServiceVersion, given: Mapping[str, Value]) -> list[CallProblem]:
    known = {parameter.name: parameter for parameter in version.parameters}
    problems = []
    for name, value in given.items():
        if name not in known:
            words = f"The service has no parameter {name[:100]!r}."
            problems.append(CallProblem("unknown-parameter", words, "/parameters", name[:200]))
        elif (problem := find_value_problem(known[name], value)) is not None:
            words = f"The parameter {name!r} {problem.words}."
            problems.append(CallProblem("wrong-parameter", words, f"/parameters/{name}", name))
    for parameter in version.parameters:
        if parameter.required and parameter.default is None and parameter.name not in given:
            words = f"The parameter {parameter.name!r} is required."
            problems.append(CallProblem("missing-parameter", words, "/parameters", parameter.name))
    return problems
