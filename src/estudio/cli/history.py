"""`estudio history list|show|compare|remove|restore`: earlier runs.

Its declarations are what the help, the completion and `docs/reference/cli.md` show.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from estudio.cli.command_classes import EstudioCommand, EstudioGroup, say_commands
from estudio.cli.completion import experiment_names
from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.screen import Screen, print_document
from estudio.cli.values import parse_path
from estudio.cli.workspace_options import JsonOption, WorkspaceOption, parse_count
from estudio.cli.workspace_screen import say_repaired
from estudio.core.counted_words import counted

if TYPE_CHECKING:
    from estudio.cli.door import Door

HELP = """
List, show, compare, remove and restore the runs of a workspace's experiments.
\f
estudio history list
estudio history show latest rank
estudio history compare
estudio history restore latest earlier/
"""
RUN_WORDS = "The id of a run, the beginning of one, or latest."
LATEST = "latest"
SHOWN_RUNS = 20
"""Without --limit: about one screen."""

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help=RUN_WORDS)]
RunsArgument = Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids of runs, or beginnings of them.")]
ModuleArgument = Annotated[
    str | None, typer.Argument(metavar="MODULE", help="One module: its reason, what it printed, its error.")
]
ExperimentOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", autocompletion=experiment_names, help="Only runs of this experiment."),
]
LimitOption = Annotated[int, typer.Option(metavar="N", parser=parse_count, help="At most so many, the newest first.")]
FirstRun = Annotated[str | None, typer.Argument(metavar="RUN", help="The earlier run.  [default: the one before]")]
SecondRun = Annotated[str, typer.Argument(metavar="OTHER", help=RUN_WORDS)]
FolderArgument = Annotated[Path, typer.Argument(metavar="FOLDER", parser=parse_path, help="A new or an empty folder.")]

app = typer.Typer(cls=EstudioGroup, rich_markup_mode=None)
app.callback(invoke_without_command=True, help=HELP)(say_commands)


@app.command("list", cls=EstudioCommand, help="List runs, the newest first.")
def parse_list(
    experiment: ExperimentOption = None,
    limit: LimitOption = SHOWN_RUNS,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    return partial(_list, experiment, limit, workspace, json=json)


@app.command("show", cls=EstudioCommand, help="Show the modules of a run, or all about one of them.")
def parse_show(
    run: RunArgument = LATEST,
    module: ModuleArgument = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    return partial(_show, run, module, workspace, json=json)


@app.command("compare", cls=EstudioCommand, help="Compare two runs: which modules differ and why, and their tables.")
def parse_compare(
    run: FirstRun = None, other: SecondRun = LATEST, json: JsonOption = False, workspace: WorkspaceOption = None
) -> Action:
    """The parsed command."""
    return partial(_compare, run, other, workspace, json=json)


@app.command("remove", cls=EstudioCommand, help="Forget runs; `estudio store prune` then frees what only they held.")
def parse_remove(runs: RunsArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_remove, tuple(runs), workspace, json=json)


@app.command("restore", cls=EstudioCommand, help="Write the documents, scripts and bundles of a run into a folder.")
def parse_restore(
    run: RunArgument, folder: FolderArgument, json: JsonOption = False, workspace: WorkspaceOption = None
) -> Action:
    """The parsed command."""
    return partial(_restore, run, folder, workspace, json=json)


def _list(experiment: str | None, limit: int, folder: Path | None, door: Door, *, json: bool) -> int:
    with door.open_workspace(folder) as workspace:
        runs = workspace.runs(experiment, limit=limit)
        if json:
            from estudio.cli.run_documents import record_document  # noqa: PLC0415

            print_document({"runs": [record_document(run.record) for run in runs]})
            return 0
        from estudio.cli.history_report import runs_table  # noqa: PLC0415

        screen = Screen()
        say_repaired(screen, workspace)
        screen.show(runs_table([run.record for run in runs]))
    return 0


def _show(run_id: str, module: str | None, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli import history_report, run_documents  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        run = workspace.run(run_id)
        screen = Screen()
        if module is not None:
            shown = run[module]
            if json:
                print_document({**run_documents.module_document(shown.record), "log": shown.log})
            else:
                screen.show(*history_report.module_parts(shown.record, shown.log, unicode=screen.shows_unicode()))
        elif json:
            print_document(run_documents.run_document(run.record, run.module_runs))
        else:
            screen.show(*history_report.run_parts(run.record, run.module_runs, unicode=screen.shows_unicode()))
    return 0


def _compare(run: str | None, other: str, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli import history_report  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        compared = workspace.compare(run, other)
        if json:
            print_document(history_report.comparison_document(compared))
            return 0
        screen = Screen()
        screen.show(*history_report.run_comparison_parts(compared, plain=not screen.shows_unicode()))
    return 0


def _remove(ids: tuple[str, ...], folder: Path | None, door: Door, *, json: bool) -> int:
    with door.open_workspace(folder) as workspace:
        removed = [workspace.remove_run(run_id) for run_id in ids]
    if json:
        from estudio.cli.run_documents import record_document  # noqa: PLC0415

        print_document({"runs": [record_document(run) for run in removed]})
        return 0
    screen = Screen()
    for run in removed:
        screen.say(f"Run {run.id} of {run.experiment} is removed.", "good")
    return 0


def _restore(run_id: str, target: Path, folder: Path | None, door: Door, *, json: bool) -> int:
    with door.open_workspace(folder) as workspace:
        restored = workspace.restore(run_id, target)
    if json:
        print_document({"folder": str(restored.folder), "files": list(restored.files), "run": restored.run_id})
        return 0
    files, are = counted(len(restored.files), "file"), "is" if len(restored.files) == 1 else "are"
    screen = Screen()
    screen.say(f"{files} of run {restored.run_id} {are} in {restored.folder}.", "good")
    screen.say(f"Run it again: cd {target} && estudio experiment run {restored.experiment}")
    return 0
