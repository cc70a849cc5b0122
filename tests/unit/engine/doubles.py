"""Small kinds, experiments and a store for the engine's tests: no sandbox, no database, no disk but a folder."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa
from blake3 import blake3

from estudio.core.experiment import Module, OutputReference
from estudio.core.module_kind import InputPort, ModuleKind, ModuleShape, OutputPort, PortType
from estudio.core.outcome import ScriptError
from estudio.core.run import ModuleRun, ModuleState, Owner, RunRecord, RunState, can_move
from estudio.engine.planned import PreparedModule
from estudio.errors import ObjectDamaged, ObjectMissing, RunNotFound, StateConflict
from estudio.modules.behaviour import ModuleOutcome, Settings
from estudio.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from estudio.core.module_kind import Value
    from estudio.modules.behaviour import ModuleCall
    from estudio.store.protocols import StoredEvent

SHAPE = ModuleShape(
    inputs=tuple(InputPort(f"dataset{number}", PortType.TABLE, optional=True) for number in (1, 2, 3)),
    outputs=(OutputPort("results", PortType.TABLE),),
)


def no_files(path: str) -> Path:
    raise AssertionError(f"nobody asked for {path}")


def number_table(*numbers: float) -> Table:
    return Table.from_arrow(pa.table({"x": pa.array(numbers, pa.float64())}))


def numbers_of(table: Table) -> list[float]:
    return [float(number or 0) for number in table.to_arrow().column("x").to_pylist()]


@dataclass
class Adding:
    """A kind that adds its setting `plus` to the sum of its inputs; counts its executions by module."""

    version: int = 1
    deterministic: bool = True
    shape_: ModuleShape = SHAPE
    act: Callable[[ModuleCall], ModuleOutcome | None] = lambda _: None
    executed: Counter[str] = field(default_factory=Counter)
    depends: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def kind(self) -> ModuleKind:
        return ModuleKind(
            "adding", self.version, "Add", "Adds.", "Test", "plus", self.shape_, deterministic=self.deterministic
        )

    def shape(self, module: Module, files: Callable[[str], Path]) -> ModuleShape:  # noqa: ARG002
        return self.shape_

    def dependencies(self, module: Module, settings: Settings, files: Callable[[str], Path]) -> Mapping[str, str]:  # noqa: ARG002
        return self.depends

    def execute(self, call: ModuleCall) -> ModuleOutcome:
        with self.lock:
            self.executed[call.module.name] += 1
        done = self.act(call)
        if done is not None:
            return done
        plus = call.settings.settings.get("plus", 1)
        assert isinstance(plus, int | float)
        total = plus + sum(sum(numbers_of(table)) for table in call.inputs.values() if isinstance(table, Table))
        return ModuleOutcome({"results": number_table(total)})


def author_failure(_: ModuleCall) -> ModuleOutcome:
    return ModuleOutcome(error=ScriptError("script-raised", "ValueError: no"), log="it printed\n")


def module(name: str, *above: str, **settings: Value) -> Module:
    connections = {f"dataset{number}": OutputReference(source, "results") for number, source in enumerate(above, 1)}
    return Module(name, "adding", settings, {}, connections)


def prepare(behaviour: Adding, *modules: Module) -> dict[str, PreparedModule]:
    return {
        each.name: PreparedModule(each, behaviour, behaviour.shape_, Settings(each.settings, each.parameters))
        for each in modules
    }


def chain(count: int, **settings: Value) -> list[Module]:
    return [module(f"m{n}", *([f"m{n - 1}"] if n else []), **settings) for n in range(count)]


def run_record(number: int = 1, *, experiment: str = "sums", partial: bool = False) -> RunRecord:
    owner = Owner(os.getpid(), "1", "boot")
    return RunRecord(f"run-{number:04}", experiment, "0" * 64, RunState.RUNNING, partial, time.time(), owner)


class Objects:
    """An object store in a folder, without syncing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fail_with: Exception | None = None

    def put_bytes(self, content: bytes) -> str:
        if self.fail_with is not None:
            raise self.fail_with
        digest = blake3(content).hexdigest()
        path = self.folder / digest
        if not path.exists():
            written = path.with_name(f"{digest}.{threading.get_ident()}")
            written.write_bytes(content)
            written.rename(path)
            path.with_suffix(".size").write_text(str(len(content)))
        return digest

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        return [self.put_bytes(content) for content in contents]

    def put_file(self, write: Callable[[int], None]) -> str:
        path = self.folder / f"new-{threading.get_ident()}"
        with path.open("w+b") as stream:
            write(stream.fileno())
        content = path.read_bytes()
        path.unlink()
        return self.put_bytes(content)

    def read_bytes(self, digest: str, most: int) -> bytes:
        return self.path_of(digest).read_bytes()[:most]

    def path_of(self, digest: str) -> Path:
        path = self.folder / digest
        if not path.exists():
            raise ObjectMissing(f"{digest} is gone")
        if not self.has(digest):
            raise ObjectDamaged(f"{digest} is damaged")
        return path

    def has(self, digest: str) -> bool:
        path = self.folder / digest
        return path.exists() and str(path.stat().st_size) == path.with_suffix(".size").read_text()

    def list_objects(self) -> Iterable[tuple[str, int, float]]:
        return []

    def remove(self, digest: str) -> None:
        (self.folder / digest).unlink(missing_ok=True)

    def verify(self) -> Iterable[str]:
        return []


class Runs:
    """A run repository in memory."""

    def __init__(self) -> None:
        self.runs: dict[str, tuple[RunRecord, dict[str, ModuleRun]]] = {}
        self.lock = threading.RLock()
        self.look_ups = 0
        self.changes: list[list[ModuleRun]] = []

    def add_run(self, run: RunRecord, modules: Sequence[ModuleRun]) -> None:
        with self.lock:
            self.runs[run.id] = (run, {each.module: each for each in modules})

    def end_run(self, run_id: str, state: RunState, ended_at: float) -> RunRecord:
        with self.lock:
            run, modules = self.runs[run_id]
            ended = replace(run, state=state, ended_at=ended_at)
            for name, each in modules.items():
                if each.state in {ModuleState.WAITING, ModuleState.RUNNING}:
                    modules[name] = replace(each, state=ModuleState.CANCELLED)
            self.runs[run_id] = (ended, modules)
            return ended

    def change_modules(self, run_id: str, changed: Sequence[ModuleRun]) -> None:
        with self.lock:
            modules = self.runs[run_id][1]
            for each in changed:
                if not can_move(modules[each.module].state, each.state):
                    raise StateConflict(f"{each.module}: {modules[each.module].state} → {each.state}")
                modules[each.module] = each
            self.changes.append(list(changed))

    def get_run(self, run_id: str) -> RunRecord:
        if run_id not in self.runs:
            raise RunNotFound(run_id)
        return self.runs[run_id][0]

    def list_runs(self, experiment: str | None = None, limit: int | None = None) -> list[RunRecord]:
        return [run for run, _ in reversed(self.runs.values()) if experiment in {None, run.experiment}][:limit]

    def list_modules(self, run_id: str) -> list[ModuleRun]:
        return list(self.runs[run_id][1].values())

    def list_events(self, run_id: str, after: int = 0) -> list[StoredEvent]:  # noqa: ARG002
        return []

    def find_results(self, keys: Sequence[str]) -> dict[str, tuple[str, ModuleRun]]:
        self.look_ups += 1
        with self.lock:
            return {
                each.key: (run.id, each)
                for run, modules in self.runs.values()
                for each in modules.values()
                if each.key in keys and each.key is not None and each.state is ModuleState.FINISHED
            }

    def find_latest(self, experiment: str, modules: Sequence[str]) -> dict[str, tuple[str, ModuleRun]]:
        with self.lock:
            return {
                each.module: (run.id, each)
                for run, found in self.runs.values()
                for each in found.values()
                if run.experiment == experiment
                and each.module in modules
                and each.state in {ModuleState.FINISHED, ModuleState.REUSED}
            }

    def remove_run(self, run_id: str) -> None:
        del self.runs[run_id]

    def repair(self, is_alive: Callable[[Owner], bool], at: float) -> list[RunRecord]:
        gone = [run for run, _ in self.runs.values() if run.state is RunState.RUNNING and not is_alive(run.owner)]
        return [self.end_run(run.id, RunState.INTERRUPTED, at) for run in gone]

    def referenced_digests(self) -> set[str]:
        return set()

    def close(self) -> None:
        pass
