"""The workspace's database: one SQLite file with runs, datasets, web services, jobs and digests of files.

Importing this imports SQLAlchemy, which takes longer than any statement: import it only where a store is opened.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from estudio.store.connections import BUSY_SECONDS, Connections
from estudio.store.dataset_database import DatasetDatabase
from estudio.store.job_database import JobDatabase
from estudio.store.run_database import RunDatabase
from estudio.store.service_database import ServiceDatabase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType


class Database:
    """An open database. Any thread may use it, and several processes may have it open at once.

    Attributes:
        runs: the `RunRepository`.
        datasets: the `DatasetRepository`.
        services: the `ServiceRepository`.
        jobs: the `JobRepository`.
        connections: for `store.file_digests`.
    """

    def __init__(
        self, path: Path, *, busy_seconds: float = BUSY_SECONDS, clock: Callable[[], float] = time.time
    ) -> None:
        """Open the database file, or make it with its folder; an older schema is brought up to date.

        Raises StoreDamaged for what is no database of ours or one of a later version, StoreLocked when another process
        holds it for longer than `busy_seconds`, StoreDiskFull, StoreFailed.
        """
        self.connections = Connections(path, busy_seconds)
        self.runs = RunDatabase(self.connections, clock)
        self.datasets = DatasetDatabase(self.connections)
        self.services = ServiceDatabase(self.connections)
        self.jobs = JobDatabase(self.connections)

    def problems(self) -> list[str]:
        """Read the whole file; what is damaged in it, in SQLite's words, and nothing for a sound one."""
        with self.connections.reading() as connection:
            found = [str(text) for text in connection.exec_driver_sql("PRAGMA integrity_check").scalars()]
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        return [text for text in found if text != "ok"] + [f"row {row[1]} of {row[0]} has no owner" for row in orphans]

    def close(self) -> None:
        """Let go of the file; a second time is nothing."""
        self.connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
