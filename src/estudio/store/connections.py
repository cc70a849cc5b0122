"""Connections to the database: one that writes, a few that read, and transactions that are whole or nothing.

A database comes to its name only when it is complete, so an empty file under that name is damage, never a beginning.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError

from estudio.errors import StoreDamaged, StoreFailed
from estudio.store import migrations
from estudio.store.failures import failure_of_os, failure_of_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import PoolProxiedConnection

BUSY_SECONDS = 20.0
"""How long to wait for another process's write: far longer than any transaction, short enough for a person."""
READERS = 4
"""Read connections that are kept open; more are made when more threads ask at once."""
_CREATING = ".creating-"
_WRITES = "estudio_writes"


class Connections:
    """Opens or makes the database file and hands out transactions. Any thread may call it."""

    def __init__(self, path: Path, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open the database at `path`; its folder is made where it is missing.

        Raises StoreDamaged, StoreLocked, StoreDiskFull, StoreFailed.
        """
        self.path = path
        self._lock = threading.Lock()
        self._closed = False
        self._readers_lock = threading.Lock()
        self._readers: list[PoolProxiedConnection] = []
        with named_failures(path):
            if not path.exists():
                _refuse_log_alone(path)
                _create(path, busy_seconds)
            self._engine = _engine_of(path, busy_seconds)
            self._writer = self._engine.connect().execution_options(**{_WRITES: True})
        try:
            self.run_migrations()
        except BaseException:
            self.close()
            raise

    def run_migrations(self, steps: Sequence[Sequence[str]] = migrations.MIGRATIONS) -> None:
        """Bring the file to the newest schema. Two processes may do so at once. Raises StoreDamaged, StoreLocked."""
        with self.reading() as connection:
            found = migrations.version_of(connection)
        if migrations.check_version(found, self.path, steps) < len(steps):
            with self.writing() as connection:
                found = migrations.version_of(connection)
                migrations.apply_from(connection, migrations.check_version(found, self.path, steps), steps)

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that holds the write lock from its beginning. On return it is on disk, where `durable`."""
        with self._lock, named_failures(self.path):
            self._check_open()
            if durable:
                with self._writer.begin():
                    yield self._writer
                return
            with _not_synced(self._plain_writer()), self._writer.begin():
                yield self._writer

    @contextmanager
    def writing_plainly(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """The same for statements in plain SQL: the driver's connection, without what SQLAlchemy does around it."""
        with self._lock, named_failures(self.path):
            self._check_open()
            writer = self._plain_writer()
            with nullcontext() if durable else _not_synced(writer), _immediate(writer):
                yield writer

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the database, whatever others write meanwhile."""
        with named_failures(self.path):
            self._check_open()
            with self._engine.connect() as connection:
                yield connection

    @contextmanager
    def reading_plainly(self) -> Iterator[sqlite3.Connection]:
        """A connection for one SELECT in plain SQL, which sees one moment of the database."""
        with named_failures(self.path):
            self._check_open()
            reader = self._take_reader()
            try:
                yield _driver_of(reader)
            except BaseException:
                reader.close()
                raise
            self._give_reader_back(reader)

    def _take_reader(self) -> PoolProxiedConnection:
        with self._readers_lock:
            if self._readers:
                return self._readers.pop()
        return self._engine.raw_connection()

    def _give_reader_back(self, reader: PoolProxiedConnection) -> None:
        """Kept out of the pool, which would take longer to give and take it than one SELECT."""
        with self._readers_lock:
            if not self._closed and len(self._readers) < READERS:
                self._readers.append(reader)
                return
        reader.close()

    def close(self) -> None:
        """Close all connections; a second time is nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._writer.close()
                with self._readers_lock:
                    while self._readers:
                        self._readers.pop().close()
                self._engine.dispose()

    def _plain_writer(self) -> sqlite3.Connection:
        writer = _driver_of(self._writer.connection)
        self._writer.rollback()  # asking for it may have begun a transaction
        return writer

    def _check_open(self) -> None:
        if self._closed:
            raise StoreFailed(f"The database {self.path} is closed.", path=str(self.path))


@contextmanager
def _not_synced(writer: sqlite3.Connection) -> Iterator[None]:
    """What is committed meanwhile survives the process; a power failure may undo it, whole transactions at a time."""
    writer.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        writer.execute("PRAGMA synchronous = FULL")


@contextmanager
def _immediate(writer: sqlite3.Connection) -> Iterator[None]:
    """A transaction of the driver's connection: committed at the end, rolled back where anything was raised."""
    writer.execute("BEGIN IMMEDIATE")
    try:
        yield
        writer.execute("COMMIT")
    except BaseException:
        if writer.in_transaction:
            writer.execute("ROLLBACK")
        raise


def _driver_of(pooled: PoolProxiedConnection) -> sqlite3.Connection:
    driver = pooled.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 -- the engine is made for this driver
    return driver


@contextmanager
def named_failures(path: Path) -> Iterator[None]:
    """Raise the store's errors in place of those of SQLAlchemy, SQLite and the file system."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise StoreFailed(
            f"{error.object!r} cannot be stored: a name must be Unicode text. Rename what has this name.",
            name=repr(error.object),
        ) from error
    except InterfaceError as error:
        raise StoreFailed(f"The database {path} is closed.", path=str(path)) from error
    except DBAPIError as error:
        raise failure_of_sqlite(error.orig or error, path) from error
    except sqlite3.Error as error:
        raise failure_of_sqlite(error, path) from error
    except OSError as error:
        raise failure_of_os(error, path) from error


def _engine_of(path: Path, busy_seconds: float) -> Engine:
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        pool_size=READERS,
        max_overflow=-1,
        connect_args={"timeout": busy_seconds, "check_same_thread": False, "isolation_level": None},
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _record: object) -> None:  # noqa: ANN401 - SQLAlchemy passes the driver's connection
    for setting in ("foreign_keys = ON", "synchronous = FULL", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {setting}")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _refuse_log_alone(path: Path) -> None:
    """A log of changes beside a new database would be read into it, whatever database it belonged to."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size and not path.exists():
        raise StoreDamaged(
            f"The database {path} is missing, but its log of changes is there. Put the file back to where it was; to "
            f"begin a new history, move {log.name} away too.",
            path=str(path),
        )


def _create(path: Path, busy_seconds: float) -> None:
    """Make a complete database beside its place, then give it its name; who comes second takes the first one's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{path.name}{_CREATING}", dir=path.parent))
    made = folder / path.name
    try:
        engine = _engine_of(made, busy_seconds)
        with engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
            migrations.apply_from(connection, 0)
            connection.commit()
        engine.dispose()
        _give_name(made, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _give_name(made: Path, path: Path) -> None:
    try:
        os.link(made, path)
    except FileExistsError:
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
