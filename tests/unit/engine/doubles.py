"""Small kinds, experiments and a store for the engine's tests: no sandbox, no database."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.core.experiment import Module, OutputReference
from estudio.core.module_kind import InputPort, ModuleKind, ModuleShape, OutputPort, PortType
from estudio.core.outcome import ScriptError
from estudio.core.run import ModuleRun, Owner, RunRecord, RunState
from estudio.engine.planned import PreparedModule
from estudio.modules.behaviour import ModuleOutcome, Settings
from estudio.store.memory import MemoryRuns
from estudio.store.objects import ObjectFolder
from estudio.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from estudio.core.module_kind import Value
    from estudio.modules.behaviour import ModuleCall

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


class Objects(ObjectFolder):
    """The object store in a folder, on a disk that can become full."""

    fail_with: Exception | None = None

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        if self.fail_with is not None:
            raise self.fail_with
        return super().put_many(contents)

    def put_file(self, write: Callable[[int], None]) -> str:
        if self.fail_with is not None:
            raise self.fail_with
        return super().put_file(write)


class Runs(MemoryRuns):
    """The repository in memory; remembers how it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.look_ups = 0
        self.changes: list[list[ModuleRun]] = []

    def change_modules(self, run_id: str, changed: Sequence[ModuleRun]) -> None:
        super().change_modules(run_id, changed)
        self.changes.append(list(changed))

    def find_results(self, keys: Sequence[str]) -> dict[str, tuple[str, ModuleRun]]:
        self.look_ups += 1
        return super().find_results(keys)
