"""The `JobRepository` in memory: a double that keeps all the rules and forgets everything with its process."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from estudio.core.job import JobState
from estudio.store import job_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.core.job import Job, JobResult
    from estudio.core.run import Owner
    from estudio.store.memory_services import MemoryServices


class MemoryJobs:
    """The `JobRepository` in memory, of the endpoints of these services."""

    def __init__(self, services: MemoryServices) -> None:
        self._services = services
        self._lock = services.lock
        self._jobs = services.jobs_by_id
        self._parts: dict[str, dict[int, dict[str, JobResult]]] = defaultdict(dict)

    def add_job(self, job: Job) -> Job:
        """Add it; where the endpoint has a job of the same idempotency key, nothing is added and that one returned."""
        job_rules.check_new_job(job)
        with self._lock:
            for other in self._jobs.values():
                same = (other.endpoint_id, other.idempotency_key) == (job.endpoint_id, job.idempotency_key)
                if same and job.idempotency_key:
                    return other
            self._services.get_endpoint(job.endpoint_id)
            if job.id in self._jobs:
                raise job_rules.refuse_second_job(job.id)
            self._jobs[job.id] = job
            return job

    def get_job(self, job_id: str) -> Job:
        """Raises JobNotFound."""
        with self._lock:
            if job_id not in self._jobs:
                raise job_rules.job_missing(job_id)
            return self._jobs[job_id]

    def list_jobs(self, endpoint_id: str | None = None, limit: int | None = None) -> list[Job]:
        """The newest first."""
        with self._lock:
            newest = list(reversed(self._jobs.values()))
        return [job for job in newest if endpoint_id in (None, job.endpoint_id)][:limit]

    def move_job(self, job_id: str, state: JobState, at: float, *, by: Owner | None = None, **changes: object) -> Job:
        """Move it to a state, with these fields of `Job` changed. Raises JobNotFound, StateConflict."""
        with self._lock:
            job = self.get_job(job_id)
            if by is not None:
                job_rules.check_mine(job, by)
            return self._keep(job_rules.moved(job, state, at, changes))

    def claim_job(self, owner: Owner, at: float, per_endpoint: int) -> Job | None:
        """Make the oldest queued job running and mine, `attempts` raised; None where there is none to take."""
        with self._lock:
            running = Counter(job.endpoint_id for job in self._jobs.values() if job.state is JobState.RUNNING)
            for job in self._jobs.values():
                if job.state is JobState.QUEUED and running[job.endpoint_id] < per_endpoint:
                    return self._keep(job_rules.claimed(job, owner, at))
        return None

    def progress(self, job_id: str, owner: Owner, rows_done: int, rows_total: int | None) -> bool:
        """Note how far it is; False when its owner is to stop: it is to be cancelled, or not this owner's any more."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or not job_rules.is_mine(job, owner):
                return False
            self._keep(replace(job, rows_done=rows_done, rows_total=rows_total))
            return not job.is_cancelling

    def ask_cancel(self, job_id: str, at: float) -> Job:
        """A job that has not begun is cancelled; one that runs is marked; an ended one stays. Raises JobNotFound."""
        with self._lock:
            return self._keep(job_rules.cancel_asked(self.get_job(job_id), at))

    def add_part(self, job_id: str, owner: Owner, part: int, results: dict[str, JobResult]) -> None:
        """Keep what a part of a job gave; a second time is nothing. Raises StateConflict where it is not mine."""
        with self._lock:
            job = self.get_job(job_id)
            job_rules.check_mine(job, owner)
            self._parts[job_id].setdefault(part, dict(results))
            self._keep(job_rules.with_part(job))

    def list_parts(self, job_id: str) -> dict[int, dict[str, JobResult]]:
        """What parts have been kept. Raises JobNotFound."""
        with self._lock:
            self.get_job(job_id)
            return dict(sorted(self._parts.get(job_id, {}).items()))

    def repair(self, is_alive: Callable[[Owner], bool], at: float) -> list[Job]:
        """Queue running jobs whose owner is gone, or fail those that were begun MAX_ATTEMPTS times; returns them."""
        with self._lock:
            running = [job for job in self._jobs.values() if job.state is JobState.RUNNING]
            dead = [job for job in running if job.owner is None or not is_alive(job.owner)]
            return [self._keep(job_rules.abandoned(job, at)) for job in dead]

    def remove_expired(self, now: float) -> list[Job]:
        """Forget jobs that have expired and have ended, or were never started; returns them."""
        with self._lock:
            ended = [job for job in self._jobs.values() if job.ended_at or job.state is JobState.NOT_STARTED]
            expired = [job for job in ended if job.expires_at is not None and job.expires_at <= now]
            for job in expired:
                del self._jobs[job.id]
            return expired

    def referenced_digests(self) -> set[str]:
        """Objects that jobs read or gave."""
        with self._lock:
            jobs = [job_rules.digests_of(job) for job in self._jobs.values()]
            parts = [
                job_rules.digests_of_results(part.values()) for job in self._parts.values() for part in job.values()
            ]
        return set().union(*jobs, *parts)

    def _keep(self, job: Job) -> Job:
        self._jobs[job.id] = job
        if job.state in job_rules.FINAL_STATES:
            self._parts.pop(job.id, None)
        return job
