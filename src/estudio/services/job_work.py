"""One job from its claim to its end, in the thread that claimed it; parts are scored in other threads.

Whatever happens, the job ends here in one durable move: finished, failed, cancelled or queued again. Only where it was
taken from its owner, nothing is written: then it is another's.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import threading
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from estudio.core.job import MAX_ATTEMPTS, JobFileKind, JobState
from estudio.errors import InvalidCall, JobNotFound, OutputFailed, ServiceBusy, StateConflict, StoreFailed
from estudio.services.calling import ScoreCall
from estudio.services.job_files import keep_part, keep_result, read_job_table
from estudio.services.job_parts import PART_ROWS, JobPart, plan_parts, tables_of_part
from estudio.services.jobs import KEEP_SECONDS, JobStopped, error_of, failure_of, is_final, not_row_wise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from estudio.core.job import Job, JobFile, JobResult
    from estudio.core.run import Owner
    from estudio.core.service import ServiceVersion
    from estudio.services.calling import ScoreOutcome, ServiceHost
    from estudio.services.job_files import WorkspaceFiles
    from estudio.services.job_slots import ScoringSlots
    from estudio.store.protocols import ObjectStore
    from estudio.store.service_protocols import JobRepository
    from estudio.tables.table import Table

LOG = logging.getLogger("estudio.jobs")
AGAIN_SECONDS = 0.5
"""Between two attempts, times their number; and between two tries to write an end that the store did not take."""
BUSY_SECONDS = 1.0
"""At most between two tries where the server is busy."""
ABANDON_SECONDS = 2.0
"""How long parts of a job that failed are waited for; a call that is cancelled ends sooner."""
LOOK_SECONDS = 0.2
"""How long a job that waits for its parts does not look whether it is to stop."""


@dataclass(frozen=True, slots=True)
class JobTools:
    """What jobs are done with; see `services.job_runner.JobRunner`."""

    jobs: JobRepository
    objects: ObjectStore
    host: ServiceHost
    files: WorkspaceFiles
    owner: Owner
    clock: Callable[[], float]
    slots: ScoringSlots
    stopping: threading.Event
    keep_seconds: float = KEEP_SECONDS
    part_rows: int = PART_ROWS


class JobWork:
    """One claimed job. `stopped` is set by whoever takes it from this process or ends it."""

    def __init__(self, tools: JobTools, job: Job) -> None:
        self.job = job
        self.stopped = threading.Event()
        self.rows_done = 0
        self.rows_total: int | None = None
        self._tools = tools
        self._lock = threading.Lock()

    def execute(self) -> None:
        """Do it to its end; raises nothing."""
        try:
            results = self._results()
            self._end(JobState.FINISHED, results=results, rows_done=self.rows_done, rows_total=self.rows_total)
        except (JobStopped, StateConflict, JobNotFound):
            self.stopped.set()
        except Exception as error:  # noqa: BLE001 -- a job never stays running because of what went wrong in it
            self.stopped.set()
            self._failed(error)

    def _results(self) -> dict[str, JobResult]:
        version = self._loaded_version()
        inputs = self._read_inputs(version)
        parts = plan_parts(inputs, row_wise=version.row_wise, part_rows=self._tools.part_rows)
        self.rows_total = sum(part.row_count for part in parts)
        done = _Scoring(self, version, inputs, parts).execute()
        self._check_stopped()
        request = self.job.request
        results = {}
        for port in version.outputs:
            wanted = request.outputs.get(port.name)
            pieces = [done[part.number][port.name] for part in parts]
            results[port.name] = keep_result(self._tools.objects, pieces, wanted.format if wanted else "csv")
            self._check_stopped()
        for name, file in request.outputs.items():
            if file.kind is JobFileKind.WORKSPACE:
                source = self._tools.objects.path_of(results[name].digest)
                deliver(source, self._tools.files.path_to_write(file.place), self.job.id)
        return results

    def call(self, inputs: Mapping[str, Table]) -> ScoreOutcome:
        """Score, and wait where the server is busy."""
        while True:
            self._check_stopped()
            try:
                loaded = self._tools.host.loaded(self.job.service_id, self.job.version, self.job.endpoint_id)
                return loaded.score(ScoreCall(inputs, self.job.request.parameters, cancelled=self.stopped))
            except ServiceBusy as error:
                self._wait_busy(error)

    def keep(self, part: JobPart, outputs: Mapping[str, Table]) -> dict[str, JobResult]:
        """Keep what a part gave."""
        self._check_stopped()
        results = {name: keep_part(self._tools.objects, table) for name, table in outputs.items()}
        self._tools.jobs.add_part(self.job.id, self._tools.owner, part.number, results)
        self.count(part)
        return results

    def count(self, part: JobPart) -> None:
        """A part is done."""
        with self._lock:
            self.rows_done += part.row_count

    @property
    def slots(self) -> ScoringSlots:
        """Where parts are scored."""
        return self._tools.slots

    def kept_parts(self) -> dict[int, dict[str, JobResult]]:
        """What was done before."""
        return self._tools.jobs.list_parts(self.job.id)

    def has_objects(self, results: Mapping[str, JobResult]) -> bool:
        """Whether what a part gave is still there."""
        return all(self._tools.objects.has(result.digest) for result in results.values())

    def check_stopped(self) -> None:
        """Raise JobStopped where nobody wants what comes of it."""
        self._check_stopped()

    def _loaded_version(self) -> ServiceVersion:
        while True:
            self._check_stopped()
            try:
                return self._tools.host.loaded(self.job.service_id, self.job.version, self.job.endpoint_id).version
            except ServiceBusy as error:
                self._wait_busy(error)

    def _wait_busy(self, error: ServiceBusy) -> None:
        seconds = error.facts.get("retry_after_seconds")
        self.stopped.wait(min(BUSY_SECONDS, seconds if isinstance(seconds, int | float) else BUSY_SECONDS))

    def _read_inputs(self, version: ServiceVersion) -> dict[str, Table]:
        inputs = {}
        for name, file in self.job.request.inputs.items():
            port = version.input(name)
            if port is None:
                raise InvalidCall(f"The service has no input {name!r} in version {version.number}.")
            inputs[name] = read_job_table(self._path_of(file), file.format, port)
            self._check_stopped()
        return inputs

    def _path_of(self, file: JobFile) -> Path:
        if file.kind is JobFileKind.OBJECT:
            return self._tools.objects.path_of(file.place)
        return self._tools.files.path_to_read(file.place)

    def _check_stopped(self) -> None:
        if self.stopped.is_set():
            raise JobStopped

    def _failed(self, error: Exception) -> None:
        told = error_of(error)
        LOG.log(
            logging.INFO if is_final(error) else logging.WARNING,
            "job %s of endpoint %s failed: %s: %s", self.job.id, self.job.endpoint_id, told["code"], told["message"],
            exc_info=None if is_final(error) else error,
        )  # fmt: skip
        if not is_final(error):
            attempts = self._attempts()
            if attempts < MAX_ATTEMPTS:
                self._tools.stopping.wait(AGAIN_SECONDS * attempts)
                self._end(JobState.QUEUED, rows_done=self.rows_done)
                return
        self._end(JobState.FAILED, error=told, rows_done=self.rows_done, rows_total=self.rows_total)

    def _attempts(self) -> int:
        try:
            return self._tools.jobs.get_job(self.job.id).attempts
        except StoreFailed:
            return self.job.attempts

    def _end(self, state: JobState, **changes: Any) -> None:  # noqa: ANN401 -- fields of a job
        """Write how it ended. Until the store takes that, the job is not left: nobody else would end it."""
        tools = self._tools
        while True:
            at = tools.clock()
            try:
                expires = {} if state is JobState.QUEUED else {"expires_at": at + tools.keep_seconds}
                tools.jobs.move_job(self.job.id, state, at, by=tools.owner, **changes, **expires)
            except (StateConflict, JobNotFound):
                return
            except StoreFailed as error:
                LOG.warning("the end of job %s cannot be written yet: %s", self.job.id, error.message)
                if tools.stopping.wait(AGAIN_SECONDS):
                    return
            else:
                return


class _Scoring:
    """The parts of one job that are not done yet, several at a time."""

    def __init__(
        self, work: JobWork, version: ServiceVersion, inputs: Mapping[str, Table], parts: Sequence[JobPart]
    ) -> None:
        self._work = work
        self._version = version
        self._inputs = inputs
        self._parts = parts

    def execute(self) -> dict[int, dict[str, JobResult]]:
        """What each part gave, by its number."""
        done = self._kept()
        waiting = [part for part in reversed(self._parts) if part.number not in done]
        flying: dict[Future[dict[str, JobResult]], JobPart] = {}
        try:
            while waiting or flying:
                while waiting and len(flying) <= self._work.slots.budget.parallel:
                    part = waiting.pop()
                    flying[self._submit(part)] = part
                self._work.check_stopped()
                for future in wait(flying, LOOK_SECONDS, FIRST_COMPLETED).done:
                    done[flying.pop(future).number] = future.result()
        except BaseException:
            self._abandon(flying)
            raise
        return done

    def _abandon(self, flying: Mapping[Future[dict[str, JobResult]], JobPart]) -> None:
        """End the parts that are scored still, so that none goes on while the job is begun again."""
        self._work.stopped.set()
        for future in flying:
            future.cancel()
        wait(flying, ABANDON_SECONDS)

    def _kept(self) -> dict[int, dict[str, JobResult]]:
        """What was done before this process began it; a part that was cut otherwise is done again."""
        names = {port.name for port in self._version.outputs}
        planned = {part.number: part for part in self._parts}
        kept = {}
        for number, results in self._work.kept_parts().items():
            part = planned.get(number)
            is_same = part is not None and results.keys() == names and self._has_rows(part, results)
            if is_same and part is not None and self._work.has_objects(results):
                kept[number] = results
                self._work.count(part)
        return kept

    def _has_rows(self, part: JobPart, results: Mapping[str, JobResult]) -> bool:
        return not self._is_counted or all(result.row_count == part.row_count for result in results.values())

    @property
    def _is_counted(self) -> bool:
        """Whether each row of the input is to give one."""
        return self._version.row_wise and len(self._inputs) == 1

    def _submit(self, part: JobPart) -> Future[dict[str, JobResult]]:
        tables = tables_of_part(self._inputs, part, len(self._parts))
        size = sum(table.to_arrow().nbytes for table in tables.values())
        return self._work.slots.submit(size, lambda: self._score(part, tables))

    def _score(self, part: JobPart, tables: Mapping[str, Table]) -> dict[str, JobResult]:
        outcome = self._work.call(tables)
        self._work.check_stopped()
        if outcome.failure is not None:
            raise failure_of(outcome.failure, part, len(self._parts))
        for name, table in outcome.outputs.items():
            if self._is_counted and table.row_count != part.row_count:
                raise not_row_wise(name, part, table.row_count)
        return self._work.keep(part, outcome.outputs)


def deliver(source: Path, target: Path, job_id: str) -> None:
    """Copy a result to a file of the workspace, whole or not at all. Raises OutputFailed.

    What a process that died wrote for the same job is deleted first.
    """
    beginning = f".{target.name[:100]}.{job_id[:16]}."
    beside = target.with_name(f"{beginning}{secrets.token_hex(6)}.tmp")
    try:
        for left in target.parent.iterdir():
            if left.name.startswith(beginning):
                left.unlink(missing_ok=True)
        with source.open("rb") as read, beside.open("xb") as written:
            shutil.copyfileobj(read, written, 1 << 20)
            written.flush()
            os.fsync(written.fileno())
        beside.replace(target)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise OutputFailed(
            f"{target.name} cannot be written: {error.strerror or error}. Check the folder, its permissions and the "
            "free space.",
            path=target.name,
        ) from error
