"""`estudio show`: look at what a module of an experiment gave."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.screen import Screen
from estudio.cli.workspace_options import (  # noqa: TC001 - the same
    ExperimentArgument,
    JsonOption,
    ModulePortArgument,
    WorkspaceOption,
)

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.cli.door import Door

HELP = """
Look at what a module of an experiment gave: a table with its statistics, or what was printed and drawn.
\f
estudio show pima rank
estudio show pima split.results2
estudio show pima rank --run 20261122
estudio show pima rank.visualization --figures plots
"""
RunOption = Annotated[
    str | None,
    typer.Option(metavar="RUN", help="The id of a run or its beginning; else the newest that has a result."),
]


def show(
    experiment: ExperimentArgument,
    place: ModulePortArgument,
    run: RunOption = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    return partial(_show, experiment, place, run, workspace, json=json)


def _show(experiment: str, place: str, run: str | None, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.preview_table import preview_parts  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        looked = door.look_at(workspace, experiment, place, run)
        screen = Screen(prints_to_error=json)
        if looked.table is not None:
            screen.show(
                *preview_parts(door.preview(looked.table), f"{looked.module.name}.{looked.port}", screen.width())
            )
        elif looked.visualization is not None:
            screen.say_lines(looked.visualization.text)
    return 0
