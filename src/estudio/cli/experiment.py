"""`estudio experiment run|list|show|check|export`: graphs of modules.

Its declarations are what the help, the completion and `docs/reference/cli.md` show.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from estudio.cli.command_classes import EstudioCommand, EstudioGroup, say_commands
from estudio.cli.completion import module_names
from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.exit_codes import exit_code_of_run
from estudio.cli.screen import Screen, print_document
from estudio.cli.values import parse_path, size_words
from estudio.cli.workspace_options import (
    ExperimentArgument,
    JsonOption,
    WorkspaceOption,
    parse_count,
    parse_parameter,
)
from estudio.cli.workspace_screen import say_repaired
from estudio.core.counted_words import counted
from estudio.errors import InvalidUsage

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.cli.door import Door
    from estudio.core.events import Event
    from estudio.workspace.workspace import Workspace

HELP = """
Run, list, show, check and export the experiments of a workspace.
\f
estudio experiment run pima
estudio experiment list
estudio experiment check pima
"""
RUN_HELP = """
Run an experiment: only what changed, everything else is reused.
\f
estudio experiment run pima
estudio experiment run pima --set trees=500
estudio experiment run pima --to rank --to split
estudio experiment run pima --fresh --parallel 4
estudio experiment run pima --json-lines | jq 'select(.event == "module")'
"""
RUN_EPILOG = "Exit codes: 0 finished, 1 a module failed, 2 usage, 3 bad document or data, 6 a limit, 130 cancelled."

app = typer.Typer(cls=EstudioGroup, rich_markup_mode=None)


class ExportFormat(StrEnum):
    """What an exported experiment is."""

    ZIP = "zip"
    JSON = "json"


SetOption = Annotated[
    list[Any],
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        parser=parse_parameter,
        help="Set a parameter of the experiment for this run; again for more.",
    ),
]
ToOption = Annotated[
    list[str],
    typer.Option(
        "--to",
        metavar="MODULE",
        autocompletion=module_names,
        help="Run only this module and what it needs; again for more.",
    ),
]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Reuse nothing.")]
ParallelOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=parse_count,
        show_default=False,
        help="Modules at once, at most.  [default: one for each core]",
    ),
]
JsonLinesOption = Annotated[
    bool, typer.Option("--json-lines", help="Print what happens, each as one JSON object on its line.")
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        parser=parse_path,
        help="Where it goes; - is standard output.  [default: NAME.zip]",
        show_default=False,
    ),
]
FormatOption = Annotated[ExportFormat, typer.Option(help="zip: everything that it needs; json: the graph alone.")]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How an experiment is run, as the command line said it."""

    parameters: dict[str, str]
    to: tuple[str, ...]
    fresh: bool
    parallel: int | None
    json: bool
    json_lines: bool


app.callback(invoke_without_command=True, help=HELP)(say_commands)


@app.command("run", cls=EstudioCommand, help=RUN_HELP, short_help="Run an experiment.", epilog=RUN_EPILOG)
def parse_run(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    experiment: ExperimentArgument,
    parameters: SetOption = [],  # noqa: B006 - Typer copies it
    to: ToOption = [],  # noqa: B006
    fresh: FreshOption = False,
    parallel: ParallelOption = None,
    json_lines: JsonLinesOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    options = RunOptions(_parameters(parameters), tuple(to), fresh, parallel, json, json_lines)
    return partial(_run, experiment, options, workspace)


@app.command("list", cls=EstudioCommand, help="List the experiments of the workspace.")
def parse_list(json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_list, workspace, json=json)


@app.command("show", cls=EstudioCommand, help="Show the modules of an experiment, and what is connected to what.")
def parse_show(experiment: ExperimentArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_show, experiment, workspace, json=json)


@app.command("check", cls=EstudioCommand, help="Check an experiment without running it, and say what a run would do.")
def parse_check(experiment: ExperimentArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_check, experiment, workspace, json=json)


@app.command("export", cls=EstudioCommand, help="Write an experiment, with everything that it needs, into one file.")
def parse_export(
    experiment: ExperimentArgument,
    output: OutputOption = None,
    format: FormatOption = ExportFormat.ZIP,  # noqa: A002 - it is the option's name
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    return partial(_export, experiment, output, format, workspace)


def _run(name: str, options: RunOptions, folder: Path | None, door: Door) -> int:
    from estudio.cli.run_documents import event_document, run_document  # noqa: PLC0415

    with Screen(prints_to_error=options.json or options.json_lines) as screen, door.open_workspace(folder) as workspace:
        say_repaired(screen, workspace)
        if options.json_lines:
            return _run_with(workspace, name, options, lambda event: print_document(event_document(event)), screen.say)
        from estudio.cli.run_view import RunView  # noqa: PLC0415
        from estudio.cli.screen_lines import lines_for  # noqa: PLC0415

        with RunView(lines_for(sys.stderr if options.json else sys.stdout)) as view:
            code = _run_with(workspace, name, options, view.show, view.note)
        if options.json and view.progress.run is not None:
            modules = list(view.progress.modules.values())
            print_document({**run_document(view.progress.run, modules), "exit_code": code})
        return code


def _run_with(
    workspace: Workspace,
    name: str,
    options: RunOptions,
    on_event: Callable[[Event], None],
    on_progress: Callable[[str], None],
) -> int:
    run = workspace.experiment(name).run(
        options.parameters,
        to=options.to or None,
        fresh=options.fresh,
        parallel=options.parallel,
        on_event=on_event,
        on_progress=on_progress,
    )
    return exit_code_of_run(run.state, run.module_runs)


def _list(folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.experiment_report import experiment_summary_document, experiments_table  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        found = workspace.experiments()
        if json:
            print_document({"experiments": [experiment_summary_document(summary) for summary in found]})
            return 0
        screen = Screen()
        say_repaired(screen, workspace)
        screen.show(experiments_table(found))
    return 0


def _show(name: str, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.experiment_report import experiment_parts  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        opened = workspace.experiment(name)
        if json:
            print_document(opened.as_json())
        else:
            Screen().show(*experiment_parts(opened.file, opened.graph()))
    return 0


def _check(name: str, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.experiment_report import checked_document, checked_lines  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        checked = workspace.experiment(name).check()
        if json:
            print_document(checked_document(checked))
            return 0
        screen = Screen()
        for line in checked_lines(checked):
            screen.say(line)
        screen.say(f"{checked.name} is valid: {counted(len(checked.modules), 'module')}.", "good")
    return 0


def _export(name: str, output: Path | None, form: ExportFormat, folder: Path | None, door: Door) -> int:
    with door.open_workspace(folder) as workspace:
        opened = workspace.experiment(name)
        if form is ExportFormat.JSON and output in {None, Path("-")}:
            print_document(opened.as_json())
            return 0
        if output == Path("-"):
            raise InvalidUsage("A zip cannot go to standard output; give --output a file, or say --format json.")
        target = output or Path(f"{opened.name}.zip")
        exported = opened.export_json(target) if form is ExportFormat.JSON else opened.export_zip(target)
    Screen().say(f"{exported.path}: {counted(exported.files, 'file')}, {size_words(exported.size_bytes)}.", "good")
    return 0


def _parameters(pairs: list[tuple[str, str]]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in parameters:
            raise InvalidUsage(f"--set gives {name!r} twice. Give it once.", parameter=name)
        parameters[name] = value
    return parameters
