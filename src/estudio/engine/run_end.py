"""How a run ends, given what became of its modules, and what is recorded for modules that never started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.run import ModuleState, RunState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from estudio.core.experiment import OutputReference

DONE = frozenset({ModuleState.FINISHED, ModuleState.REUSED})


def final_state(targets: Collection[str], states: Mapping[str, ModuleState], *, partial: bool) -> RunState:
    """The final state of a run that nobody cancelled and that no failure of ours ended.

    Args:
        targets: modules that were asked for by name; all modules in a whole run.
        states: of all modules that were asked for, directly or not.
        partial: whether only some modules of the experiment were asked for.
    """
    done = sum(1 for name in targets if states[name] in DONE)
    if done == len(targets):
        return RunState.FINISHED
    return RunState.FINISHED_WITH_FAILURES if partial and done else RunState.FAILED


def blocked_error(failed: str) -> Mapping[str, str | int | None]:
    """What is recorded of a module below one that failed."""
    return {"code": "blocked", "message": f"It did not run, because {failed} failed."}


def missing_input(port: str, source: OutputReference) -> Mapping[str, str | int | None]:
    """What is recorded of a module whose required input gave nothing."""
    return {
        "code": "input-missing",
        "message": f"Its port {port} takes from {source}, which gave nothing in this run. Let {source.module} give "
        "something at that port, or take the connection away.",
    }
