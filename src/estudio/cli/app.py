"""The commands of `estudio`, put together.

Typer parses, and nothing else: commands return an action, which runs after Typer has left. Inside Typer, Ctrl-C and a
closed pipe would end as exit codes of its own, without a word of ours.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from typer.main import get_command

from estudio.cli import (
    dataset,
    doctor,
    environment,
    experiment,
    history,
    init,
    publish,
    run,
    serve,
    service,
    show,
    store,
)
from estudio.cli.command_classes import EstudioCommand, EstudioGroup, say_commands
from estudio.cli.door import Door, WorkspaceDoor
from estudio.cli.screen import writing

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
HELP = """
Run azureml_main table scripts and experiments of them: isolated, in milliseconds, with the packages they want.
\f
estudio run script.py data.csv                   run a script on a table
estudio run script.py data.csv --output out.csv  keep its result
estudio init                                     make this folder a workspace
estudio experiment run first                     run an experiment, reusing what did not change
estudio show first choose                        look at what one of its modules gave
estudio publish score                            make a web service of it
estudio serve                                    answer its callers
estudio doctor                                   which walls does this machine give?
estudio environment list                         which packages can scripts see?
"""
EPILOG = "estudio COMMAND --help has more examples and all options."

app = typer.Typer(
    cls=EstudioGroup,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=CONTEXT,
)
app.command("run", cls=EstudioCommand, help=run.HELP, short_help="Run a script on tables.", epilog=run.EPILOG)(run.run)
app.command(
    "doctor",
    cls=EstudioCommand,
    help=doctor.HELP,
    short_help="Say which walls this machine gives.",
    epilog=doctor.EPILOG,
)(doctor.doctor)
app.add_typer(environment.app, name="environment")
app.command("init", cls=EstudioCommand, help=init.HELP, short_help="Make a folder a workspace.", epilog=init.EPILOG)(
    init.init
)
app.add_typer(experiment.app, name="experiment", short_help="Run, list, show, check and export experiments.")
app.command("show", cls=EstudioCommand, help=show.HELP, short_help="Look at what a module gave.")(show.show)
app.add_typer(history.app, name="history", short_help="List, show, compare, remove and restore runs.")
app.command(
    "publish",
    cls=EstudioCommand,
    help=publish.HELP,
    short_help="Make a web service of an experiment.",
    epilog=publish.EPILOG,
)(publish.publish)
app.command(
    "serve",
    cls=EstudioCommand,
    help=serve.HELP,
    short_help="Answer the callers of web services.",
    epilog=serve.EPILOG,
)(serve.serve)
app.add_typer(service.app, name="service", short_help="List, show, promote, call and remove web services.")
app.add_typer(dataset.app, name="dataset", short_help="Save tables and files under names.")
app.add_typer(store.app, name="store", short_help="Check and tidy what is kept of runs.")


def _print_version(wanted: bool) -> None:
    if wanted:
        from estudio import __version__  # noqa: PLC0415

        typer.echo(f"estudio {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True, help=HELP, epilog=EPILOG)
def estudio(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback has done the work
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Without a command, say which there are."""
    say_commands(context)


def run_command_line(arguments: Sequence[str], door: Door | None) -> int:
    """Parse and run one command line. Returns its exit code.

    Raises:
        typer.TyperException: it cannot be parsed.
        EstudioError: what the workspace raises.
    """
    asked: Door = door or WorkspaceDoor()
    with writing(sys.stdout):
        action = get_command(app).main(args=arguments, prog_name="estudio", standalone_mode=False, obj=asked)
    return int(action(asked)) if callable(action) else int(action or 0)
