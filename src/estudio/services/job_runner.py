"""Does jobs in one server process: threads that claim queued jobs, and one that looks after those that go on.

Several processes may do so for one workspace: the claim of a job is one transaction, and whoever has it is its owner. A
job whose owner died is queued again by any of the others.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from estudio.core.job import JobState
from estudio.errors import EstudioError, StoreFailed
from estudio.services.job_parts import PART_ROWS
from estudio.services.job_slots import ScoringSlots
from estudio.services.job_work import LOG, JobTools, JobWork
from estudio.services.jobs import KEEP_SECONDS, PER_ENDPOINT
from estudio.store.owners import is_alive, this_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.core.job import Job
    from estudio.core.run import Owner
    from estudio.services.calling import ServiceHost
    from estudio.services.job_files import WorkspaceFiles
    from estudio.store.protocols import ObjectStore
    from estudio.store.service_protocols import JobRepository

POLL_SECONDS = 0.5
"""Until a job that another process made is seen; those of this process wake a thread at once."""
LOOK_SECONDS = 0.5
"""Between two looks at jobs that go on: progress is written no more often, and a cancellation is seen within that."""
REPAIR_SECONDS = 3.0
"""Until a job whose process died is seen."""
SWEEP_SECONDS = 60.0
"""Between two looks for what has expired."""
JOIN_SECONDS = 5.0
"""How long a stop waits for threads whose jobs are handed back already."""


class JobRunner:
    """The jobs of one workspace in one process. Make it after a fork, in the process that does the work."""

    def __init__(  # noqa: PLR0913 -- what jobs are done with
        self,
        jobs: JobRepository,
        objects: ObjectStore,
        host: ServiceHost,
        files: WorkspaceFiles,
        *,
        owner: Owner | None = None,
        clock: Callable[[], float] = time.time,
        slots: ScoringSlots | None = None,
        keep_seconds: float = KEEP_SECONDS,
        part_rows: int = PART_ROWS,
        alive: Callable[[Owner], bool] = is_alive,
    ) -> None:
        """Begin nothing yet.

        Args:
            jobs: where jobs are kept.
            objects: where their files are.
            host: the services.
            files: of the workspace.
            owner: of the jobs; this process.
            clock: seconds since the epoch.
            slots: how much is scored at one time; what this machine gives.
            keep_seconds: how long results are kept.
            part_rows: of one part of a row-wise job.
            alive: whether an owner still lives.
        """
        self._stopping = threading.Event()
        self._slots = slots or ScoringSlots()
        self._tools = JobTools(
            jobs, objects, host, files, owner or this_process(), clock, self._slots, self._stopping,
            keep_seconds, part_rows,
        )  # fmt: skip
        self._alive = alive
        self._wake = threading.Condition()
        self._made = 0
        self._active: dict[str, JobWork] = {}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to claim jobs. Jobs of processes that are gone are queued again first."""
        names = [f"job-{number}" for number in range(self._slots.budget.parallel)]
        self._threads = [threading.Thread(target=self._claim_and_work, name=name, daemon=True) for name in names]
        self._threads.append(threading.Thread(target=self._look_after, name="jobs", daemon=True))
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """A job was queued in this process."""
        with self._wake:
            self._made += 1
            self._wake.notify()

    def stop(self, *, hand_back: bool = True) -> None:
        """Claim nothing further.

        Args:
            hand_back: queue the jobs that go on again, for other processes; what their parts gave is kept. Otherwise
                wait for their end.
        """
        self._stopping.set()
        with self._wake:
            self._wake.notify_all()
            works = list(self._active.values())
        if hand_back:
            for work in works:
                self._hand_back(work)
        deadline = time.monotonic() + JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()) if hand_back else None)
        self._slots.close()

    def _hand_back(self, work: JobWork) -> None:
        tools = self._tools
        with suppress(EstudioError):
            attempts = max(0, tools.jobs.get_job(work.job.id).attempts - 1)
            tools.jobs.move_job(work.job.id, JobState.QUEUED, tools.clock(), by=tools.owner, attempts=attempts)
        work.stopped.set()

    def _claim_and_work(self) -> None:
        seen = -1
        while not self._stopping.is_set():
            with self._wake:
                if seen == self._made:
                    self._wake.wait(POLL_SECONDS)
                seen = self._made
            while (work := self._claim()) is not None:
                try:
                    work.execute()
                finally:
                    with self._wake:
                        self._active.pop(work.job.id, None)

    def _claim(self) -> JobWork | None:
        """The next job, unless this process stops; one that was claimed while it was told to stop goes back."""
        tools = self._tools
        if self._stopping.is_set():
            return None
        try:
            job = tools.jobs.claim_job(tools.owner, tools.clock(), PER_ENDPOINT)
        except StoreFailed as error:
            LOG.warning("no job can be claimed: %s", error.message)
            self._stopping.wait(POLL_SECONDS)
            return None
        return None if job is None else self._begun(job)

    def _begun(self, job: Job) -> JobWork | None:
        work = JobWork(self._tools, job)
        with self._wake:
            self._active[job.id] = work
            is_late = self._stopping.is_set()
        if is_late:
            self._hand_back(work)
            return None
        return work

    def _look_after(self) -> None:
        due = {self._repair: 0.0, self._sweep: 0.0, self._look_at_active: 0.0}
        seconds = {self._repair: REPAIR_SECONDS, self._sweep: SWEEP_SECONDS, self._look_at_active: LOOK_SECONDS}
        while not self._stopping.is_set():
            for doing, at in due.items():
                if time.monotonic() >= at:
                    due[doing] = time.monotonic() + seconds[doing]
                    try:
                        doing()
                    except Exception as error:  # noqa: BLE001 -- what fails now may work the next time
                        LOG.warning("jobs cannot be looked after now: %s", error, exc_info=error)
            self._stopping.wait(LOOK_SECONDS / 2)

    def _look_at_active(self) -> None:
        """Write how far jobs are, and end those that somebody cancelled: at once, whatever their threads wait for."""
        tools = self._tools
        with self._wake:
            works = list(self._active.values())
        for work in works:
            if not tools.jobs.progress(work.job.id, tools.owner, work.rows_done, work.rows_total):
                at = tools.clock()
                with suppress(EstudioError):
                    tools.jobs.move_job(
                        work.job.id, JobState.CANCELLED, at, by=tools.owner, expires_at=at + tools.keep_seconds
                    )
                work.stopped.set()

    def _repair(self) -> None:
        for job in self._tools.jobs.repair(self._alive, self._tools.clock()):
            LOG.warning("job %s was left by a process that is gone; it is %s now", job.id, job.state)
            self.wake()

    def _sweep(self) -> None:
        for job in self._tools.jobs.remove_expired(self._tools.clock()):
            LOG.info("job %s has expired", job.id)
