"""A workspace for benchmarks: the shipped store on a disk, the shipped kinds, planned and executed as a command would.

The disk matters: results are synced. Set TMPDIR to the disk that you want to measure.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.setting import Setting
from estudio.core.experiment import Module, OutputReference
from estudio.core.limits import Limits
from estudio.core.module_kind import Value
from estudio.core.run import ModuleState, RunRecord, RunState
from estudio.engine.budget import machine_budget
from estudio.engine.executor import Execution, Surroundings
from estudio.engine.frozen_files import FrozenFiles
from estudio.engine.plan import RunOptions, plan_run
from estudio.engine.planned import PreparedModule
from estudio.engine.repair import new_run_folder, new_run_id
from estudio.engine.reuse import Past
from estudio.engine.snapshot import Snapshot, save_snapshot
from estudio.modules.behaviour import Behaviour, Settings
from estudio.modules.inputs import ScriptSource
from estudio.modules.kind_parts import KindParts
from estudio.modules.registry import behaviours
from estudio.modules.script_executors import WarmExecutors
from estudio.modules.warm_pools import WarmPools
from estudio.store.database import Database
from estudio.store.objects import ObjectFolder, digest_of_path
from estudio.store.owners import this_process

TEN_ROWS = "a,b,c\n" + "".join(f"{number},{number}.5,text{number}\n" for number in range(10))
IDENTITY = "def azureml_main(dataframe1=None):\n    return dataframe1\n"
SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Taken:
    """One run: its record, seconds for planning with all look-ups, and for executing it until everything is durable."""

    record: RunRecord
    plan_seconds: float
    run_seconds: float

    @property
    def seconds(self) -> float:
        """Both."""
        return self.plan_seconds + self.run_seconds


class BenchWorkspace:
    """One folder with its store."""

    def __init__(self, folder: Path, at_work: Mapping[str, Behaviour], parallel: int) -> None:
        self.folder = folder
        self.database = Database(folder / "estudio.db")
        self.objects = ObjectFolder(folder / "objects")
        self._behaviours = at_work
        self._parallel = parallel

    def write(self, path: str, text: str) -> None:
        """A file of the workspace."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def run(self, modules: Sequence[Module], *, executed: int | None = None) -> Taken:
        """Plan and execute.

        Raises:
            RuntimeError: it failed, or another number of modules was executed than that: either would be fast.
        """
        folder = new_run_folder(self.folder / "runs")
        begin = time.perf_counter()
        past = Past(self.database.runs, self.objects, "bench", [module.name for module in modules])
        with FrozenFiles(self.folder.__truediv__, folder, digest_of_path) as files:
            prepared = {module.name: self._prepared(module, files) for module in modules}
            plan = plan_run("bench", prepared, RunOptions(), files, past)
            kept, folders = files.keep(self.objects)
            snapshot = save_snapshot(self.objects, Snapshot("bench", {}, kept, folders))
            planned = time.perf_counter()
            now = time.time()
            record = RunRecord(new_run_id(now), "bench", snapshot, RunState.RUNNING, False, now, this_process())
            around = Surroundings(self.database.runs, self.objects, past, files, machine_budget(self._parallel))
            record = Execution(plan, record, around).run()
        taken = Taken(record, planned - begin, time.perf_counter() - planned)
        if record.state is not RunState.FINISHED:
            raise RuntimeError(f"the measured run ended as {record.state}")
        states = [each.state for each in self.database.runs.list_modules(record.id)]
        if executed is not None and states.count(ModuleState.FINISHED) != executed:
            raise RuntimeError(f"{states.count(ModuleState.FINISHED)} modules were executed instead of {executed}")
        return taken

    def _prepared(self, module: Module, files: FrozenFiles) -> PreparedModule:
        behaviour = self._behaviours[module.kind]
        shape = behaviour.shape(module, files)
        defaults = {parameter.name: parameter.default for parameter in shape.parameters}
        return PreparedModule(module, behaviour, shape, Settings({**defaults, **module.settings}))


@contextmanager
def bench_workspace(at_work: Mapping[str, Behaviour], *, parallel: int = 2) -> Iterator[BenchWorkspace]:
    """A new workspace for the time of a `with`."""
    with tempfile.TemporaryDirectory(prefix="estudio-bench-") as folder:
        workspace = BenchWorkspace(Path(folder), at_work, parallel)
        try:
            yield workspace
        finally:
            workspace.database.close()


@contextmanager
def warm_kinds(setting: Setting, *, limits: Limits | None = None) -> Iterator[Mapping[str, Behaviour]]:
    """The shipped kinds with a warm zygote behind all walls."""
    chosen = limits or Limits()
    executors = WarmExecutors(str, lambda _: WarmPools(setting.environment, chosen))
    try:
        executors.executor_for("default").pools.pool_for(ScriptSource("plain.py", b"")).start()
        yield behaviours(KindParts(executors))
    finally:
        executors.close()


def source(kind: str = "enter-data", **settings: Value) -> Module:
    """The module at the top, with one output `dataset`."""
    return Module(SOURCE, kind, settings or {"data": TEN_ROWS})


def script(name: str, above: str, path: str, seed: int) -> Module:
    """A script module below another one. Each has a seed of its own: of equal ones only the first would be executed."""
    port = "dataset" if above == SOURCE else "results"
    settings: dict[str, Value] = {"script": path, "seed": seed}
    return Module(name, "execute-python-script", settings, {}, {"dataset1": OutputReference(above, port)})


def chain(count: int, path: str) -> list[Module]:
    """So many scripts, each after the one before."""
    names = [SOURCE, *(f"m{number:04}" for number in range(count))]
    return [script(name, above, path, seed) for seed, (above, name) in enumerate(itertools.pairwise(names))]


def fan_out(count: int, path: str) -> list[Module]:
    """So many scripts side by side."""
    return [script(f"m{number:04}", SOURCE, path, number) for number in range(count)]
