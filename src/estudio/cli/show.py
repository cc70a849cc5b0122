"""`estudio show`: look at what a module of an experiment gave."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.screen import Screen, print_document
from estudio.cli.values import parse_path
from estudio.cli.workspace_options import (  # noqa: TC001 - the same
    ExperimentArgument,
    JsonOption,
    ModulePortArgument,
    WorkspaceOption,
)

if TYPE_CHECKING:
    from estudio.cli.door import Door

HELP = """
Look at what a module of an experiment gave: a table with its statistics, or what was printed and drawn.
\f
estudio show pima rank
estudio show pima split.results2
estudio show pima rank --run 20261122
estudio show pima split --html split.html --scatter Age,BMI
estudio show pima rank.visualization --figures plots
"""


def parse_pair(text: str) -> tuple[str, str]:
    """`Age,BMI` as two names."""
    first, comma, second = text.partition(",")
    if not comma or not first.strip() or not second.strip():
        raise ValueError(f"{text[:80]!r} are not two columns; write their names with a comma, such as Age,BMI.")
    return first.strip(), second.strip()


RunOption = Annotated[
    str | None,
    typer.Option(metavar="RUN", help="The id of a run or its beginning; else the newest that has a result."),
]
ScatterOption = Annotated[
    Any, typer.Option(metavar="X,Y", parser=parse_pair, help="Two columns to draw against each other, on the page.")
]
HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", parser=parse_path, help="Write it as one page that needs no other file."),
]
FiguresOption = Annotated[
    Path | None, typer.Option(metavar="FOLDER", parser=parse_path, help="Write the figures, as PNG files.")
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be looked at, and where it goes."""

    experiment: str
    place: str
    run: str | None
    scatter: tuple[str, str] | None
    html: Path | None
    figures: Path | None
    json: bool


def show(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    experiment: ExperimentArgument,
    place: ModulePortArgument,
    run: RunOption = None,
    scatter: ScatterOption = None,
    html: HtmlOption = None,
    figures: FiguresOption = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    return partial(_show, Wanted(experiment, place, run, scatter, html, figures, json), workspace)


def _show(wanted: Wanted, folder: Path | None, door: Door) -> int:
    from estudio.workspace import looking  # noqa: PLC0415 - needs Arrow

    screen = Screen(prints_to_error=wanted.json)
    with door.open_workspace(folder) as workspace:
        looked = looking.look_at(workspace, wanted.experiment, wanted.place, wanted.run, scatter=wanted.scatter)
        if looked.look is None:
            screen.say(f"{looked.module.name}.{looked.port} is a bundle: there is nothing to see.")
            return 0
        if wanted.json:
            from estudio.workspace.table_json import look_document  # noqa: PLC0415

            print_document({"run": looked.run.id, **look_document(looked.look)})
        elif wanted.html is None:
            from estudio.cli.look_report import look_parts  # noqa: PLC0415

            screen.show(*look_parts(looked.look, screen.width(), plain=not screen.shows_unicode()))
        if wanted.html is not None:
            looking.write_page(looked.look, wanted.html)
            screen.say(f"Page: {wanted.html}", "good")
        if wanted.figures is not None:
            for path in looking.write_figures(looked.look, wanted.figures):
                screen.say(f"Figure: {path}", "good")
    return 0
