"""What `estudio doctor` shows: a table of walls, then the reason and the remedy for each that is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from estudio.cli.untrusted_text import neutralise_line

if TYPE_CHECKING:
    from rich.console import RenderableType

    from estudio.workspace.machine import MachineReport, WallState


def machine_parts(report: MachineReport, *, unicode: bool) -> tuple[RenderableType, ...]:
    """The parts in order, for a console.

    Args:
        report: what was found.
        unicode: whether the terminal can show ✓ and ✗; else yes and no.
    """
    missing = [wall for wall in report.walls if not wall.stands]
    return (
        Text(neutralise_line(f"estudio {report.estudio} on {report.kernel}, {report.machine}"), style="bold"),
        _walls(report.walls, ("✓", "✗") if unicode else ("yes", "no")),
        *(part for wall in missing for part in _missing(wall)),
        _verdict(report),
    )


def _walls(walls: tuple[WallState, ...], marks: tuple[str, str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="")
    table.add_column("")
    table.add_column("wall", no_wrap=True)
    table.add_column("what it is")
    for wall in walls:
        mark = (
            Text(marks[0], style="green") if wall.stands else Text(marks[1], style="red" if wall.required else "yellow")
        )
        table.add_row(mark, Text(wall.name), Text(neutralise_line(wall.what)))
    return table


def _missing(wall: WallState) -> tuple[RenderableType, ...]:
    need = "needed for full isolation" if wall.required else "optional"
    head = Text(
        neutralise_line(f"\n{wall.name} is missing ({need}): {wall.reason or 'the reason is unknown'}".lstrip())
    )
    remedy = Text(neutralise_line(wall.remedy))
    return (Text(), head, Padding(remedy, (0, 0, 0, 4))) if wall.remedy else (Text(), head)


def _verdict(report: MachineReport) -> Text:
    if report.level is None:
        return Text("\nFull isolation cannot be had here: estudio refuses to run scripts.", style="bold red")
    return Text("\nFull isolation can be had.", style="bold green")
