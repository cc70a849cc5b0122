"""Runs in the database: every change of state and its event are one transaction.

"Newest" means last added; ids only name runs. All statements lie in `store.tables`.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from estudio.core.run import ModuleState, RunState
from estudio.store import event_bodies, moves, plain_statements, rows, tables
from estudio.store.failures import readable_rows
from estudio.store.protocols import StoredEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from estudio.core.run import ModuleRun, Owner, RunRecord
    from estudio.store.connections import Connections
    from estudio.store.plain_statements import PlainStatement

_RUN_WIDTH = len(rows.RUN_COLUMNS)
_MODULE_WIDTH = len(rows.MODULE_COLUMNS)
_BEYOND = "\U0010ffff"
"""Follows every id that has the same beginning."""
_ALL = -1
"""As a limit: no limit."""


class RunDatabase:
    """The `RunRepository` over SQLite. `clock` gives the times of events, in seconds since the epoch."""

    def __init__(self, connections: Connections, clock: Callable[[], float] = time.time) -> None:
        self._connections = connections
        self._clock = clock

    def add_run(self, run: RunRecord, modules: Sequence[ModuleRun]) -> None:
        """A new run and all of its modules, in one transaction. Raises StateConflict where the id is taken."""
        moves.check_new_run(run, modules)
        with self._connections.writing() as connection:
            if connection.execute(tables.select_run, {"run_id": run.id}).first() is not None:
                raise moves.refuse_second_run(run.id)
            inserted = connection.execute(tables.insert_run, rows.run_row(run))
            (number,) = inserted.inserted_primary_key or (0,)
            if modules:
                same = {"run": number, "experiment": run.experiment}
                connection.execute(tables.insert_modules, [{**same, **rows.module_row(module)} for module in modules])
            names = [module.module for module in modules]
            self._add_events(connection, number, 0, [event_bodies.run_changed(run, names)])

    def end_run(self, run_id: str, state: RunState, ended_at: float) -> RunRecord:
        """Move a run to a final state; modules that still wait or run become cancelled or interrupted with it."""
        with self._connections.writing() as connection:
            run, number, last_event = self._run_row(connection, run_id)
            moves.check_run_move(run_id, run.state, state)
            return self._end(connection, run, (number, last_event), state, ended_at)

    def change_modules(self, run_id: str, changed: Sequence[ModuleRun]) -> None:
        """Replace these modules' records, in one durable transaction; every move of state is checked."""
        durable = any(module.state is not ModuleState.RUNNING for module in changed)
        wanted = {"wanted": rows.to_json([module.module for module in changed]), "run_id": run_id}
        with self._connections.writing_plainly(durable=durable) as connection:
            found = plain_statements.select_states.all(connection, wanted)
            if not found:
                raise moves.run_missing(run_id)
            run_state, number, last_event = found[0][:3]
            with readable_rows(self._connections.path):
                moves.check_run_runs(run_id, RunState(run_state))
                states = {row[3]: ModuleState(row[4]) for row in found if row[3] is not None}
            moved = moves.moved_modules(run_id, states, changed)
            numbers = {row[3]: row[5] for row in found}
            replaced = [_replaced(numbers[module.module], module) for module, _ in moved]
            bodies = [event_bodies.module_changed(run_id, module) for module, has_moved in moved if has_moved]
            plain_statements.update_module.execute_many(connection, replaced)
            plain_statements.insert_events.execute_many(connection, self._events(number, last_event, bodies))

    def get_run(self, run_id: str) -> RunRecord:
        """The run of that id, or of a beginning of an id that only one run has. Raises RunNotFound."""
        with self._connections.reading() as connection:
            row = connection.execute(tables.select_run, {"run_id": run_id}).first()
            if row is None:
                only = self._id_beginning(connection, run_id)
                row = connection.execute(tables.select_run, {"run_id": only}).one()
        return self._run_of(row)

    def list_runs(self, experiment: str | None = None, limit: int | None = None) -> list[RunRecord]:
        """Runs, the newest first."""
        statement = tables.runs_of_all if experiment is None else tables.runs_of_one
        with self._connections.reading() as connection:
            most = _ALL if limit is None else limit
            found = connection.execute(statement, {"most": most, "of": experiment}).all()
        return [self._run_of(row) for row in found]

    def list_modules(self, run_id: str) -> list[ModuleRun]:
        """The modules of a run in the order in which they were added. Raises RunNotFound."""
        with self._connections.reading() as connection:
            _, number, _ = self._run_row(connection, run_id)
            found = connection.execute(tables.select_modules, {"run_number": number}).all()
        with readable_rows(self._connections.path):
            return [rows.module_of(row) for row in found]

    def list_events(self, run_id: str, after: int = 0) -> list[StoredEvent]:
        """Stored events of a run with a number above `after`. Raises RunNotFound."""
        with self._connections.reading() as connection:
            _, number, _ = self._run_row(connection, run_id)
            found = connection.execute(tables.select_events, {"run_number": number, "after": after}).all()
        with readable_rows(self._connections.path):
            return [StoredEvent(row[0], row[1], rows.from_json(row[2])) for row in found]

    def find_results(self, keys: Sequence[str]) -> dict[str, tuple[str, ModuleRun]]:
        """For each of these cache keys that has one: the newest (run id, finished module run)."""
        return self._newest(plain_statements.newest_of_keys, {"wanted": rows.to_json(list(keys))})

    def find_latest(self, experiment: str, modules: Sequence[str]) -> dict[str, tuple[str, ModuleRun]]:
        """For each module the newest (run id, module run) of that experiment that finished or was reused."""
        return self._newest(plain_statements.newest_of_names, {"wanted": rows.to_json(list(modules)), "of": experiment})

    def remove_run(self, run_id: str) -> None:
        """Forget a run; its objects stay until the next prune. Raises RunNotFound; StateConflict while it runs."""
        with self._connections.writing() as connection:
            run, number, _ = self._run_row(connection, run_id)
            moves.check_removable(run_id, run.state)
            connection.execute(tables.delete_run, {"run_number": number})

    def repair(self, is_alive: Callable[[Owner], bool], at: float) -> list[RunRecord]:
        """End runs whose owner is gone as interrupted; returns them."""
        with self._connections.reading() as connection:
            running = [self._run_of(row) for row in connection.execute(tables.select_running).all()]
        abandoned = [run for run in running if not is_alive(run.owner)]
        return [ended for run in abandoned if (ended := self._interrupt(run, at)) is not None]

    def referenced_digests(self) -> set[str]:
        """Digests of all objects that runs refer to."""
        with self._connections.reading() as connection:
            return {digest for digest in connection.execute(tables.digests_of_runs).scalars() if digest is not None}

    def close(self) -> None:
        """Close the database, for datasets and file digests too."""
        self._connections.close()

    def _interrupt(self, run: RunRecord, at: float) -> RunRecord | None:
        """End an abandoned run; None where another process did so first."""
        with self._connections.writing() as connection:
            row = connection.execute(tables.select_run, {"run_id": run.id}).first()
            if row is None or self._run_of(row).state is not RunState.RUNNING:
                return None
            return self._end(connection, run, (row[_RUN_WIDTH], row[_RUN_WIDTH + 1]), RunState.INTERRUPTED, at)

    def _end(
        self, connection: Connection, run: RunRecord, numbers: tuple[int, int], state: RunState, ended_at: float
    ) -> RunRecord:
        number, last_event = numbers
        ended = replace(run, state=state, ended_at=ended_at)
        with readable_rows(self._connections.path):
            found = connection.execute(tables.select_unfinished, {"run_number": number}).all()
            modules = [(row[_MODULE_WIDTH], moves.ended_module(rows.module_of(row), state, ended_at)) for row in found]
        self._replace(connection, modules)
        connection.execute(tables.end_run, {"run_number": number, "new_state": state.value, "new_ended_at": ended_at})
        bodies = [event_bodies.module_changed(run.id, module) for _, module in modules]
        self._add_events(connection, number, last_event, [*bodies, event_bodies.run_changed(ended)])
        return ended

    def _replace(self, connection: Connection, modules: Sequence[tuple[int, ModuleRun]]) -> None:
        if modules:
            connection.execute(tables.update_module, [_replaced(number, module) for number, module in modules])

    def _add_events(
        self, connection: Connection, run_number: int, last_event: int, bodies: Sequence[dict[str, object]]
    ) -> None:
        if bodies:
            connection.execute(tables.insert_events, self._events(run_number, last_event, bodies))

    def _events(self, run_number: int, last_event: int, bodies: Sequence[dict[str, object]]) -> list[dict[str, Any]]:
        at = self._clock()
        return [
            {"run": run_number, "number": number, "at": at, "body": rows.to_json(body)}
            for number, body in enumerate(bodies, last_event + 1)
        ]

    def _run_row(self, connection: Connection, run_id: str) -> tuple[RunRecord, int, int]:
        """The run of exactly that id, its number and the number of its last event. Raises RunNotFound."""
        row = connection.execute(tables.select_run, {"run_id": run_id}).first()
        if row is None:
            raise moves.run_missing(run_id)
        return self._run_of(row), row[_RUN_WIDTH], row[_RUN_WIDTH + 1]

    def _run_of(self, row: Sequence[Any]) -> RunRecord:
        with readable_rows(self._connections.path):
            return rows.run_of(row)

    def _id_beginning(self, connection: Connection, beginning: str) -> str:
        wanted = {"beginning": beginning, "beyond": beginning + _BEYOND, "most": moves.MAX_NAMED + 1}
        return moves.only_run(beginning, connection.execute(tables.ids_beginning, wanted).scalars().all())

    def _newest(self, statement: PlainStatement, parameters: dict[str, Any]) -> dict[str, tuple[str, ModuleRun]]:
        with self._connections.reading_plainly() as connection:
            found = statement.all(connection, parameters)
        with readable_rows(self._connections.path):
            return {row[0]: (row[1], rows.module_of(row[2:])) for row in found}


def _replaced(number: int, module: ModuleRun) -> dict[str, Any]:
    """The parameters of `update_module`."""
    return {"module_number": number, **{f"new_{name}": value for name, value in rows.module_row(module).items()}}
