"""`estudio init`: a folder becomes a workspace, with a small experiment to begin with."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.screen import Screen, print_document
from estudio.cli.values import parse_path
from estudio.cli.workspace_options import JsonOption  # noqa: TC001 - the same

if TYPE_CHECKING:
    from estudio.cli.door import Door
    from estudio.workspace.starting import StartedWorkspace

HELP = """
Make a folder a workspace: for experiments, their scripts and data, and what is kept of their runs.
\f
estudio init
estudio init my-workspace
"""
EPILOG = "What is in the folder stays as it is. The first experiment, with its script and data, is there to be changed."

FolderArgument = Annotated[
    Path, typer.Argument(metavar="FOLDER", parser=parse_path, help="Made where it is missing.  [default: this folder]")
]


def init(folder: FolderArgument = Path(), json: JsonOption = False) -> Action:
    """The parsed command."""
    return partial(_init, folder, json=json)


def _init(folder: Path, door: Door, *, json: bool) -> int:
    started = door.init_workspace(folder)
    if json:
        document = {"folder": str(started.folder), "made": list(started.made), "kept": list(started.kept)}
        print_document(document)
        return 0
    _say(Screen(), started, folder)
    return 0


def _say(screen: Screen, started: StartedWorkspace, folder: Path) -> None:
    for name in started.made:
        screen.say(f"made  {name}")
    for name in started.kept:
        screen.say(f"kept  {name}, which was there", "faint")
    if not started.made:
        screen.say("There was nothing to make: this is a workspace already.")
        return
    name = "This folder" if folder == Path() else str(folder)
    screen.say(f"{name} is a workspace now.", "good")
    if any(name.startswith("experiments/first") for name in started.made):
        inside = "" if folder == Path() else f"cd {folder} && "
        screen.say(f"Next: {inside}estudio experiment run first")
