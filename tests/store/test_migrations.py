"""Databases of every older version open with all that is in them; later ones are refused."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from estudio.core.job import JobState
from estudio.core.run import ModuleState, RunState
from estudio.errors import StoreDamaged
from estudio.store import migrations, service_tables
from estudio.store.connections import Connections
from estudio.store.database import Database
from tests.store import service_records as given
from tests.store.records import dataset, finished, module, run

GOLDEN = Path(__file__).parent / "golden"
WITH_SERVICES = 2
VERSIONS = range(1, len(migrations.MIGRATIONS) + 1)
LATER: tuple[tuple[str, ...], ...] = (
    *(tuple(statements) for statements in migrations.MIGRATIONS),
    ("ALTER TABLE runs ADD COLUMN note TEXT", "UPDATE runs SET note = 'migrated'"),
)
"""As a next version might be."""


def restore(version: int, path: Path) -> None:
    """The database of an older version, from its dump."""
    connection = sqlite3.connect(path)
    connection.executescript((GOLDEN / f"v{version:04}.sql").read_text(encoding="utf-8"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def fill(database: Database) -> None:
    """What the dump of a version holds; used to make it when a version is born."""
    database.runs.add_run(run("run-1"), [module("data"), module("rank"), module("plot")])
    database.runs.change_modules("run-1", [module("data", ModuleState.RUNNING, started_at=1.0)])
    database.runs.change_modules("run-1", [finished("data", "key of data")])
    database.runs.change_modules("run-1", [module("rank", ModuleState.RUNNING)])
    error = {"code": "script-raised", "message": "half a pair: \ud800", "traceback": "…", "line": 3}
    database.runs.change_modules("run-1", [module("rank", ModuleState.FAILED, error=error)])
    database.runs.change_modules("run-1", [module("plot", ModuleState.BLOCKED)])
    database.runs.end_run("run-1", RunState.FAILED, 9.0)
    database.runs.add_run(run("run-2", partial=True), [module("data")])
    database.datasets.add_dataset(dataset())
    database.datasets.add_dataset(dataset(original="33" * 32))


def fill_services(database: Database) -> None:
    """What the dump of version 2 holds beside; made when that was born, in a workspace of this id."""
    with database.connections.writing() as connection:
        connection.execute(service_tables.insert_value, {"name": service_tables.WORKSPACE_ID, "value": "1d" * 16})
    default, more = given.endpoint(), given.full_endpoint()
    database.services.add_version(given.service(), given.version(), default, [given.key("one", default)])
    database.services.add_version(given.service(), given.version(title="Second"), default, ())
    database.services.promote(given.ident("pima"), 2)
    database.services.add_endpoint(more, [given.key("two", more, expires_at=9.5, calls_per_minute=6, wrapped="w")])
    database.services.add_key(given.key("manage"))
    database.services.add_counts([given.counts(default)])
    database.services.add_calls([given.call(default), given.call(default, 2, status=400, code="85")], 10)
    for name in ("queued", "running", "finished"):
        database.jobs.add_job(given.job(default, name, idempotency_key=name))
    running = database.jobs.claim_job(given.ME, 3.0, 40)
    assert running is not None
    database.jobs.add_part(running.id, given.ME, 0, {"output1": given.RESULT})
    finished_job = database.jobs.claim_job(given.ME, 3.0, 40)
    assert finished_job is not None
    results = {"output1": given.RESULT}
    database.jobs.move_job(finished_job.id, JobState.FINISHED, 4.0, results=results, expires_at=9.0)


def contents(database: Database) -> list[object]:
    """All that the repositories tell."""
    runs = database.runs.list_runs()
    told: list[object] = [*runs, *database.datasets.list_datasets(all_versions=True)]
    for each in runs:
        told += [database.runs.list_modules(each.id), database.runs.list_events(each.id)]
    return [*told, database.runs.find_results(["key of data"]), database.runs.find_latest("pima", ["data"])]


def service_contents(database: Database) -> list[object]:
    """The same of services and jobs."""
    services, jobs = database.services, database.jobs
    told: list[object] = [services.workspace_id(), *services.list_services(), *services.list_endpoints()]
    told += services.list_keys()
    for service in services.list_services():
        told += services.list_versions(service.id)
    for endpoint in services.list_endpoints():
        told += [*services.list_calls(endpoint.id, 10), *services.list_counts(endpoint.id, 0)]
    return [*told, *jobs.list_jobs(), *(jobs.list_parts(job.id) for job in jobs.list_jobs())]


def schema(path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()
    connection.close()
    return [(name, " ".join(sql.split())) for name, sql in found]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_older_version_opens_with_all_that_is_in_it(tmp_path: Path, version: int) -> None:
    restore(version, tmp_path / "old.sqlite")
    with (
        Database(tmp_path / "old.sqlite") as old,
        Database(tmp_path / "new.sqlite", clock=lambda: 7.0) as new,
    ):
        fill(new)
        assert contents(old) == contents(new)
        if version >= WITH_SERVICES:
            fill_services(new)
            assert service_contents(old) == service_contents(new)
        else:
            assert (old.services.list_services(), old.jobs.list_jobs()) == ([], [])
            assert old.services.generation() >= 1
    assert schema(tmp_path / "old.sqlite") == schema(tmp_path / "new.sqlite")


def test_there_is_a_dump_of_every_version() -> None:
    assert sorted(path.name for path in GOLDEN.iterdir()) == [f"v{version:04}.sql" for version in VERSIONS]


def test_a_later_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "database.sqlite"
    Database(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(migrations.MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(StoreDamaged, match="was written by a later version of estudio") as caught:
        Database(path)
    assert caught.value.facts["version"] == len(migrations.MIGRATIONS) + 1


def migrate(path: Path, steps: tuple[tuple[str, ...], ...] = LATER) -> None:
    """Open and bring to a version that is not there yet."""
    connections = Connections(path)
    try:
        connections.run_migrations(steps)
    finally:
        connections.close()


def notes(path: Path) -> list[tuple[str]]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT DISTINCT note FROM runs").fetchall()
    connection.close()
    return found


def test_a_new_version_is_applied_once(tmp_path: Path) -> None:
    path = tmp_path / "database.sqlite"
    restore(1, path)
    connections = Connections(path)
    connections.run_migrations(LATER)
    connections.run_migrations(LATER)
    connections.close()
    assert notes(path) == [("migrated",)]
    with pytest.raises(StoreDamaged, match="later version"):
        Database(path)


def test_two_that_migrate_at_once_apply_it_once(tmp_path: Path) -> None:
    path = tmp_path / "database.sqlite"
    restore(1, path)
    opened = [Connections(path) for _ in range(4)]
    threads = [threading.Thread(target=each.run_migrations, args=(LATER,)) for each in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in opened:
        each.close()
    assert notes(path) == [("migrated",)]


def test_a_migration_that_fails_leaves_the_old_version_whole(tmp_path: Path) -> None:
    path = tmp_path / "database.sqlite"
    restore(len(migrations.MIGRATIONS), path)
    before = schema(path)
    with pytest.raises(StoreDamaged):
        migrate(path, (*LATER, ("CREATE TABLE more (x)", "NONSENSE")))
    assert schema(path) == before
    with Database(path) as database:
        assert len(database.runs.list_runs()) == 2
