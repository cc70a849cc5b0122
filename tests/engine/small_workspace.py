"""A workspace in a folder with the real store and the real kinds, run as a command would: repair, plan, execute."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from estudio.core.experiment import Module, OutputReference
from estudio.core.run import RunRecord, RunState
from estudio.engine.budget import machine_budget
from estudio.engine.executor import Execution, Surroundings
from estudio.engine.frozen_files import FrozenFiles
from estudio.engine.plan import RunOptions, plan_run
from estudio.engine.planned import PreparedModule
from estudio.engine.repair import new_run_folder, new_run_id, repair
from estudio.engine.reuse import Past
from estudio.engine.snapshot import Snapshot, save_snapshot
from estudio.modules.behaviour import Settings
from estudio.store.database import Database
from estudio.store.objects import ObjectFolder, digest_of_path
from estudio.store.owners import this_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from estudio.core.events import Event
    from estudio.core.module_kind import Value
    from estudio.core.run import ModuleRun
    from estudio.modules.behaviour import Behaviour


def placed(name: str, kind: str, connections: Mapping[str, str] | None = None, **settings: Value) -> Module:
    """A module; connections are `port: MODULE.PORT`."""
    references = {port: OutputReference(*source.split(".")) for port, source in (connections or {}).items()}
    return Module(name, kind, settings, {}, references)


@dataclass
class SmallWorkspace:
    """A folder and the kinds at work in it."""

    folder: Path
    behaviours: Mapping[str, Behaviour]
    parallel: int = 2
    interrupt: Callable[[], None] | None = None
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database = Database(self.folder / ".estudio" / "estudio.db")
        self.objects = ObjectFolder(self.folder / ".estudio" / "objects")
        self.repaired = repair(self.database.runs, self.folder / ".estudio" / "runs", time.time())

    def close(self) -> None:
        self.database.close()

    @contextmanager
    def execution(self, modules: Sequence[Module], **options: object) -> Iterator[Execution]:
        """A planned run, ready to go."""
        settings = RunOptions(**options)  # type: ignore[arg-type]
        past = Past(self.database.runs, self.objects, "test", [module.name for module in modules])
        run_folder = new_run_folder(self.folder / ".estudio" / "runs")
        with FrozenFiles(self.folder.__truediv__, run_folder, digest_of_path) as files:
            prepared = {module.name: self._prepared(module, files) for module in modules}
            plan = plan_run("test", prepared, settings, files, past)
            kept, folders = files.keep(self.objects)
            snapshot = save_snapshot(self.objects, Snapshot("test", {}, kept, folders, targets=settings.targets))
            now = time.time()
            record = RunRecord(
                new_run_id(now), "test", snapshot, RunState.RUNNING, plan.is_partial, now, this_process()
            )
            around = Surroundings(
                self.database.runs,
                self.objects,
                past,
                files,
                machine_budget(self.parallel),
                self.events.append,
                self.interrupt,
            )
            yield Execution(plan, record, around)

    def run(self, modules: Sequence[Module], **options: object) -> RunRecord:
        with self.execution(modules, **options) as execution:
            return execution.run()

    def module_runs(self) -> dict[str, ModuleRun]:
        return {each.module: each for each in self.database.runs.list_modules(self.database.runs.list_runs()[0].id)}

    def states(self) -> dict[str, str]:
        return {name: each.state.value for name, each in self.module_runs().items()}

    def _prepared(self, module: Module, files: FrozenFiles) -> PreparedModule:
        behaviour = self.behaviours[module.kind]
        shape = behaviour.shape(module, files)
        defaults = {each.name: each.default for each in shape.parameters}
        script_defaults = {each.name: each.default for each in shape.script_parameters}
        settings = Settings({**defaults, **module.settings}, {**script_defaults, **module.parameters})
        return PreparedModule(module, behaviour, shape, settings)
