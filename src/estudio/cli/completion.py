"""What the shell completes beyond options and choices: names of environments, experiments, modules, datasets, services.

A completion that fails stays silent: words on a half-typed command line help nobody.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - Typer looks the annotation up

from estudio.errors import EstudioError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from estudio.cli.door import Door


def environment_names(context: typer.Context, incomplete: str) -> list[str]:
    """The known environments that begin with what was typed."""
    return _offered(lambda door: [found.name for found in door.list_environments()], context, incomplete)


def experiment_names(context: typer.Context, incomplete: str) -> list[str]:
    """The experiments of the workspace here that begin with what was typed."""
    return _offered(lambda door: door.experiment_names(_workspace_of(context)), context, incomplete)


def module_names(context: typer.Context, incomplete: str) -> list[str]:
    """The modules of the experiment that was typed before."""
    name = str(context.params.get("experiment") or next(iter(context.args), ""))
    return _offered(lambda door: _modules_of(door, _workspace_of(context), name), context, incomplete)


def dataset_names(context: typer.Context, incomplete: str) -> list[str]:
    """The datasets of the workspace here that begin with what was typed."""
    return _offered(lambda door: _datasets_of(door, _workspace_of(context)), context, incomplete)


def service_names(context: typer.Context, incomplete: str) -> list[str]:
    """The services of the workspace here that begin with what was typed."""
    return _offered(lambda door: _services_of(door, _workspace_of(context)), context, incomplete)


def endpoint_names(context: typer.Context, incomplete: str) -> list[str]:
    """The endpoints of the service that was typed before."""
    name = str(context.params.get("service") or next(iter(context.args), ""))
    return _offered(lambda door: _endpoints_of(door, _workspace_of(context), name), context, incomplete)


def _services_of(door: Door, folder: Path | None) -> Iterable[str]:
    with door.open_workspace(folder) as workspace:
        return [service.name for service in workspace.services.list()]


def _endpoints_of(door: Door, folder: Path | None, name: str) -> Iterable[str]:
    with door.open_workspace(folder) as workspace:
        return [endpoint.name for endpoint in workspace.services.endpoints(name)]


def _modules_of(door: Door, folder: Path | None, name: str) -> Iterable[str]:
    with door.open_workspace(folder) as workspace:
        return workspace.experiment(name).module_names()


def _datasets_of(door: Door, folder: Path | None) -> Iterable[str]:
    with door.open_workspace(folder) as workspace:
        return [dataset.family for dataset in workspace.datasets.list()]


def _workspace_of(context: typer.Context) -> Path | None:
    folder = context.params.get("workspace")
    return folder if isinstance(folder, Path) else None


def _offered(names: Callable[[Door], Iterable[str]], context: typer.Context, incomplete: str) -> list[str]:
    try:
        return [name for name in names(context.obj) if name.startswith(incomplete)]
    except EstudioError:
        return []
