"""What a module gave in a run, for people: a port's value with the words around it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from estudio.core.module_kind import PortType
from estudio.core.run import ModuleState
from estudio.errors import OutputFailed, PortNotFound
from estudio.workspace.looks import look_at_table, look_at_visualization

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.core.run import StoredOutput
    from estudio.workspace.looks import Look
    from estudio.workspace.runs import Run, RunModule
    from estudio.workspace.workspace import Workspace

MAX_SEARCHED_RUNS = 20
"""Back from the newest: further back a person names the run."""
_DONE = {ModuleState.FINISHED, ModuleState.REUSED}


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A port of a module in a run. `look` is None for a bundle, which has nothing to see."""

    run: Run
    module: RunModule
    port: str
    look: Look | None


def look_at(
    workspace: Workspace,
    experiment: str,
    place: str,
    run_id: str | None = None,
    *,
    scatter: tuple[str, str] | None = None,
) -> LookedAt:
    """What a module gave.

    Args:
        workspace: an open one.
        experiment: its name or path.
        place: `MODULE`, which means its first table or else its first output, or `MODULE.PORT`.
        run_id: a run of the experiment; without one the newest in which the module has a result.
        scatter: two columns of a table to draw against each other.

    Raises:
        ExperimentNotFound: no such experiment.
        RunNotFound: it never ran, or there is no such run.
        ModuleNotFound: the run has no such module.
        PortNotFound: the module gave nothing there.
        InvalidUsage: a column that the table has not.
        ObjectMissing: the result was removed.
        ObjectDamaged: the result is not what was stored.
    """
    name = workspace.folder.experiment_name(experiment)
    module_name, _, port = place.partition(".")
    run = workspace.run(experiment=name) if run_id is None else workspace.run(run_id, experiment=name)
    if run_id is None and not (module_name in run and _has(run[module_name], port)):
        run = _newest_with(workspace, name, module_name, port) or run
    module = run[module_name]
    stored = module.stored(port or _first_port(module))
    return LookedAt(run, module, stored.port, _look(module, stored, scatter))


def _look(module: RunModule, stored: StoredOutput, scatter: tuple[str, str] | None) -> Look | None:
    title = f"{module.name}.{stored.port}"
    if stored.type == PortType.VISUALIZATION.value:
        return look_at_visualization(module.output(stored.port), title)
    if stored.type != PortType.TABLE.value:
        return None
    look = look_at_table(module.output(stored.port), title, scatter=scatter)
    if not any(output.type == PortType.VISUALIZATION.value for output in module.record.outputs):
        return look
    seen = module.visualization
    return replace(look, images=seen.images, log=seen.text)


def write_page(look: Look, path: Path) -> None:
    """Write a look as one page that needs no other file. Raises OutputFailed."""
    from estudio.workspace.table_page import look_page  # noqa: PLC0415 - only where a page is asked for

    try:
        path.write_text(look_page(look), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OutputFailed(f"{path} cannot be written: {error.strerror}.", path=str(path)) from error


def write_figures(look: Look, folder: Path) -> tuple[Path, ...]:
    """Write the pictures of a look into a folder, which is made where it is missing. Raises OutputFailed."""
    written = []
    for image in look.images:
        path = folder / image.name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(image.png)
        except OSError as error:
            raise OutputFailed(f"{path} cannot be written: {error.strerror}.", path=str(path)) from error
        written.append(path)
    return tuple(written)


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
