"""The contract of `JobRepository`, for the database and for the double in memory."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from estudio.core.job import JOB_MOVES, MAX_ATTEMPTS, Job, JobFile, JobFileKind, JobRequest, JobState
from estudio.errors import EndpointNotFound, JobNotFound, StateConflict
from estudio.store.database import Database
from estudio.store.job_rules import FINAL_STATES, LOST_CODE
from tests.store import service_records as given
from tests.store.children import run_children
from tests.store.service_records import ME, OTHER, RESULT, ident

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.store.service_protocols import JobRepository, ServiceRepository

ENDPOINT, SECOND = given.endpoint(), given.endpoint(endpoint_name="second")
MANY = 40


@pytest.fixture
def jobs(stores: tuple[ServiceRepository, JobRepository]) -> JobRepository:
    services, repository = stores
    services.add_version(given.service(), given.version(), ENDPOINT, ())
    services.add_endpoint(SECOND, ())
    return repository


def running(jobs: JobRepository, name: str = "job", **fields: Any) -> Job:
    """A job that this process has claimed."""
    jobs.add_job(given.job(ENDPOINT, name, **fields))
    claimed = jobs.claim_job(ME, 3001.0, MANY)
    assert claimed is not None
    assert claimed.id == ident(name)
    return claimed


def test_a_job_is_kept_with_all_that_it_has(jobs: JobRepository) -> None:
    job = given.job(ENDPOINT, idempotency_key="mine", expires_at=9000.5, rows_total=5, error={"code": "x", "row": None})
    assert jobs.add_job(job) == job == jobs.get_job(job.id)
    assert jobs.list_jobs() == [job]


def test_jobs_are_listed_the_newest_first(jobs: JobRepository) -> None:
    for name in "abc":
        jobs.add_job(given.job(SECOND if name == "b" else ENDPOINT, name))
    assert [job.id for job in jobs.list_jobs()] == [ident(name) for name in "cba"]
    assert [job.id for job in jobs.list_jobs(ENDPOINT.id)] == [ident(name) for name in "ca"]
    assert [job.id for job in jobs.list_jobs(limit=1)] == [ident("c")]


def test_a_second_job_of_one_idempotency_key_is_the_first(jobs: JobRepository) -> None:
    first = jobs.add_job(given.job(ENDPOINT, "a", idempotency_key="key"))
    assert jobs.add_job(given.job(ENDPOINT, "b", idempotency_key="key")) == first
    assert jobs.add_job(given.job(SECOND, "c", idempotency_key="key")).id == ident("c")
    assert len({jobs.add_job(given.job(ENDPOINT, name)).id for name in "de"}) == 2


def test_what_cannot_be_added_is_refused(jobs: JobRepository) -> None:
    jobs.add_job(given.job(ENDPOINT))
    with pytest.raises(StateConflict, match="there already"):
        jobs.add_job(given.job(ENDPOINT))
    with pytest.raises(StateConflict, match="not running"):
        jobs.add_job(given.job(ENDPOINT, "b", JobState.RUNNING))
    with pytest.raises(EndpointNotFound):
        jobs.add_job(given.job(given.endpoint("gone"), "c"))
    assert len(jobs.list_jobs()) == 1


def test_what_is_not_there_is_named(jobs: JobRepository) -> None:
    for ask in (
        jobs.get_job,
        jobs.list_parts,
        lambda name: jobs.ask_cancel(name, 1.0),
        lambda name: jobs.move_job(name, JobState.QUEUED, 1.0),
        lambda name: jobs.add_part(name, ME, 0, {}),
    ):
        with pytest.raises(JobNotFound, match="“nothing”"):
            ask("nothing")
    assert not jobs.progress("nothing", ME, 1, 1)


def test_the_oldest_queued_job_is_claimed(jobs: JobRepository) -> None:
    jobs.add_job(given.job(ENDPOINT, "later", JobState.NOT_STARTED))
    for name in "ab":
        jobs.add_job(given.job(ENDPOINT, name))
    jobs.move_job(ident("later"), JobState.QUEUED, 1.0)
    claimed = [jobs.claim_job(ME, 5.0, MANY) for _ in range(4)]
    assert [job and job.id for job in claimed] == [ident("later"), ident("a"), ident("b"), None]
    first = jobs.get_job(ident("later"))
    assert (first.state, first.owner, first.attempts, first.started_at) == (JobState.RUNNING, ME, 1, 5.0)


def test_an_endpoint_with_enough_running_jobs_waits(jobs: JobRepository) -> None:
    for name in "ab":
        jobs.add_job(given.job(ENDPOINT, name))
    jobs.add_job(given.job(SECOND, "c"))
    claimed = [jobs.claim_job(ME, 5.0, 1) for _ in range(3)]
    assert [job and job.id for job in claimed] == [ident("a"), ident("c"), None]
    jobs.move_job(ident("a"), JobState.FINISHED, 6.0)
    assert jobs.claim_job(ME, 7.0, 1) is not None


@pytest.mark.parametrize("before", JobState)
@pytest.mark.parametrize("after", JobState)
def test_only_moves_of_the_state_machine_are_made(jobs: JobRepository, before: JobState, after: JobState) -> None:
    first = JobState.NOT_STARTED if before is JobState.NOT_STARTED else JobState.QUEUED
    jobs.add_job(given.job(ENDPOINT, state=first))
    if before is not first:
        jobs.move_job(ident("job"), JobState.RUNNING, 1.0, owner=ME)
    if before in FINAL_STATES:
        jobs.move_job(ident("job"), before, 2.0)
    if after in JOB_MOVES.get(before, ()):
        assert jobs.move_job(ident("job"), after, 3.0).state is after
    else:
        with pytest.raises(StateConflict, match=f"cannot become {after}: it is {before}"):
            jobs.move_job(ident("job"), after, 3.0)
        assert jobs.get_job(ident("job")).state is before


def test_a_job_ends_with_its_results_in_one_move(jobs: JobRepository) -> None:
    job = running(jobs)
    jobs.add_part(job.id, ME, 0, {"output1": RESULT})
    ended = jobs.move_job(job.id, JobState.FINISHED, 9.0, by=ME, results={"output1": RESULT}, expires_at=99.0)
    assert ended == jobs.get_job(job.id)
    assert (ended.state, ended.ended_at, ended.owner, ended.results) == (
        JobState.FINISHED, 9.0, None, {"output1": RESULT},
    )  # fmt: skip
    assert jobs.list_parts(job.id) == {}


def test_only_its_owner_ends_it(jobs: JobRepository) -> None:
    job = running(jobs)
    with pytest.raises(StateConflict, match="not this process's"):
        jobs.move_job(job.id, JobState.FINISHED, 9.0, by=OTHER)
    jobs.move_job(job.id, JobState.QUEUED, 9.0, by=ME, attempts=0)
    with pytest.raises(StateConflict, match="not this process's"):
        jobs.move_job(job.id, JobState.FINISHED, 9.0, by=ME)
    again = jobs.claim_job(OTHER, 10.0, MANY)
    assert again is not None
    assert (again.attempts, again.owner) == (1, OTHER)


def test_parts_are_kept_once_and_only_of_the_owner(jobs: JobRepository) -> None:
    job = running(jobs)
    jobs.add_part(job.id, ME, 1, {"output1": RESULT})
    jobs.add_part(job.id, ME, 0, {"output1": RESULT})
    jobs.add_part(job.id, ME, 1, {"output1": replace(RESULT, row_count=8)})
    assert jobs.list_parts(job.id) == {0: {"output1": RESULT}, 1: {"output1": RESULT}}
    assert list(jobs.list_parts(job.id)) == [0, 1]
    with pytest.raises(StateConflict):
        jobs.add_part(job.id, OTHER, 2, {})
    jobs.move_job(job.id, JobState.QUEUED, 9.0)
    assert len(jobs.list_parts(job.id)) == 2
    with pytest.raises(StateConflict):
        jobs.add_part(job.id, ME, 2, {})


def test_progress_tells_its_owner_to_stop(jobs: JobRepository) -> None:
    job = running(jobs)
    assert jobs.progress(job.id, ME, 5, 10)
    assert (jobs.get_job(job.id).rows_done, jobs.get_job(job.id).rows_total) == (5, 10)
    assert not jobs.progress(job.id, OTHER, 6, 10)
    assert jobs.get_job(job.id).rows_done == 5
    assert jobs.ask_cancel(job.id, 6.0).state is JobState.RUNNING
    assert not jobs.progress(job.id, ME, 7, 10)
    assert jobs.get_job(job.id).is_cancelling


@pytest.mark.parametrize("state", [JobState.NOT_STARTED, JobState.QUEUED])
def test_a_job_that_has_not_begun_is_cancelled_at_once(jobs: JobRepository, state: JobState) -> None:
    job = jobs.add_job(given.job(ENDPOINT, state=state))
    ended = jobs.ask_cancel(job.id, 6.0)
    assert (ended.state, ended.ended_at) == (JobState.CANCELLED, 6.0)
    assert jobs.ask_cancel(job.id, 7.0) == ended
    assert jobs.claim_job(ME, 8.0, MANY) is None


def test_a_job_to_be_cancelled_is_not_queued_again(jobs: JobRepository) -> None:
    job = running(jobs)
    jobs.ask_cancel(job.id, 6.0)
    ended = jobs.move_job(job.id, JobState.QUEUED, 7.0)
    assert (ended.state, ended.ended_at) == (JobState.CANCELLED, 7.0)


def test_a_dead_owner_leaves_its_job_to_others(jobs: JobRepository) -> None:
    job = running(jobs)
    assert jobs.repair(lambda owner: owner == ME, 5.0) == []
    (queued,) = jobs.repair(lambda owner: owner != ME, 6.0)
    assert queued == jobs.get_job(job.id)
    assert (queued.state, queued.owner, queued.attempts) == (JobState.QUEUED, None, 1)
    assert jobs.repair(lambda _: False, 7.0) == []


def test_a_job_that_never_gets_on_fails(jobs: JobRepository) -> None:
    job = running(jobs)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        (repaired,) = jobs.repair(lambda _: False, 6.0 + attempt)
        claimed = jobs.claim_job(ME, 7.0, MANY)
        assert (claimed is None) == (attempt == MAX_ATTEMPTS)
    assert repaired == jobs.get_job(job.id)
    assert (repaired.state, repaired.ended_at) == (JobState.FAILED, 6.0 + MAX_ATTEMPTS)
    assert repaired.error is not None
    assert repaired.error["code"] == LOST_CODE


def test_a_job_that_gets_on_is_begun_again_and_again(jobs: JobRepository) -> None:
    job = running(jobs)
    for attempt in range(2 * MAX_ATTEMPTS):
        jobs.add_part(job.id, ME, attempt, {"output1": RESULT})
        (repaired,) = jobs.repair(lambda _: False, 6.0)
        assert repaired.state is JobState.QUEUED
        assert jobs.claim_job(ME, 7.0, MANY) is not None


def test_a_dead_owner_s_job_that_was_to_be_cancelled_is(jobs: JobRepository) -> None:
    job = running(jobs)
    jobs.ask_cancel(job.id, 5.0)
    assert [each.state for each in jobs.repair(lambda _: False, 6.0)] == [JobState.CANCELLED]


def test_jobs_that_nobody_started_are_forgotten_too(jobs: JobRepository) -> None:
    job = jobs.add_job(given.job(ENDPOINT, state=JobState.NOT_STARTED, expires_at=10.0))
    assert jobs.remove_expired(9.0) == []
    assert jobs.remove_expired(10.0) == [job]


def test_expired_jobs_are_forgotten_when_they_have_ended(jobs: JobRepository) -> None:
    running(jobs, expires_at=10.0)
    jobs.add_job(given.job(ENDPOINT, "kept"))
    assert jobs.remove_expired(11.0) == []
    ended = jobs.move_job(ident("job"), JobState.FINISHED, 11.0)
    assert jobs.remove_expired(9.9) == []
    assert jobs.remove_expired(10.0) == [ended]
    assert [job.id for job in jobs.list_jobs()] == [ident("kept")]


def test_objects_that_jobs_read_and_gave(jobs: JobRepository) -> None:
    job = running(jobs)
    jobs.add_part(job.id, ME, 0, {"output1": replace(RESULT, digest="0b" * 32)})
    request = JobRequest({"input1": JobFile(JobFileKind.WORKSPACE, "data/in.csv", "csv")})
    jobs.add_job(given.job(ENDPOINT, "b", request=request))
    assert jobs.referenced_digests() == {"ee" * 32, "0b" * 32}
    jobs.move_job(job.id, JobState.FINISHED, 9.0, results={"output1": RESULT})
    assert jobs.referenced_digests() == {"ee" * 32, RESULT.digest}


def test_of_threads_that_claim_at_once_one_wins(jobs: JobRepository) -> None:
    names = [f"job {number}" for number in range(12)]
    for name in names:
        jobs.add_job(given.job(ENDPOINT, name))
    won: list[str] = []
    begin = threading.Barrier(6)

    def claim() -> None:
        begin.wait()
        while (job := jobs.claim_job(ME, 5.0, MANY)) is not None:
            won.append(job.id)

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == sorted(map(ident, names))


def test_of_threads_with_one_idempotency_key_one_adds(jobs: JobRepository) -> None:
    begin = threading.Barrier(6)
    made: list[str] = []

    def add(number: int) -> None:
        begin.wait()
        made.append(jobs.add_job(given.job(ENDPOINT, f"job {number}", idempotency_key="key")).id)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(set(made)), len(jobs.list_jobs())) == (6, 1, 1)


def test_of_processes_that_claim_at_once_one_wins(tmp_path: Path) -> None:
    with Database(tmp_path / "database.sqlite") as database:
        database.services.add_version(given.service(), given.version(), ENDPOINT, ())
        for number in range(30):
            database.jobs.add_job(given.job(ENDPOINT, str(number)))
        said = run_children("claim_jobs", tmp_path, 3)
        won = [job_id for each in said for job_id in each.split()]
        assert sorted(won) == sorted(ident(str(number)) for number in range(30))
        owners = {job.owner for job in database.jobs.list_jobs()}
        assert len(database.jobs.repair(lambda _: False, 2.0)) == 30
    assert None not in owners
