"""Another process in the same store, started by the tests: `child.py WHAT FOLDER NAME`. It says what it has done.

A line is printed only after the store has said that it is kept.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import time
from pathlib import Path

from estudio.core.run import ModuleRun, ModuleState, RunRecord, RunState, StoredOutput
from estudio.core.service import Endpoint, Service, ServiceVersion
from estudio.store.database import Database
from estudio.store.journal import SMALL_BYTES
from estudio.store.objects import ObjectFolder
from estudio.store.owners import this_process


def say(*words: object) -> None:
    """One write, so that a kill leaves whole lines."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def put_same_objects(folder: Path, _: str) -> None:
    """Put what every other child puts."""
    store = ObjectFolder(folder / "objects")
    for number in range(30):
        store.put_many([f"small {number}".encode(), b"large" * (5000 + number)])


def add_runs(folder: Path, name: str) -> None:
    """Twenty runs of three modules, each in many small transactions."""
    with Database(folder / "database.sqlite") as database:
        for number in range(20):
            execute(database, ObjectFolder(folder / "objects"), f"{name}-{number}", 3)


def run_until_killed(folder: Path, name: str) -> None:
    """Runs without an end."""
    objects = ObjectFolder(folder / "objects")
    with Database(folder / "database.sqlite") as database:
        say("ready")
        for number in itertools.count():
            execute(database, objects, f"{name}-{number}", 4)


def execute(database: Database, objects: ObjectFolder, run_id: str, count: int) -> None:
    """One run, as the engine would: each module begins, keeps its outputs, finishes; then the run ends."""
    names = [f"module {number}" for number in range(count)]
    snapshot = objects.put_bytes(f"snapshot of {run_id}".encode())
    run = RunRecord(run_id, "pima", snapshot, RunState.RUNNING, partial=False, started_at=1.0, owner=this_process())
    database.runs.add_run(run, [ModuleRun(name, "kind") for name in names])
    say("run", run_id)
    for name in names:
        database.runs.change_modules(run_id, [ModuleRun(name, "kind", ModuleState.RUNNING)])
        large = random.choice([10, SMALL_BYTES * 3])
        table, log = objects.put_many([os.urandom(large), f"log of {name} of {run_id}".encode()])
        output = StoredOutput("results", "table", table, large)
        finished = ModuleRun(name, "kind", ModuleState.FINISHED, key=table, outputs=(output,), log=log)
        database.runs.change_modules(run_id, [finished])
        say("module", run_id, table, log)
    database.runs.end_run(run_id, RunState.FINISHED, 2.0)
    say("end", run_id)


def hold_the_lock(folder: Path, seconds: str) -> None:
    """A write that takes long."""
    with Database(folder / "database.sqlite") as database, database.connections.writing():
        say("held")
        time.sleep(float(seconds))


def open_database(folder: Path, _: str) -> None:
    """Nothing but opening, which makes or migrates the file."""
    with Database(folder / "database.sqlite") as database:
        say("runs", len(database.runs.list_runs()))


def publish_versions(folder: Path, name: str) -> None:
    """Ten versions of one service, as every other child publishes them; each is promoted."""
    service = Service("5" * 32, "pima", 1.0, 1)
    endpoint = Endpoint("e" * 32, service.id, "default", 1.0)
    with Database(folder / "database.sqlite") as database:
        for _ in range(10):
            version = ServiceVersion(service.id, 0, 1.0, "pima", name, "", "aa" * 32)
            added = database.services.add_version(service, version, endpoint, ())
            database.services.promote(service.id, added.number)
            say(added.number)


def claim_jobs(folder: Path, _: str) -> None:
    """All jobs that are to be had."""
    with Database(folder / "database.sqlite") as database:
        while (job := database.jobs.claim_job(this_process(), 1.0, 1000)) is not None:
            say(job.id)


def main() -> None:
    """Wait for a line where WAIT is set, so that several begin at once."""
    what, folder, name = sys.argv[1:]
    doings = [
        *(put_same_objects, add_runs, run_until_killed, hold_the_lock, open_database),
        *(publish_versions, claim_jobs),
    ]
    if os.environ.get("WAIT"):
        say("waiting")
        sys.stdin.readline()
    {doing.__name__: doing for doing in doings}[what](Path(folder), name)


if __name__ == "__main__":
    main()
