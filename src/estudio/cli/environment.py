"""`estudio environment list|show|build|remove`: the packages that scripts see."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from estudio.cli.command_classes import EstudioCommand, EstudioGroup, say_commands
from estudio.cli.completion import environment_names
from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.screen import Screen, print_document

if TYPE_CHECKING:
    from estudio.cli.door import Door
    from estudio.workspace.environments import EnvironmentSummary

NAME_OR_FILE = typer.Argument(
    metavar="NAME_OR_FILE", help="The name of an environment, or its TOML file.", autocompletion=environment_names
)
NAME_OR_DIGEST = typer.Argument(
    metavar="NAME_OR_DIGEST", help="The name or the digest of an environment.", autocompletion=environment_names
)
DIGEST_CHARACTERS = 12
"""Enough of a digest to tell environments apart, and to say which one to remove."""
AS_JSON = typer.Option("--json", help="Print one JSON object, nothing else.")

app = typer.Typer(cls=EstudioGroup, rich_markup_mode=None)
app.callback(
    invoke_without_command=True,
    help="""
    List, show, build and remove the environments of scripts.
    \f
    estudio environment list
    estudio environment show default
    estudio environment build my-env.toml
    """,
)(say_commands)


@app.command("list", cls=EstudioCommand, help="List the environments that are known here.")
def parse_list(json: Annotated[bool, AS_JSON] = False) -> Action:
    """The parsed command."""
    return partial(_list, json=json)


@app.command("show", cls=EstudioCommand, help="Show the Python and the packages of one environment.")
def parse_show(name: Annotated[str, NAME_OR_FILE], json: Annotated[bool, AS_JSON] = False) -> Action:
    """The parsed command."""
    return partial(_show, name, json=json)


@app.command("build", cls=EstudioCommand, help="Build an environment ahead of its first use.")
def parse_build(name: Annotated[str, NAME_OR_FILE], json: Annotated[bool, AS_JSON] = False) -> Action:
    """The parsed command."""
    return partial(_build, name, json=json)


@app.command("remove", cls=EstudioCommand, help="Remove a built environment; it is built again when it is used.")
def parse_remove(name: Annotated[str, NAME_OR_DIGEST], json: Annotated[bool, AS_JSON] = False) -> Action:
    """The parsed command."""
    return partial(_remove, name, json=json)


def _list(door: Door, *, json: bool) -> int:
    found = door.list_environments()
    if json:
        _print_environments(found)
    else:
        from estudio.cli.environment_report import environments_table  # noqa: PLC0415

        Screen().show(environments_table(found))
    return 0


def _show(name: str, door: Door, *, json: bool) -> int:
    summary = door.show_environment(name)
    if json:
        _print_environment(summary)
    else:
        from estudio.cli.environment_report import environment_parts  # noqa: PLC0415

        Screen().show(*environment_parts(summary))
    return 0


def _build(name: str, door: Door, *, json: bool) -> int:
    with Screen(prints_to_error=json) as screen:
        summary = door.build_environment(name, screen.progress)
        if json:
            _print_environment(summary)
        else:
            screen.say(f"{summary.name} is ready: {summary.folder}", "good")
    return 0


def _remove(name: str, door: Door, *, json: bool) -> int:
    removed = door.remove_environment(name)
    if json:
        _print_environments(removed)
        return 0
    screen = Screen()
    for summary in removed:
        screen.say(f"{summary.name} is removed ({summary.digest[:DIGEST_CHARACTERS]}).", "good")
    return 0


def _print_environments(summaries: tuple[EnvironmentSummary, ...]) -> None:
    from estudio.cli.documents import environment_document  # noqa: PLC0415

    print_document({"environments": [environment_document(summary) for summary in summaries]})


def _print_environment(summary: EnvironmentSummary) -> None:
    from estudio.cli.documents import environment_document  # noqa: PLC0415

    print_document(environment_document(summary))
