"""`estudio store verify|prune`: what the workspace keeps, checked and tidied."""

from __future__ import annotations

from functools import partial
from pathlib import Path  # noqa: TC003 - Typer looks the annotation up
from typing import TYPE_CHECKING, Annotated

import typer

from estudio.cli.command_classes import EstudioCommand, EstudioGroup, say_commands
from estudio.cli.door import Action  # noqa: TC001 - the same
from estudio.cli.exit_codes import ExitCode
from estudio.cli.screen import Screen, print_document
from estudio.cli.values import size_words
from estudio.cli.workspace_options import JsonOption, WorkspaceOption, parse_count
from estudio.core.counted_words import counted

if TYPE_CHECKING:
    from estudio.cli.door import Door

HELP = """
Check and tidy what the workspace keeps of its runs.
\f
estudio store verify
estudio store prune --dry-run
estudio store prune --keep-runs 20
"""
KeepOption = Annotated[
    int | None,
    typer.Option(
        "--keep-runs", metavar="N", parser=parse_count, help="Of each experiment, forget all but its newest N runs."
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Remove nothing; say what would be removed.")]

app = typer.Typer(cls=EstudioGroup, rich_markup_mode=None)
app.callback(invoke_without_command=True, help=HELP)(say_commands)


@app.command("verify", cls=EstudioCommand, help="Read everything that is kept, and compare it with its digest.")
def parse_verify(json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_verify, workspace, json=json)


@app.command("prune", cls=EstudioCommand, help="Remove what no run and no dataset refers to.")
def parse_prune(
    keep_runs: KeepOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    return partial(_prune, keep_runs, dry_run, workspace, json=json)


def _verify(folder: Path | None, door: Door, *, json: bool) -> int:
    with door.open_workspace(folder) as workspace:
        report = workspace.verify()
    code = ExitCode.BAD_INPUT if report.damaged or report.missing else ExitCode.FINISHED
    if json:
        print_document({**report.facts(), "exit_code": int(code)})
        return code
    screen = Screen()
    for digest in report.damaged:
        screen.say(f"damaged  {digest}", "error")
    for digest in report.missing:
        screen.say(f"missing  {digest}", "error")
    size = size_words(report.total_bytes)
    objects = counted(report.objects, "object")
    if code:
        screen.say(
            f"Of {objects} ({size}), {len(report.damaged):,} damaged and {len(report.missing):,} missing. "
            "The next run makes those anew that it needs.",
            "error",
        )
    else:
        screen.say(f"Nothing is damaged or missing: {objects}, {size}.", "good")
    return code


def _prune(keep_runs: int | None, dry_run: bool, folder: Path | None, door: Door, *, json: bool) -> int:
    with door.open_workspace(folder) as workspace:
        report = workspace.prune(keep_runs=keep_runs, dry_run=dry_run)
    if json:
        print_document({**report.facts(), "dry_run": dry_run})
        return 0
    does = "Would remove" if dry_run else "Removed"
    screen = Screen()
    runs, objects = counted(len(report.runs), "run"), counted(report.objects, "object")
    screen.say(
        f"{does} {runs} and {objects}: {size_words(report.freed_bytes)}; {size_words(report.kept_bytes)} stay.",
        "good",
    )
    if report.recent_bytes:
        screen.say(f"{size_words(report.recent_bytes)} more, used within the last hour, are left for a later prune.")
    return 0
