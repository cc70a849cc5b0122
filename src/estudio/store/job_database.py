"""Jobs in the database. What a change does is said by `store.job_rules`, in the transaction that read the job."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from estudio.store import job_rules, plain_statements, service_rows, service_rules, service_tables
from estudio.store.failures import readable_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection, Row

    from estudio.core.job import Job, JobResult, JobState
    from estudio.core.run import Owner
    from estudio.store.connections import Connections

_ALL = -1
"""As a limit: no limit."""


class JobDatabase:
    """The `JobRepository` over SQLite."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def add_job(self, job: Job) -> Job:
        """Add it; where the endpoint has a job of the same idempotency key, nothing is added and that one returned."""
        job_rules.check_new_job(job)
        with self._connections.writing() as connection:
            of = {"of": job.endpoint_id, "key": job.idempotency_key}
            same = connection.execute(service_tables.select_job_of_key, of).first()
            if same is not None:
                return self._job_of(same)
            if connection.execute(service_tables.select_endpoint, of).first() is None:
                raise service_rules.endpoint_missing(job.endpoint_id)
            try:
                connection.execute(service_tables.insert_job, service_rows.job_row(job))
            except IntegrityError as error:
                raise job_rules.refuse_second_job(job.id) from error
            return job

    def get_job(self, job_id: str) -> Job:
        """Raises JobNotFound."""
        with self._connections.reading() as connection:
            return self._row(connection, job_id)[0]

    def list_jobs(self, endpoint_id: str | None = None, limit: int | None = None) -> list[Job]:
        """The newest first."""
        statement = service_tables.select_all_jobs if endpoint_id is None else service_tables.select_jobs_of
        with self._connections.reading() as connection:
            found = connection.execute(statement, {"of": endpoint_id, "most": _ALL if limit is None else limit})
            return [self._job_of(row) for row in found]

    def move_job(self, job_id: str, state: JobState, at: float, *, by: Owner | None = None, **changes: object) -> Job:
        """Move it to a state, with these fields of `Job` changed. Raises JobNotFound, StateConflict."""
        with self._connections.writing() as connection:
            job, number = self._row(connection, job_id)
            if by is not None:
                job_rules.check_mine(job, by)
            return self._keep(connection, number, job_rules.moved(job, state, at, changes))

    def claim_job(self, owner: Owner, at: float, per_endpoint: int) -> Job | None:
        """Make the oldest queued job running and mine, `attempts` raised; None where there is none to take.

        Looks without the lock first: most of the time there is none.
        """
        wanted = {"per_endpoint": per_endpoint}
        with self._connections.reading_plainly() as reader:
            if not plain_statements.has_claimable.all(reader, wanted):
                return None
        with self._connections.writing() as connection:
            row = connection.execute(service_tables.select_claimable, wanted).first()
            if row is None:
                return None
            return self._keep(connection, row.number, job_rules.claimed(self._job_of(row), owner, at))

    def progress(self, job_id: str, owner: Owner, rows_done: int, rows_total: int | None) -> bool:
        """Note how far it is; False when its owner is to stop: it is to be cancelled, or not this owner's any more."""
        with self._connections.writing(durable=False) as connection:
            row = connection.execute(service_tables.select_job, {"wanted": job_id}).first()
            job = None if row is None else self._job_of(row)
            if row is None or job is None or not job_rules.is_mine(job, owner):
                return False
            self._keep(connection, row.number, replace(job, rows_done=rows_done, rows_total=rows_total))
            return not job.is_cancelling

    def ask_cancel(self, job_id: str, at: float) -> Job:
        """A job that has not begun is cancelled; one that runs is marked; an ended one stays. Raises JobNotFound."""
        with self._connections.writing() as connection:
            job, number = self._row(connection, job_id)
            return self._keep(connection, number, job_rules.cancel_asked(job, at))

    def add_part(self, job_id: str, owner: Owner, part: int, results: dict[str, JobResult]) -> None:
        """Keep what a part of a job gave; a second time is nothing. Raises StateConflict where it is not mine."""
        with self._connections.writing() as connection:
            job, number = self._row(connection, job_id)
            job_rules.check_mine(job, owner)
            added = {"job": number, "part": part, "results": service_rows.results_text(results)}
            connection.execute(service_tables.insert_part, added)
            self._keep(connection, number, job_rules.with_part(job))

    def list_parts(self, job_id: str) -> dict[int, dict[str, JobResult]]:
        """What parts have been kept. Raises JobNotFound."""
        with self._connections.reading() as connection, readable_rows(self._connections.path):
            _, number = self._row(connection, job_id)
            found = connection.execute(service_tables.select_parts, {"job_number": number})
            return {row.part: service_rows.results_of(row.results) for row in found}

    def repair(self, is_alive: Callable[[Owner], bool], at: float) -> list[Job]:
        """Queue running jobs whose owner is gone, or fail those that were begun MAX_ATTEMPTS times; returns them."""
        with self._connections.reading() as connection:
            running = list(self._running(connection))
        dead = {job.id for job, _ in running if job.owner is None or not is_alive(job.owner)}
        if not dead:
            return []
        owners = {job.id: job.owner for job, _ in running}
        with self._connections.writing() as connection:
            return [
                self._keep(connection, number, job_rules.abandoned(job, at))
                for job, number in list(self._running(connection))
                if job.id in dead and job.owner == owners[job.id]
            ]

    def remove_expired(self, now: float) -> list[Job]:
        """Forget jobs that have expired and have ended, or were never started; returns them."""
        with self._connections.reading() as connection:
            if connection.execute(service_tables.select_expired_jobs, {"now": now}).first() is None:
                return []
        with self._connections.writing() as connection:
            found = connection.execute(service_tables.select_expired_jobs, {"now": now}).all()
            for row in found:
                connection.execute(service_tables.delete_job, {"job_number": row.number})
            return [self._job_of(row) for row in found]

    def referenced_digests(self) -> set[str]:
        """Objects that jobs read or gave."""
        with self._connections.reading() as connection, readable_rows(self._connections.path):
            parts = connection.execute(service_tables.select_all_parts).scalars().all()
            jobs = connection.execute(service_tables.select_all_jobs, {"most": _ALL}).all()
        found = self._digests_of_parts(parts)
        return found.union(*(job_rules.digests_of(self._job_of(row)) for row in jobs))

    def _digests_of_parts(self, parts: Iterable[str]) -> set[str]:
        with readable_rows(self._connections.path):
            results = [service_rows.results_of(text).values() for text in parts]
        return {digest for each in results for digest in job_rules.digests_of_results(each)}

    def _running(self, connection: Connection) -> Iterator[tuple[Job, int]]:
        for row in connection.execute(service_tables.select_running_jobs).all():
            yield self._job_of(row), row.number

    def _row(self, connection: Connection, job_id: str) -> tuple[Job, int]:
        """The job and its number. Raises JobNotFound."""
        row = connection.execute(service_tables.select_job, {"wanted": job_id}).first()
        if row is None:
            raise job_rules.job_missing(job_id)
        return self._job_of(row), row.number

    def _job_of(self, row: Row[Any]) -> Job:
        with readable_rows(self._connections.path):
            return service_rows.job_of(row)

    def _keep(self, connection: Connection, number: int, job: Job) -> Job:
        changed = {f"new_{name}": value for name, value in service_rows.job_row(job).items()}
        connection.execute(service_tables.update_job, {"job_number": number, **changed})
        if job.state in job_rules.FINAL_STATES:
            connection.execute(service_tables.delete_parts, {"job_number": number})
        return job
