"""One experiment in one store, run again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.engine.budget import Budget
from estudio.engine.executor import Execution, Surroundings
from estudio.engine.module_calls import DIGEST_AT_ONCE_BYTES
from estudio.engine.plan import RunOptions, plan_run
from estudio.engine.reuse import Past
from tests.unit.engine.doubles import Adding, Objects, Runs, no_files, prepare, run_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from estudio.core.events import Event
    from estudio.core.experiment import Module
    from estudio.core.run import ModuleRun, RunRecord
from estudio.engine.plan import Plan

GIB = 1 << 30


class Bench:
    """What is needed to run, and what came of it."""

    def __init__(self, folder: Path, *modules: Module, behaviour: Adding | None = None, parallel: int = 2) -> None:
        self.modules = modules
        self.behaviour = behaviour or Adding()
        self.runs = Runs()
        self.objects = Objects(folder)
        self.budget = Budget(parallel, GIB)
        self.events: list[Event] = []
        self.interrupt: Callable[[], None] | None = None
        self.count = 0
        self.digest_at_once_bytes = DIGEST_AT_ONCE_BYTES

    def plan(self, **options: object) -> Plan:
        return self._planned(RunOptions(**options))[0]  # type: ignore[arg-type]

    def execution(self, **options: object) -> Execution:
        plan, past = self._planned(RunOptions(**options))  # type: ignore[arg-type]
        self.count += 1
        around = Surroundings(
            self.runs,
            self.objects,
            past,
            no_files,
            self.budget,
            self.events.append,
            self.interrupt,
            self.digest_at_once_bytes,
        )
        return Execution(plan, run_record(self.count, partial=plan.is_partial), around)

    def run(self, **options: object) -> RunRecord:
        return self.execution(**options).run()

    def module_runs(self) -> dict[str, ModuleRun]:
        return {each.module: each for each in self.runs.list_modules(self.runs.list_runs()[0].id)}

    def reasons(self) -> dict[str, str]:
        return {
            name: f"{each.reason.code.value}{each.reason.changes or ''}" if each.reason else each.state.value
            for name, each in self.module_runs().items()
        }

    def states(self) -> dict[str, str]:
        return {name: each.state.value for name, each in self.module_runs().items()}

    def _planned(self, options: RunOptions) -> tuple[Plan, Past]:
        prepared = prepare(self.behaviour, *self.modules)
        past = Past(self.runs, self.objects, "sums", tuple(prepared))
        return plan_run("sums", prepared, options, no_files, past), past
