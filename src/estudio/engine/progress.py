"""What follows when a module is done: which go now, which are reused, which are blocked. Values, no threads.

A module below one that has just been executed is decided on when its inputs have digests. For a table too large to
digest at once, it starts without, unless the digest may show that its latest result is still good ("early cut-off").
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from estudio.core.run import ModuleRun, ModuleState
from estudio.engine.budget import claim_bytes
from estudio.engine.cache_key import key_of
from estudio.engine.plan import inputs_of
from estudio.engine.recorder import Change
from estudio.engine.reuse import decide, is_worth_waiting, parts_of, reason_to_run
from estudio.engine.run_end import blocked_error, missing_input
from estudio.engine.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from estudio.core.run import StoredOutput
    from estudio.engine.holdings import Holdings
    from estudio.engine.module_calls import Ended
    from estudio.engine.plan import Plan
    from estudio.engine.planned import PlannedModule
    from estudio.engine.reuse import Decision, Past

    Inputs = Mapping[str, StoredOutput]


@dataclass(frozen=True, slots=True)
class Ready:
    """A module that can go: its record once it runs, the ports that bring something, the memory that it claims."""

    planned: PlannedModule
    module_run: ModuleRun
    ports: tuple[str, ...]
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done now: records to keep, in this order, and modules to start when there is room."""

    changes: list[Change] = field(default_factory=list)
    ready: list[Ready] = field(default_factory=list)


class Progress:
    """How far one run is. Not for several threads, but for `complete` of the changes that it gives."""

    def __init__(self, plan: Plan, past: Past, holdings: Holdings) -> None:
        self.states: dict[str, ModuleState] = {}
        self._plan = plan
        self._past = past
        self._holdings = holdings
        self._scheduler = Scheduler({name: planned.upstream for name, planned in plan.modules.items()})
        self._awaited: dict[str, set[str]] = {}
        self._users = dict.fromkeys(plan.modules, 0)
        for planned in plan.modules.values():
            for above in planned.upstream:
                self._users[above] += 1

    @property
    def is_over(self) -> bool:
        """Whether every module has its final state."""
        return len(self.states) == len(self._plan.modules)

    def begin(self) -> Step:
        """The first step: what was not asked for, what is reused, what can go."""
        step = Step()
        for name, kind in self._plan.skipped.items():
            step.changes.append(Change(ModuleRun(name, kind, ModuleState.SKIPPED)))
        self._consider(self._scheduler.first(), step)
        return step

    def ended(self, ended: Ended, running: ModuleRun) -> Step:
        """A call is over: what follows from its result, or from its failure."""
        step = Step()
        record = ended.record(running)
        complete = self._complete if record.key is None and ended.state is ModuleState.FINISHED else None
        step.changes.append(Change(record, ended.held, ended.log, complete))
        self.states[ended.name] = ended.state
        if ended.state is ModuleState.FINISHED:
            self._holdings.add_held(ended.name, ended.held)
            self._consider(self._scheduler.finish(ended.name), step)
        elif ended.state is ModuleState.FAILED:
            self._fail(ended.name, step)
        return step

    def stored(self, name: str) -> Step:
        """A module's outputs have digests now: modules that waited for these are decided on."""
        step = Step()
        self._release(name)
        free = [other for other, awaited in self._awaited.items() if name in awaited]
        for other in free:
            self._awaited[other].discard(name)
        decided = [other for other in free if not self._awaited[other]]
        for other in decided:
            del self._awaited[other]
        self._consider(decided, step)
        return step

    def _consider(self, names: Iterable[str], step: Step) -> None:
        wave = list(names)
        while wave:
            wave = self._consider_wave(wave, step)

    def _consider_wave(self, wave: list[str], step: Step) -> list[str]:
        """Decide on modules that nothing stands before any more; returns those that are free because of that."""
        known: list[tuple[PlannedModule, Inputs]] = []
        decisions: dict[str, Decision] = {}
        found: dict[str, Inputs] = {}
        for name in wave:
            planned = self._plan.modules[name]
            inputs = inputs_of(planned, self._holdings.outputs(planned.upstream))
            if self._lacks_input(planned, inputs, step):
                continue
            found[name] = inputs
            if name in self._plan.decided:
                decisions[name] = self._plan.decided[name]
            elif all(output.digest for output in inputs.values()):
                known.append((planned, inputs))
            elif is_worth_waiting(planned, inputs, self._past, fresh=self._plan.options.fresh):
                self._await(planned, inputs)
            else:
                step.ready.append(self._ready(planned, inputs, None))
        decisions |= decide(known, self._past, fresh=self._plan.options.fresh)
        return [free for name, decision in decisions.items() for free in self._follow(name, decision, found, step)]

    def _follow(self, name: str, decision: Decision, found: Mapping[str, Inputs], step: Step) -> list[str]:
        planned = self._plan.modules[name]
        if decision.found is None:
            step.ready.append(self._ready(planned, found[name], decision))
            return []
        reused = replace(
            decision.found,
            module=name,
            kind=planned.kind.name,
            state=ModuleState.REUSED,
            reason=decision.reason,
            key=decision.key,
            key_parts=decision.parts,
        )
        step.changes.append(Change(reused))
        self.states[name] = ModuleState.REUSED
        self._holdings.add_stored(name, reused.outputs)
        free = self._scheduler.finish(name)
        self._release(name)
        return free

    def _ready(self, planned: PlannedModule, inputs: Inputs, decision: Decision | None) -> Ready:
        run = ModuleRun(planned.name, planned.kind.name, ModuleState.RUNNING, facts={"seed": planned.seed})
        if decision is not None:
            run = replace(run, reason=decision.reason, key=decision.key, key_parts=decision.parts)
        else:
            parts = parts_of(planned, inputs)
            run = replace(run, reason=reason_to_run(planned, parts, self._past, fresh=self._plan.options.fresh))
        claim = claim_bytes(sum(output.size_bytes for output in inputs.values()))
        return Ready(planned, run, tuple(inputs), claim)

    def _complete(self, record: ModuleRun) -> ModuleRun:
        """Key and reason of a module that started before its inputs had digests; now they have. In any thread."""
        planned = self._plan.modules[record.module]
        parts = parts_of(planned, inputs_of(planned, self._holdings.outputs(planned.upstream)))
        reason = reason_to_run(planned, parts, self._past, fresh=self._plan.options.fresh)
        return replace(record, reason=reason, key=key_of(parts), key_parts=parts)

    def _await(self, planned: PlannedModule, inputs: Inputs) -> None:
        sources = planned.module.connections
        self._awaited[planned.name] = {sources[port].module for port, output in inputs.items() if not output.digest}

    def _lacks_input(self, planned: PlannedModule, inputs: Inputs, step: Step) -> bool:
        """Fail a module whose connected, required input gave nothing."""
        optional = {port.name for port in planned.shape.inputs if port.optional}
        for port, source in planned.module.connections.items():
            if port not in inputs and port not in optional:
                now = time.time()
                running = ModuleRun(planned.name, planned.kind.name, ModuleState.RUNNING, started_at=now)
                failed = replace(running, state=ModuleState.FAILED, ended_at=now, error=missing_input(port, source))
                step.changes.extend((Change(running), Change(failed)))
                self.states[planned.name] = ModuleState.FAILED
                self._fail(planned.name, step)
                return True
        return False

    def _fail(self, name: str, step: Step) -> None:
        for other in self._scheduler.fail(name):
            kind = self._plan.modules[other].kind.name
            step.changes.append(Change(ModuleRun(other, kind, ModuleState.BLOCKED, error=blocked_error(name))))
            self.states[other] = ModuleState.BLOCKED
            self._release(other)
        self._release(name)

    def _release(self, name: str) -> None:
        """A module that is over needs its inputs' descriptions no more."""
        for above in self._plan.modules[name].upstream:
            self._users[above] -= 1
            if self._users[above] == 0:
                self._holdings.forget(above)
