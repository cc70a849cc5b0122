"""The database file: damage, locks, full disks, read-only folders, other versions, other processes."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.core.run import ModuleState, RunState
from estudio.errors import StoreDamaged, StoreDiskFull, StoreFailed, StoreLocked
from estudio.store import service_tables, tables
from estudio.store.database import Database
from estudio.store.failures import failure_of_os, failure_of_sqlite
from estudio.store.rows import run_row
from tests.store.children import SOURCES, run_children, start_child
from tests.store.records import dataset, finished, module, run

if TYPE_CHECKING:
    from tests.conftest import Require


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "database.sqlite"


def fill(path: Path) -> None:
    """A database with a few runs and datasets, closed."""
    with Database(path) as database:
        for number in range(3):
            database.runs.add_run(run(f"run-{number}"), [module("rank")])
            database.runs.change_modules(f"run-{number}", [module("rank", ModuleState.RUNNING), finished()])
        database.datasets.add_dataset(dataset())


def test_what_was_written_is_there_when_it_is_opened_again(path: Path) -> None:
    fill(path)
    with Database(path) as database:
        assert database.runs.list_modules("run-2") == [finished()]
        assert database.datasets.get_dataset("diabetes").version == 1


def test_the_file_is_in_write_ahead_mode_and_synced(path: Path) -> None:
    with Database(path) as database:
        for transaction in (database.connections.writing, database.connections.reading):
            with transaction() as connection:
                values = [
                    connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("foreign_keys", "synchronous")
                ]
                assert values == [1, 2]
                assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        with database.connections.writing(durable=False) as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
        with database.connections.writing() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_the_statements_fit_the_schema(path: Path) -> None:
    with Database(path) as database, database.connections.reading() as connection:
        for table in tables.metadata.sorted_tables:
            found = connection.exec_driver_sql(f"PRAGMA table_info({table.name})").all()
            assert [row.name for row in found] == [column.name for column in table.columns]
            kinds = {"INTEGER": "INTEGER", "REAL": "FLOAT", "TEXT": "TEXT"}
            assert [kinds[row.type] for row in found] == [str(column.type) for column in table.columns]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (tables.newest_of_keys, "module_runs_by_key"),
        (tables.newest_of_names, "module_runs_by_name"),
        (tables.select_running, "runs_running"),
        (tables.runs_of_one, "runs_by_experiment"),
        (service_tables.has_claimable, "jobs_queued"),
        (service_tables.has_claimable, "jobs_running"),
        (service_tables.select_running_jobs, "jobs_running"),
        (service_tables.select_jobs_of, "jobs_by_endpoint"),
        (service_tables.select_job_of_key, "jobs_by_idempotency_key"),
        (service_tables.select_expired_jobs, "jobs_expiring"),
        (service_tables.select_keys_beginning, "sqlite_autoindex_service_keys_2"),
        (service_tables.select_calls, "call_records_by_endpoint"),
    ],
)
def test_the_indexes_serve(path: Path, statement: object, index: str) -> None:
    from sqlalchemy.dialects import sqlite

    compiled = statement.compile(dialect=sqlite.dialect(paramstyle="named"))  # type: ignore[attr-defined]
    with Database(path) as database, database.connections.reading() as connection:
        given = {"wanted": "[]", "of": "pima", "most": 1}
        parameters = {name: given.get(name, value) for name, value in compiled.params.items()}
        driver = connection.connection.cursor()
        plan = [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {compiled}", parameters).fetchall()]
    assert [step for step in plan if index in step], plan


def test_a_file_of_something_else_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database at all, but long enough to have a header\n" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match="is damaged: file is not a database") as caught:
        Database(path)
    assert "estudio store verify" in caught.value.message
    assert "move the file away" in caught.value.message
    assert path.read_bytes() == before


def test_an_emptied_file_is_no_beginning(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    with pytest.raises(StoreDamaged, match="is not a database of estudio, or was emptied"):
        Database(path)
    assert path.stat().st_size == 0


def test_a_log_without_its_database_is_no_beginning(path: Path) -> None:
    fill(path)
    path.unlink()
    path.with_name("database.sqlite-wal").write_bytes(b"changes that were not yet in the file")
    with pytest.raises(StoreDamaged, match="is missing, but its log of changes is there"):
        Database(path)
    assert not path.exists()


def test_another_programs_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (id TEXT)")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with pytest.raises(StoreDamaged, match="is not a database of estudio"):
        Database(path)


def test_a_damaged_page_is_named_when_it_is_met(path: Path) -> None:
    fill(path)
    content = bytearray(path.read_bytes())
    for begin in range(4096, len(content), 4096):
        content[begin : begin + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="is damaged"), Database(path) as database:
        database.runs.list_runs()


def test_a_truncated_file_is_named(path: Path) -> None:
    fill(path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(StoreDamaged, match="is damaged"), Database(path) as database:
        assert [database.runs.list_runs(), database.datasets.list_datasets(), database.runs.referenced_digests()]


@pytest.mark.parametrize(
    ("change", "call"),
    [
        ("UPDATE runs SET state = 'flying'", "list_runs"),
        ("UPDATE runs SET facts = '{'", "list_runs"),
        ("UPDATE module_runs SET state = 'flying'", "list_modules"),
        ("UPDATE module_runs SET outputs = '[{}]'", "list_modules"),
        ("UPDATE module_runs SET key_parts = '[]'", "list_modules"),
        ("UPDATE events SET body = 'x'", "list_events"),
        ("DROP TABLE module_runs", "list_modules"),
        ("UPDATE module_runs SET outputs = '[{]'", "referenced_digests"),
    ],
)
def test_a_record_that_never_was_written_is_damage(path: Path, change: str, call: str) -> None:
    fill(path)
    connection = sqlite3.connect(path)
    connection.execute(change)
    connection.commit()
    connection.close()
    with Database(path) as database, pytest.raises(StoreDamaged, match="is damaged"):
        getattr(database.runs, call)(*(["run-1"] if call in {"list_modules", "list_events"} else []))


def test_a_sound_database_has_no_problems(path: Path) -> None:
    fill(path)
    with Database(path) as database:
        assert database.problems() == []


def test_problems_are_found_by_reading_everything(path: Path) -> None:
    fill(path)
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM runs WHERE id = 'run-1'")
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("DELETE FROM sqlite_master WHERE name = 'runs_by_experiment'")
    connection.commit()
    connection.close()
    with Database(path) as database:
        problems = database.problems()
    assert any("never used" in text for text in problems)
    assert "row 2 of module_runs has no owner" in problems


def test_a_closed_database_says_so(path: Path) -> None:
    database = Database(path)
    database.close()
    database.close()
    with pytest.raises(StoreFailed, match="is closed"):
        database.runs.list_runs()
    with pytest.raises(StoreFailed, match="is closed"):
        database.runs.add_run(run(), [])


def test_a_name_that_is_no_text_is_named(path: Path) -> None:
    with Database(path) as database:
        with pytest.raises(StoreFailed, match="must be Unicode text"):
            database.runs.add_run(run(experiment="half \ud800"), [])
        assert database.runs.list_runs() == []


def test_a_folder_in_the_files_place_is_named(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreFailed, match="cannot be written"):
        Database(path)


def test_a_place_that_cannot_be_made_is_named() -> None:
    with pytest.raises(StoreFailed, match="cannot be used: Not a directory"):
        Database(Path("/dev/null/store/database.sqlite"))


def test_a_folder_without_the_right_to_write_is_named(require: Require) -> None:
    require(os.geteuid() == 0, "only root can become another user")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "database.sqlite")
        fill(path)
        answer = open_as_nobody(path)
    assert answer.startswith("StoreFailed The database")
    assert "readable and writable for you" in answer


def open_as_nobody(path: Path) -> str:
    """What a user without rights is told."""
    program = (
        "import os, sys; from pathlib import Path; from estudio.store.database import Database\n"
        "from estudio.errors import EstudioError\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try:\n    Database(Path(sys.argv[1])).runs.repair(lambda owner: False, 1.0)\n"
        "except EstudioError as error:\n    print(type(error).__name__, error.message)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout


def test_a_full_disk_is_named_and_loses_nothing(path: Path) -> None:
    fill(path)
    with Database(path) as database:
        with database.connections.writing() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreDiskFull, match="There is no room left to write"):
            database.runs.add_run(run("large"), [module(f"module {number}") for number in range(2000)])
        assert [each.id for each in database.runs.list_runs()] == ["run-2", "run-1", "run-0"]
        with database.connections.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        database.runs.add_run(run("large"), [module("rank")])


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_every_kind_of_no_room_is_a_full_disk(path: Path, number: int) -> None:
    assert isinstance(failure_of_os(OSError(number, "no"), path), StoreDiskFull)


def test_a_failing_disk_is_no_damage(path: Path) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    assert type(failure_of_sqlite(error, path)) is StoreFailed


def test_a_lock_that_is_held_too_long_is_named(path: Path) -> None:
    fill(path)
    child = start_child("hold_the_lock", path.parent, "2")
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    with Database(path, busy_seconds=0.1) as database:
        assert len(database.runs.list_runs()) == 3
        with pytest.raises(StoreLocked, match="Another process holds the database"):
            database.runs.add_run(run(), [])
    child.kill()
    child.communicate()


def test_a_lock_that_is_held_for_a_moment_is_waited_for(path: Path) -> None:
    fill(path)
    child = start_child("hold_the_lock", path.parent, "0.3")
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    begun = time.monotonic()
    with Database(path) as database:
        database.runs.add_run(run("another"), [])
    assert time.monotonic() - begun > 0.1
    child.communicate()


def test_an_exception_inside_a_transaction_undoes_it(path: Path) -> None:
    with Database(path) as database:
        with suppress(KeyboardInterrupt), database.connections.writing() as connection:
            connection.execute(tables.insert_run, run_row(run("half")))
            raise KeyboardInterrupt
        assert database.runs.list_runs() == []
        database.runs.add_run(run(), [])


def test_plain_transactions_are_undone_and_synced_like_the_others(path: Path) -> None:
    with Database(path) as database:
        connections = database.connections
        database.runs.add_run(run(), [])
        with suppress(KeyboardInterrupt), connections.writing_plainly() as connection:
            connection.execute("DELETE FROM runs")
            raise KeyboardInterrupt
        with suppress(StoreFailed), connections.writing_plainly(durable=False) as connection:
            connection.execute("DELETE FROM runs")
            connection.execute("no statement")
        assert [each.id for each in database.runs.list_runs()] == [run().id]
        with connections.writing_plainly(durable=False) as connection:
            assert connection.in_transaction
            assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
        for _ in range(2):
            with connections.writing_plainly() as connection:
                assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    with pytest.raises(StoreFailed, match="closed"), connections.reading_plainly():
        pass


def test_two_processes_write_at_once(path: Path) -> None:
    run_children("add_runs", path.parent, 2)
    with Database(path) as database:
        runs = database.runs.list_runs()
        assert len(runs) == 40
        assert {each.state for each in runs} == {RunState.FINISHED}
        for each in runs:
            assert [event.number for event in database.runs.list_events(each.id)] == list(range(1, 9))


def test_two_processes_make_the_database_at_once(path: Path) -> None:
    said = run_children("open_database", path.parent, 3)
    assert said == ["runs 0\n"] * 3
    assert [each.name for each in path.parent.iterdir() if "creating" in each.name] == []


def test_nothing_is_imported_that_a_command_without_a_store_would_pay_for() -> None:
    imports = "sys, estudio.store.protocols, estudio.core.dataset, estudio.store.memory, estudio.cli.main"
    program = f"import {imports}; print('sqlalchemy' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "False\n"
