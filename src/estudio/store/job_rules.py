"""What a change does to a job, and when it is refused: the rules that every repository of jobs shares.

Each function gives the job as it is afterwards; whoever calls it keeps that in the transaction in which it read it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from estudio.core.job import MAX_ATTEMPTS, JobFileKind, JobState, can_move_job
from estudio.errors import JobNotFound, StateConflict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estudio.core.job import Job, JobResult
    from estudio.core.run import Owner

FINAL_STATES = frozenset({JobState.FINISHED, JobState.FAILED, JobState.CANCELLED})
GOING_ON = frozenset({JobState.QUEUED, JobState.RUNNING})
"""What keeps a version, an endpoint or a service from being removed."""
LOST_CODE = "job-interrupted"
"""The error's code of a job whose processes died again and again."""


def check_new_job(job: Job) -> None:
    """Raise StateConflict unless a job may begin like this."""
    if job.state not in {JobState.NOT_STARTED, JobState.QUEUED}:
        raise StateConflict(
            f"Job {job.id} cannot be added: a new job is not started or queued, not {job.state}. This is a defect.",
            job=job.id,
        )


def refuse_second_job(job_id: str) -> StateConflict:
    """The error for an id that is taken."""
    return StateConflict(f"Job {job_id} is there already: every job has its own id. This is a defect.", job=job_id)


def job_missing(job_id: str) -> JobNotFound:
    """The error for an id that no job has."""
    return JobNotFound(
        f"There is no job “{job_id[:64]}”. Jobs are removed with their results some days after their end.", job=job_id
    )


def moved(job: Job, state: JobState, at: float, changes: dict[str, Any]) -> Job:
    """The job in another state. Raises StateConflict."""
    if state is JobState.QUEUED and job.is_cancelling:
        state = JobState.CANCELLED  # somebody asked for its end: it is not begun again
    if not can_move_job(job.state, state):
        raise StateConflict(
            f"Job {job.id} cannot become {state}: it is {job.state}.", job=job.id, before=job.state, after=state
        )
    given: dict[str, Any] = {"state": state}
    if state is JobState.RUNNING:
        given["started_at"] = at
    else:
        given["owner"] = None
    if state in FINAL_STATES:
        given["ended_at"] = at
    return replace(job, **{**given, **changes})


def is_mine(job: Job, owner: Owner) -> bool:
    """Whether this owner works on it now."""
    return job.state is JobState.RUNNING and job.owner == owner


def check_mine(job: Job, owner: Owner) -> None:
    """Raise StateConflict unless this owner works on it now."""
    if not is_mine(job, owner):
        raise StateConflict(
            f"Job {job.id} is not this process's any more: it is {job.state}. What it did since is dropped.",
            job=job.id,
            before=job.state,
        )


def claimed(job: Job, owner: Owner, at: float) -> Job:
    """The queued job, now running and this owner's."""
    return moved(job, JobState.RUNNING, at, {"owner": owner, "attempts": job.attempts + 1})


def cancel_asked(job: Job, at: float) -> Job:
    """The job after somebody asked for its end; the same where it has ended."""
    if job.state is JobState.RUNNING:
        return replace(job, is_cancelling=True)
    if job.state in FINAL_STATES:
        return job
    return moved(job, JobState.CANCELLED, at, {})


def abandoned(job: Job, at: float) -> Job:
    """A running job whose owner is gone: queued again, or failed where that happened too often."""
    if job.attempts < MAX_ATTEMPTS or job.is_cancelling:
        return moved(job, JobState.QUEUED, at, {})
    error = {
        "code": LOST_CODE,
        "message": f"The server's process ended {job.attempts} times while it worked on this job, each time before a "
        "part was done. It is not begun again; look at the server's log, then make a new job.",
    }
    return moved(job, JobState.FAILED, at, {"error": error})


def with_part(job: Job) -> Job:
    """The job after a part was kept. It got on, so it is not the job that ends its processes: it may begin anew."""
    return replace(job, attempts=min(job.attempts, 1))


def digests_of(job: Job) -> set[str]:
    """Objects that a job reads or gave."""
    files = job.request.inputs.values()
    return {file.place for file in files if file.kind is JobFileKind.OBJECT} | digests_of_results(job.results.values())


def digests_of_results(results: Iterable[JobResult]) -> set[str]:
    """Objects of results."""
    return {result.digest for result in results}
