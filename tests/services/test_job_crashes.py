"""Processes that do jobs are killed again and again: no job is lost, stuck, or done twice to a visible effect."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.core.job import Job, JobFile, JobFileKind, JobRequest, JobState
from estudio.store.database import Database
from estudio.store.objects import ObjectFolder
from tests.services.job_bench import expected_text
from tests.services.job_process import PART_ROWS, host_of

if TYPE_CHECKING:
    from estudio.services.calling_double import HostDouble

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
KILLS = 15
ENOUGH_SECONDS = 120.0
STATES = {JobState.FINISHED, JobState.FAILED, JobState.CANCELLED}


def start(folder: Path) -> subprocess.Popen[str]:
    """A process that does jobs, once it says so."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.services.job_process", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    """As a server that is told to stop."""
    assert process.stdin is not None
    process.communicate("\n", timeout=30)
    assert process.returncode == 0


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def publish(database: Database, host: HostDouble) -> None:
    for service in host.services():
        live = host.find(service.name)
        database.services.add_version(live.service, live.version, live.endpoint, ())


def add(database: Database, objects: ObjectFolder, host: HostDouble, number: int) -> Job:
    """A job whose rows are its own; every third one is scored whole, every fourth goes to a file."""
    live = host.find("whole" if number % 3 == 2 else "row-wise")
    rows = random.randint(0, 8 * PART_ROWS)
    text = "name,x\n" + "".join(f"n{row},{row}\n" for row in range(rows))
    place = JobFile(JobFileKind.WORKSPACE, f"out-{number}.csv", "csv")
    request = JobRequest(
        {"input1": JobFile(JobFileKind.OBJECT, objects.put_bytes(text.encode()), "csv")},
        {"output1": place} if number % 4 == 0 else {},
        {"rows": rows},
    )
    ident = hashlib.sha256(str(number).encode()).hexdigest()[:32]
    job = Job(ident, live.service.id, live.endpoint.id, 1, JobState.QUEUED, request, time.time())
    return database.jobs.add_job(job)


def wait_until_done(database: Database, seconds: float = ENOUGH_SECONDS) -> list[Job]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        jobs = database.jobs.list_jobs()
        if all(job.state in STATES for job in jobs):
            return jobs
        time.sleep(0.05)
    raise AssertionError(Counter(job.state for job in database.jobs.list_jobs()))


def check(jobs: list[Job], objects: ObjectFolder, folder: Path) -> None:
    """Each finished, with the right rows, in its file too."""
    for job in jobs:
        assert (job.state, job.error, job.owner) == (JobState.FINISHED, None, None)
        rows = job.request.parameters["rows"]
        assert isinstance(rows, int)
        text = objects.read_bytes(job.results["output1"].digest, 1 << 20).decode()
        assert text == expected_text(rows)
        assert (job.results["output1"].row_count, job.rows_done) == (rows, rows)
        for file in job.request.outputs.values():
            assert (folder / file.place).read_text() == text
    assert [path.name for path in folder.iterdir() if path.name.endswith(".tmp")] == []


def test_jobs_survive_kills_at_any_moment(tmp_path: Path) -> None:
    host, objects = host_of(tmp_path), ObjectFolder(tmp_path / "objects")
    with Database(tmp_path / "database.sqlite") as database:
        publish(database, host)
        made = [add(database, objects, host, number) for number in range(20)]
        for number in range(KILLS):
            process = start(tmp_path)
            time.sleep(random.uniform(0.05, 0.5))
            kill(process)
            made.append(add(database, objects, host, 100 + number))
        process = start(tmp_path)
        jobs = wait_until_done(database)
        end(process)
        assert len(jobs) == len(made)
        check(jobs, objects, tmp_path)
        assert all(database.jobs.list_parts(job.id) == {} for job in jobs)


def test_two_processes_share_jobs_and_one_outlives_the_other(tmp_path: Path) -> None:
    host, objects = host_of(tmp_path), ObjectFolder(tmp_path / "objects")
    with Database(tmp_path / "database.sqlite") as database:
        publish(database, host)
        for number in range(16):
            add(database, objects, host, number)
        victim, survivor = start(tmp_path), start(tmp_path)
        time.sleep(0.3)
        kill(victim)
        jobs = wait_until_done(database)
        end(survivor)
        check(jobs, objects, tmp_path)


def test_a_process_that_is_stopped_hands_its_jobs_back_and_no_part_is_done_again(tmp_path: Path) -> None:
    host, objects = host_of(tmp_path), ObjectFolder(tmp_path / "objects")
    with Database(tmp_path / "database.sqlite") as database:
        publish(database, host)
        request = JobRequest({"input1": JobFile(JobFileKind.OBJECT, objects.put_bytes(_rows(400)), "csv")}, {}, {})
        live = host.find("row-wise")
        job = Job("1" * 32, live.service.id, live.endpoint.id, 1, JobState.QUEUED, request, 1.0)
        database.jobs.add_job(job)
        for _ in range(3):
            process = start(tmp_path)
            time.sleep(0.15)
            end(process)
            now = database.jobs.get_job(job.id)
            assert now.state in {JobState.QUEUED, JobState.FINISHED}
        process = start(tmp_path)
        (ended,) = wait_until_done(database)
        end(process)
        assert objects.read_bytes(ended.results["output1"].digest, 1 << 20).decode() == expected_text(400)
        again = Counter((tmp_path / "scored.txt").read_text().split())
        assert sum(count - 1 for count in again.values()) <= 3 * 3, again


def _rows(count: int) -> bytes:
    return ("name,x\n" + "".join(f"n{row},{row}\n" for row in range(count))).encode()
