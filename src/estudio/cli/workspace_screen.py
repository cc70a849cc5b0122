"""What every command of a workspace says first: that runs were found whose process had died."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estudio.cli.screen import Screen
    from estudio.workspace.workspace import Workspace


def say_repaired(screen: Screen, workspace: Workspace) -> None:
    """One line for each run that this command found interrupted."""
    for run in workspace.repaired:
        screen.say(
            f"Run {run.id} of {run.experiment} was interrupted: its process had died. What it finished is kept.",
            "warning",
        )
