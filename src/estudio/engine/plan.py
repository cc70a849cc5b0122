"""What a run will do, as a value that can be printed: which modules are asked for, reused, executed, or left open.

Open are modules below one that is executed: what they depend on is known when that one is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from estudio.core.counted_words import counted
from estudio.core.run import Reason, ReasonCode
from estudio.core.topology import ancestors_of, order_of
from estudio.engine.planned import PlannedModule, PreparedModule, planned_module
from estudio.engine.reuse import Decision, Past, decide
from estudio.errors import ModuleNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from estudio.core.run import StoredOutput

DEFAULT_SEED = 0
"""The same in every run: a script that draws random numbers gives the same result until the person asks for another."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the person asked for.

    Attributes:
        targets: modules that are wanted with all that they depend on; all modules where empty.
        fresh: execute even what could be reused.
        seed: for modules without a seed of their own.
    """

    targets: tuple[str, ...] = ()
    fresh: bool = False
    seed: int = DEFAULT_SEED


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do.

    Attributes:
        experiment: its name.
        modules: those that are asked for, each after all that it depends on.
        skipped: the others, by name, with their kinds.
        options: what was asked for.
        decided: what is known before anything runs; modules that are missing here are open.
    """

    experiment: str
    modules: Mapping[str, PlannedModule]
    skipped: Mapping[str, str] = field(default_factory=dict)
    options: RunOptions = field(default_factory=RunOptions)
    decided: Mapping[str, Decision] = field(default_factory=dict)

    @property
    def targets(self) -> tuple[str, ...]:
        """The modules that were asked for by name; all where none was."""
        return self.options.targets or tuple(self.modules)

    @property
    def is_partial(self) -> bool:
        """Whether only some modules were asked for."""
        return bool(self.options.targets)

    def __str__(self) -> str:
        lines = [f"{self.experiment}: {counted(len(self.modules), 'module')}, {len(self.skipped)} skipped"]
        for name, planned in self.modules.items():
            after = f" after {', '.join(planned.upstream)}" if planned.upstream else ""
            lines.append(f"  {name} ({planned.kind.name}){after}: {_words(self.decided.get(name))}")
        return "\n".join(lines)


def plan_run(
    experiment: str,
    prepared: Mapping[str, PreparedModule],
    options: RunOptions,
    files: Callable[[str], Path],
    past: Past,
) -> Plan:
    """Plan a run of a valid experiment.

    Args:
        experiment: its name.
        prepared: all of its modules.
        options: what was asked for.
        files: opens a file or folder of the snapshot.
        past: earlier results.

    Raises:
        ModuleNotFound: a target that the experiment has not.
        InvalidInput: a file that a module needs is missing or broken.
        EnvironmentFailed: an environment cannot be found.
        StoreFailed: earlier results cannot be looked up.
    """
    for target in options.targets:
        if target not in prepared:
            raise ModuleNotFound(
                f"The experiment {experiment} has no module {target!r}; it has {', '.join(prepared) or 'none'}.",
                module=target,
                experiment=experiment,
            )
    upstream = {name: _upstream(module) for name, module in prepared.items()}
    asked = {*options.targets, *ancestors_of(upstream, options.targets)} if options.targets else set(prepared)
    order = order_of({name: above for name, above in upstream.items() if name in asked})
    modules = {name: planned_module(prepared[name], files, options.seed) for name in order}
    skipped = {name: module.module.kind for name, module in prepared.items() if name not in asked}
    decided = _decide_known(modules, past, options)
    return Plan(experiment, modules, skipped, options, _without_lost(modules, decided, past))


def inputs_of(planned: PlannedModule, outputs: Mapping[str, Sequence[StoredOutput]]) -> dict[str, StoredOutput]:
    """What its connections bring, by port, given the outputs of its upstream modules; without those that gave none."""
    found = {}
    for port, reference in planned.module.connections.items():
        for output in outputs[reference.module]:
            if output.port == reference.port:
                found[port] = output
    return found


def _upstream(prepared: PreparedModule) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reference.module for reference in prepared.module.connections.values()))


def _decide_known(modules: Mapping[str, PlannedModule], past: Past, options: RunOptions) -> dict[str, Decision]:
    """Level by level, as long as all that stands above is reused: one look-up for each level."""
    decided: dict[str, Decision] = {}
    outputs: dict[str, Sequence[StoredOutput]] = {}
    for level in _levels(modules):
        known = [name for name in level if all(above in outputs for above in modules[name].upstream)]
        if not known:
            break
        now = decide(((modules[name], inputs_of(modules[name], outputs)) for name in known), past, fresh=options.fresh)
        outputs |= {name: decision.found.outputs for name, decision in now.items() if decision.found is not None}
        decided |= now
    return decided


def _levels(modules: Mapping[str, PlannedModule]) -> list[list[str]]:
    """Modules by the longest way that leads to them; `modules` is in topological order."""
    depth: dict[str, int] = {}
    levels: list[list[str]] = []
    for name, planned in modules.items():
        depth[name] = max((depth[above] + 1 for above in planned.upstream), default=0)
        if depth[name] == len(levels):
            levels.append([])
        levels[depth[name]].append(name)
    return levels


def _without_lost(
    modules: Mapping[str, PlannedModule], decided: Mapping[str, Decision], past: Past
) -> dict[str, Decision]:
    """Take back decisions to reuse a result that will be loaded and cannot be.

    What is executed, or still open, will load its inputs. A module whose result is lost is executed, and with that all
    below it is open again, so that this is done until nothing more is lost.
    """
    kept = dict(decided)
    checked: set[tuple[str, str]] = set()
    while True:
        lost = _lost_results(modules, kept, past, checked)
        if not lost:
            return kept
        for name in lost:
            run_id = kept[name].reason.run_id
            kept[name] = Decision(Reason(ReasonCode.RESULT_LOST, run_id=run_id), kept[name].parts, kept[name].key)
        for name, planned in modules.items():
            if name in kept and any(not _is_reused(kept, above) for above in planned.upstream):
                del kept[name]


def _lost_results(
    modules: Mapping[str, PlannedModule], decided: Mapping[str, Decision], past: Past, checked: set[tuple[str, str]]
) -> set[str]:
    lost = set()
    for name, planned in modules.items():
        if _is_reused(decided, name):
            continue
        for reference in planned.module.connections.values():
            found = decided[reference.module].found if reference.module in decided else None
            wanted = (reference.module, reference.port)
            if found is None or wanted in checked:
                continue
            checked.add(wanted)
            if not all(past.can_load(output) for output in found.outputs if output.port == reference.port):
                lost.add(reference.module)
    return lost


def _is_reused(decided: Mapping[str, Decision], name: str) -> bool:
    return name in decided and decided[name].found is not None


def _words(decision: Decision | None) -> str:
    if decision is None:
        return "open"
    changes = f" ({'; '.join(decision.reason.changes)})" if decision.reason.changes else ""
    return f"{'reuse' if decision.found is not None else 'run'}: {decision.reason.code.value}{changes}"
