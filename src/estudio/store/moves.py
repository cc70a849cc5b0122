"""What a change of state does to a run's records, and when it is refused: the rules that every repository shares.

A record of a module in a final state is never replaced, not even by itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from estudio.core.run import ModuleState, RunState, can_move
from estudio.errors import ModuleNotFound, RunNotFound, StateConflict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estudio.core.run import ModuleRun, RunRecord

UNFINISHED = frozenset({ModuleState.WAITING, ModuleState.RUNNING})
REUSABLE = (ModuleState.FINISHED, ModuleState.REUSED)
"""States of modules whose outputs are whole."""
MAX_NAMED = 5
"""As many candidates as an error names; more would hide the message."""


def check_new_run(run: RunRecord, modules: Sequence[ModuleRun]) -> None:
    """Raise StateConflict unless a run may begin like this: running, no name twice."""
    names = [module.module for module in modules]
    if run.state is not RunState.RUNNING or len(set(names)) < len(names):
        raise StateConflict(
            f"Run {run.id} cannot be added: a new run is running and has each module once. This is a defect.",
            run=run.id,
        )


def refuse_second_run(run_id: str) -> StateConflict:
    """The error for an id that is taken."""
    return StateConflict(f"Run {run_id} is there already: every run has its own id. This is a defect.", run=run_id)


def check_run_move(run_id: str, before: RunState, after: RunState) -> None:
    """Raise StateConflict unless the run may move so."""
    if not can_move(before, after):
        raise StateConflict(
            f"Run {run_id} cannot become {after}: it is {before}, and a run that has ended never changes again.",
            run=run_id,
            before=before,
            after=after,
        )


def check_run_runs(run_id: str, state: RunState) -> None:
    """Raise StateConflict unless modules of the run may still change."""
    if state is not RunState.RUNNING:
        raise StateConflict(
            f"Modules of run {run_id} cannot change: the run is {state}. Another command may have ended it; run again.",
            run=run_id,
            before=state,
        )


def moved_modules(
    run_id: str, states: Mapping[str, ModuleState], changed: Sequence[ModuleRun]
) -> list[tuple[ModuleRun, bool]]:
    """Each changed record with whether its state moved.

    `states` are the states before, by module; a module may be changed several times, in order.
    Raises ModuleNotFound and StateConflict.
    """
    now = dict(states)
    moves = []
    for module in changed:
        before = now.get(module.module)
        if before is None:
            raise ModuleNotFound(f"Run {run_id} has no module “{module.module}”.", run=run_id, module=module.module)
        keeps = before is module.state and before in UNFINISHED
        if not keeps and not can_move(before, module.state):
            raise StateConflict(
                f"Module “{module.module}” of run {run_id} cannot become {module.state}: it is {before}. "
                "Two processes may be working on one run; see `estudio history show`.",
                run=run_id,
                module=module.module,
                before=before,
                after=module.state,
            )
        now[module.module] = module.state
        moves.append((module, not keeps))
    return moves


def ended_module(module: ModuleRun, run_state: RunState, ended_at: float) -> ModuleRun:
    """What an unfinished module becomes when its run ends in this state."""
    state = ModuleState.INTERRUPTED if run_state is RunState.INTERRUPTED else ModuleState.CANCELLED
    return replace(module, state=state, ended_at=ended_at if module.state is ModuleState.RUNNING else None)


def only_run(wanted: str, found: Sequence[str]) -> str:
    """The one id among those that begin with `wanted`, or `wanted` itself. Raises RunNotFound."""
    if wanted in found:
        return wanted
    if wanted and len(found) == 1:
        return found[0]
    if wanted and found:
        names = ", ".join(found[:MAX_NAMED]) + (" …" if len(found) > MAX_NAMED else "")
        raise RunNotFound(f"Several runs begin with “{wanted}”: {names}. Give more of the id.", run=wanted)
    raise run_missing(wanted)


def run_missing(wanted: str) -> RunNotFound:
    """The error for an id that no run has."""
    return RunNotFound(f"There is no run “{wanted}”. `estudio history list` shows all runs.", run=wanted)


def check_removable(run_id: str, state: RunState) -> None:
    """Raise StateConflict while the run is running."""
    if state is RunState.RUNNING:
        raise StateConflict(
            f"Run {run_id} is running and cannot be removed. Cancel it first, or wait until it has ended.", run=run_id
        )
