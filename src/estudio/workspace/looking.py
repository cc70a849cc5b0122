"""What a module gave in a run, for people: a port's value with the words around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.module_kind import PortType
from estudio.core.run import ModuleState, RunState
from estudio.errors import PortNotFound

if TYPE_CHECKING:
    from estudio.core.outcome import Visualization
    from estudio.tables.table import Table
    from estudio.workspace.runs import Run, RunModule
    from estudio.workspace.workspace import Workspace

MAX_SEARCHED_RUNS = 20
"""Back from the newest: further back a person names the run."""
_DONE = {ModuleState.FINISHED, ModuleState.REUSED}


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A port of a module in a run. One of `table` and `visualization` is there, or neither for a bundle."""

    run: Run
    module: RunModule
    port: str
    table: Table | None = None
    visualization: Visualization | None = None


def look_at(workspace: Workspace, experiment: str, place: str, run_id: str | None = None) -> LookedAt:
    """What a module gave.

    Args:
        workspace: an open one.
        experiment: its name or path.
        place: `MODULE`, which means its first table or else its first output, or `MODULE.PORT`.
        run_id: a run of the experiment; without one the newest in which the module has a result.

    Raises:
        ExperimentNotFound: no such experiment.
        RunNotFound: it never ran, or there is no such run.
        ModuleNotFound: the run has no such module.
        PortNotFound: the module gave nothing there.
        ObjectMissing: the result was removed.
        ObjectDamaged: the result is not what was stored.
    """
    name = workspace.folder.experiment_name(experiment)
    module_name, _, port = place.partition(".")
    run = workspace.run(experiment=name) if run_id is None else workspace.run(run_id, experiment=name)
    if run_id is None and run.state is not RunState.FINISHED:
        run = _newest_with(workspace, name, module_name, port) or run
    module = run[module_name]
    stored = module.stored(port or _first_port(module))
    if stored.type == PortType.TABLE.value:
        return LookedAt(run, module, stored.port, table=module.output(stored.port))
    if stored.type == PortType.VISUALIZATION.value:
        return LookedAt(run, module, stored.port, visualization=module.output(stored.port))
    return LookedAt(run, module, stored.port)


def _newest_with(workspace: Workspace, experiment: str, module: str, port: str) -> Run | None:
    """The newest run in which the module gave something: a broken script still lets its last result be seen."""
    runs = workspace.runs(experiment, limit=MAX_SEARCHED_RUNS)
    return next((run for run in runs if module in run and _has(run[module], port)), None)


def _has(module: RunModule, port: str) -> bool:
    return port in module.ports if port else module.state in _DONE


def _first_port(module: RunModule) -> str:
    if not module.ports:
        raise PortNotFound(
            f"The module {module.name} gave nothing in this run: it is {module.state.value}. See why with `estudio "
            f"history show latest {module.name}`.",
            module=module.name,
        )
    tables = (output.port for output in module.record.outputs if output.type == PortType.TABLE.value)
    return next(tables, module.ports[0])
