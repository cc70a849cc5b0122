"""`estudio doctor`: which walls this machine gives, which are missing, and how to get them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.exit_codes import ExitCode
from estudio.cli.screen import Screen, print_document

if TYPE_CHECKING:
    from estudio.cli.door import Door

HELP = """
Say which walls this machine gives to the sandbox, which are missing, and how to get them.
\f
estudio doctor
estudio doctor --json | jq '.walls[] | select(.stands | not)'
"""
EPILOG = "It ends with 0 where full isolation can be had, with 5 where it cannot."


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, nothing else.")] = False,
) -> Action:
    """The parsed command."""
    return partial(_examine, json=json)


def _examine(door: Door, *, json: bool) -> int:
    report = door.examine_machine()
    code = ExitCode.SANDBOX_UNAVAILABLE if report.level is None else ExitCode.FINISHED
    if json:
        from estudio.cli.documents import machine_document  # noqa: PLC0415

        print_document({**machine_document(report), "exit_code": int(code)})
        return code
    from estudio.cli.machine_report import machine_parts  # noqa: PLC0415

    screen = Screen()
    screen.show(*machine_parts(report, unicode=screen.shows_unicode()))
    return code
