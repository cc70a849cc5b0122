"""Jobs from queued to their end: whole and in parts, failures of every kind, cancelling, handing back, repairs."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from estudio.core.job import MAX_ATTEMPTS, Job, JobFile, JobFileKind, JobRequest, JobState
from estudio.errors import SandboxBroken, ServiceBusy, StoreLocked
from estudio.services.calling import ScoreCall, ScoreOutcome
from estudio.services.job_files import keep_part
from estudio.services.jobs import NOT_ROW_WISE_CODE, UNEXPECTED_CODE
from estudio.store.job_rules import LOST_CODE
from tests.services.job_bench import ME, OTHER, Bench, doubled, expected_text, failing, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


class Counted:
    """A row-wise function that notes the rows of each call, and may do something first."""

    def __init__(self, first: Callable[[ScoreCall], object] = lambda _: None, beyond: int = 0) -> None:
        self.calls: list[int] = []
        self._first = first
        self._beyond = beyond

    def __call__(self, call: ScoreCall) -> ScoreOutcome:
        self.calls.append(call.inputs["input1"].to_arrow().column("x")[0].as_py())
        if len(self.calls) > self._beyond:
            self._first(call)
        return doubled(call)


def test_a_job_is_scored_whole(bench: Bench) -> None:
    counted = Counted()
    bench.serve(counted)
    job = bench.add(10)
    bench.runner()
    ended = bench.wait(job)
    assert (ended.state, ended.error, ended.attempts, ended.owner) == (JobState.FINISHED, None, 1, None)
    assert (ended.rows_done, ended.rows_total, ended.ended_at, ended.expires_at) == (10, 10, 1000.0, 1100.0)
    result = ended.results["output1"]
    assert (result.format, result.row_count, result.size_bytes) == ("csv", 10, len(expected_text(10)))
    assert bench.text(ended) == expected_text(10)
    assert counted.calls == [0]


def test_a_row_wise_job_is_scored_in_parts_and_put_together_in_order(bench: Bench) -> None:
    counted = Counted(lambda call: time.sleep(0.05 if call.inputs["input1"].row_count == 3 else 0))
    bench.serve(counted, row_wise=True)
    job = bench.add(10)
    bench.runner()
    ended = bench.wait(job)
    assert bench.text(ended) == expected_text(10)
    assert sorted(counted.calls) == [0, 3, 6, 9]
    assert bench.jobs.list_parts(job.id) == {}


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_small_row_wise_jobs(bench: Bench, rows: int) -> None:
    bench.serve(doubled, row_wise=True)
    job = bench.add(rows)
    bench.runner()
    ended = bench.wait(job)
    assert (ended.state, ended.rows_done) == (JobState.FINISHED, rows)
    assert ended.results["output1"].row_count == rows


def test_parts_are_scored_at_one_time(bench: Bench) -> None:
    meeting = threading.Barrier(2, timeout=5)
    bench.serve(Counted(lambda _: meeting.wait()), row_wise=True)
    job = bench.add(6)
    bench.runner()
    assert bench.wait(job).state is JobState.FINISHED


def test_jobs_do_not_count_as_the_endpoint_s_calls(bench: Bench) -> None:
    endpoint = bench.serve(doubled)
    bench.host.change_endpoint(replace(endpoint, max_concurrent_calls=0))
    job = bench.add(2)
    bench.runner()
    assert bench.wait(job).state is JobState.FINISHED


def test_the_author_s_error_ends_a_job_at_once(bench: Bench) -> None:
    calls: list[ScoreCall] = []

    def fail(call: ScoreCall) -> ScoreOutcome:
        calls.append(call)
        return failing()

    bench.serve(fail)
    job = bench.add(4)
    bench.runner()
    ended = bench.wait(job)
    assert (ended.state, ended.attempts, len(calls)) == (JobState.FAILED, 1, 1)
    assert ended.error == {
        "code": "script-raised", "message": "ValueError: no", "module": "score", "title": "Execute Python Script",
        "state": "failed", "classic_text": "Error 0085: …", "traceback": "Traceback …", "line": 3,
    }  # fmt: skip
    assert ended.results == {}


def test_the_error_of_a_part_names_its_rows(bench: Bench) -> None:
    def third(call: ScoreCall) -> ScoreOutcome:
        return failing() if call.inputs["input1"].to_arrow().column("x")[0].as_py() == 6 else doubled(call)

    bench.serve(third, row_wise=True)
    job = bench.add(10)
    bench.runner()
    error = bench.wait(job).error
    assert error is not None
    assert (error["first_row"], error["last_row"]) == (6, 8)


def test_a_service_that_is_not_row_wise_is_told_so(bench: Bench) -> None:
    bench.serve(lambda _: ScoreOutcome({"output1": table(name=["sum"], double=[1])}), row_wise=True)
    job = bench.add(10)
    bench.runner(parallel=1)
    error = bench.wait(job).error
    assert error is not None
    assert error["code"] == NOT_ROW_WISE_CODE
    assert "1 rows for 3 rows of the input (rows 0 to 2)" in str(error["message"])


def test_what_does_not_fit_fails_with_its_problems_and_is_not_scored(bench: Bench) -> None:
    counted = Counted()
    bench.serve(counted)
    job = bench.add(0, request=JobRequest({"input1": bench.upload("name,x,more\na,1,2\n")}))
    bench.runner()
    ended = bench.wait(job)
    assert ended.state is JobState.FAILED
    assert ended.error is not None
    assert ended.error["code"] == "invalid-call"
    (problem,) = json.loads(str(ended.error["problems"]))
    assert (problem["code"], problem["column"]) == ("unknown-column", "more")
    assert counted.calls == []


@pytest.mark.parametrize("text", ["", "name,x\n1\n", "\xff"])
def test_a_file_that_cannot_be_read_fails(bench: Bench, text: str) -> None:
    bench.serve(doubled)
    job = bench.add(0, request=JobRequest({"input1": bench.upload(text)}))
    bench.runner()
    ended = bench.wait(job)
    assert (ended.state, ended.attempts) == (JobState.FAILED, 1)


def test_our_failures_are_tried_again(bench: Bench) -> None:
    def broken_once(_: ScoreCall) -> None:
        if len(counted.calls) == 2:
            raise SandboxBroken("The zygote died.")

    counted = Counted(broken_once)
    bench.serve(counted, row_wise=True)
    job = bench.add(9)
    bench.runner(parallel=1)
    ended = bench.wait(job)
    assert ended.state is JobState.FINISHED
    assert bench.text(ended) == expected_text(9)
    assert (counted.calls.count(0), set(counted.calls)) == (1, {0, 3, 6})


def test_our_failures_end_a_job_that_never_gets_on(bench: Bench) -> None:
    def broken(_: ScoreCall) -> None:
        raise SandboxBroken("The zygote died.")

    counted = Counted(broken)
    bench.serve(counted)
    job = bench.add(3)
    bench.runner()
    ended = bench.wait(job)
    assert (ended.state, ended.attempts, len(counted.calls)) == (JobState.FAILED, MAX_ATTEMPTS, MAX_ATTEMPTS)
    assert ended.error == {"code": "sandbox-broken", "message": "The zygote died."}


def test_a_defect_does_not_leave_a_job_running(bench: Bench) -> None:
    bench.serve(lambda _: 1 // 0)  # type: ignore[arg-type,return-value]
    job = bench.add(3)
    bench.runner()
    ended = bench.wait(job)
    assert ended.error is not None
    assert ended.error["code"] == UNEXPECTED_CODE


def test_a_busy_server_is_waited_for(bench: Bench) -> None:
    def busy(_: ScoreCall) -> None:
        if len(counted.calls) < MAX_ATTEMPTS + 2:
            raise ServiceBusy("Later.", retry_after_seconds=0.01)

    counted = Counted(busy)
    bench.serve(counted)
    job = bench.add(3)
    bench.runner()
    ended = bench.wait(job)
    assert (ended.state, ended.attempts) == (JobState.FINISHED, 1)


def test_a_job_of_a_version_that_is_gone_fails(bench: Bench) -> None:
    bench.serve(doubled)
    job = bench.add(3)
    bench.host._versions.clear()
    bench.host._versions[job.service_id] = []
    bench.runner()
    ended = bench.wait(job)
    assert ended.error is not None
    assert ended.error["code"] == "version-not-found"


class Gate:
    """A function that waits until it is let go or cancelled."""

    def __init__(self, *, listens: bool = True) -> None:
        self.began = threading.Event()
        self.go = threading.Event()
        self.was_cancelled = False
        self._listens = listens

    def __call__(self, call: ScoreCall) -> ScoreOutcome:
        self.began.set()
        assert call.cancelled is not None
        while not self.go.is_set() and not (self._listens and call.cancelled.is_set()):
            time.sleep(0.005)
        self.was_cancelled = call.cancelled.is_set()
        return failing() if self.was_cancelled else doubled(call)


@pytest.mark.parametrize("listens", [True, False])
def test_a_running_job_is_cancelled_within_a_second(bench: Bench, listens: bool) -> None:
    gate = Gate(listens=listens)
    bench.serve(gate)
    job = bench.add(3)
    bench.runner()
    assert gate.began.wait(5)
    bench.jobs.ask_cancel(job.id, bench.now)
    begin = time.monotonic()
    ended = bench.wait(job)
    assert time.monotonic() - begin < 10
    assert (ended.state, ended.expires_at) == (JobState.CANCELLED, 1100.0)
    gate.go.set()
    bench.close()
    assert gate.was_cancelled
    assert bench.jobs.get_job(job.id) == ended


def test_a_stop_hands_jobs_back_and_another_process_goes_on(bench: Bench) -> None:
    gate = Gate()
    counted = Counted(gate, beyond=1)
    bench.serve(counted, row_wise=True)
    job = bench.add(6)
    runner = bench.runner(parallel=1)
    assert gate.began.wait(5)
    begin = time.monotonic()
    runner.stop()
    assert time.monotonic() - begin < 10
    queued = bench.jobs.get_job(job.id)
    assert (queued.state, queued.owner, queued.attempts) == (JobState.QUEUED, None, 0)
    assert list(bench.jobs.list_parts(job.id)) == [0]
    gate.go.set()
    bench.alive = lambda owner: owner == OTHER
    bench.runner(owner=OTHER)
    assert bench.text(bench.wait(job)) == expected_text(6)
    assert counted.calls == [0, 3, 3]


def test_a_stop_may_wait_for_the_end(bench: Bench) -> None:
    gate = Gate()
    bench.serve(gate)
    job = bench.add(3)
    runner = bench.runner()
    assert gate.began.wait(5)
    threading.Timer(0.2, gate.go.set).start()
    runner.stop(hand_back=False)
    assert bench.jobs.get_job(job.id).state is JobState.FINISHED


def test_the_job_of_a_dead_process_is_done_by_another(bench: Bench) -> None:
    counted = Counted()
    bench.serve(counted, row_wise=True)
    job = bench.add(6)
    assert bench.jobs.claim_job(OTHER, 1.0, 40) is not None
    part = keep_part(bench.objects, table(name=["n0", "n1", "n2"], double=[0, 2, 4]))
    bench.jobs.add_part(job.id, OTHER, 0, {"output1": part})
    bench.runner()
    ended = bench.wait(job)
    assert bench.text(ended) == expected_text(6)
    assert (counted.calls, ended.rows_done) == ([3], 6)


def test_a_kept_part_that_was_cut_otherwise_or_is_gone_is_done_again(bench: Bench) -> None:
    counted = Counted()
    bench.serve(counted, row_wise=True)
    job = bench.add(6)
    assert bench.jobs.claim_job(OTHER, 1.0, 40) is not None
    short = keep_part(bench.objects, table(name=["n0"], double=[0]))
    gone = keep_part(bench.objects, table(name=["a", "b", "c"], double=[0, 0, 0]))
    bench.objects.remove(gone.digest)
    bench.jobs.add_part(job.id, OTHER, 0, {"output1": short})
    bench.jobs.add_part(job.id, OTHER, 1, {"output1": gone})
    bench.runner()
    assert bench.text(bench.wait(job)) == expected_text(6)
    assert sorted(counted.calls) == [0, 3]


def test_a_job_that_ends_its_processes_fails_at_last(bench: Bench) -> None:
    bench.serve(doubled)
    job = bench.add(6)
    for _ in range(MAX_ATTEMPTS - 1):
        assert bench.jobs.claim_job(OTHER, 1.0, 40) is not None
        bench.jobs.repair(lambda _: False, 2.0)
    assert bench.jobs.claim_job(OTHER, 1.0, 40) is not None
    bench.runner()
    error = bench.wait(job).error
    assert error is not None
    assert error["code"] == LOST_CODE


def test_expired_jobs_are_swept(bench: Bench) -> None:
    bench.serve(doubled)
    job = bench.add(1)
    runner = bench.runner()
    bench.wait(job)
    runner.stop()
    bench.now += 101
    bench.runner()
    for _ in range(300):
        if not bench.jobs.list_jobs():
            return
        time.sleep(0.01)
    pytest.fail("the job is still there")


def test_an_output_goes_to_the_workspace(bench: Bench) -> None:
    bench.serve(doubled)
    job = bench.add(3, output=JobFile(JobFileKind.WORKSPACE, "out.tsv", "tsv"))
    bench.runner()
    ended = bench.wait(job)
    assert (bench.root / "out.tsv").read_text() == expected_text(3).replace(",", "\t") == bench.text(ended)
    assert [path.name for path in bench.root.iterdir()] == ["out.tsv"]


@pytest.mark.parametrize("place", ["missing/out.csv", "../out.csv"])
def test_an_output_that_cannot_be_written_fails_the_job(bench: Bench, place: str) -> None:
    bench.serve(doubled)
    job = bench.add(3, output=JobFile(JobFileKind.WORKSPACE, place, "csv"))
    bench.runner()
    ended = bench.wait(job)
    assert ended.error is not None
    assert (ended.state, ended.error["code"], ended.attempts) == (JobState.FAILED, "output-failed", 1)


class Locked:
    """Jobs whose database is held by somebody at the end."""

    def __init__(self, jobs: object, times: int) -> None:
        self._jobs = jobs
        self.times = times

    def __getattr__(self, name: str) -> object:
        return getattr(self._jobs, name)

    def move_job(self, *arguments: object, **fields: object) -> Job:
        if self.times:
            self.times -= 1
            raise StoreLocked("Another process holds the database.")
        return self._jobs.move_job(*arguments, **fields)  # type: ignore[attr-defined,no-any-return]


def test_an_end_that_cannot_be_written_is_written_later(bench: Bench) -> None:
    bench.serve(doubled)
    job = bench.add(3)
    locked = Locked(bench.jobs, 2)
    bench.jobs = locked  # type: ignore[assignment]
    bench.runner()
    ended = bench.wait(job)
    assert (ended.state, locked.times) == (JobState.FINISHED, 0)


def test_several_runners_share_the_jobs(bench: Bench) -> None:
    counted = Counted()
    bench.serve(counted)
    jobs = [bench.add(1, name=f"job {number}") for number in range(20)]
    bench.alive = lambda _: True
    bench.runner(owner=ME)
    bench.runner(owner=OTHER)
    for job in jobs:
        for now in bench.ticks(10, job.id):
            if now.state is JobState.FINISHED:
                break
    assert {job.state for job in bench.jobs.list_jobs()} == {JobState.FINISHED}
    assert len(counted.calls) == 20


def test_progress_is_told_while_a_job_goes_on(bench: Bench) -> None:
    gate = Gate()
    counted = Counted(gate, beyond=1)
    bench.serve(counted, row_wise=True)
    job = bench.add(6)
    bench.runner(parallel=1)
    seen = next(now for now in bench.ticks(5, job.id) if now.rows_done)
    assert (seen.rows_done, seen.rows_total, seen.state) == (3, 6, JobState.RUNNING)
    gate.go.set()
    assert bench.wait(job).rows_done == 6
