"""`estudio service keys list|rotate|create|remove`: who may call an endpoint, who may manage the workspace.

A key is printed when it is made and never again.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from estudio.cli.command_classes import EstudioCommand, EstudioGroup, say_commands
from estudio.cli.completion import service_names
from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.screen import Screen, print_document, print_text
from estudio.cli.service_calls import check_sure
from estudio.cli.service_options import EndpointOption, ExpiresOption, ServiceArgument, YesOption  # noqa: TC001 - the same
from estudio.cli.values import parse_seconds
from estudio.cli.workspace_options import JsonOption, WorkspaceOption  # noqa: TC001 - the same
from estudio.core.service import DEFAULT_ENDPOINT, KeySlot
from estudio.errors import InvalidUsage

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.cli.door import Door

HELP = """
List, rotate, create and remove keys. A key is shown once, when it is made.
\f
estudio service keys list scores
estudio service keys rotate scores --slot secondary
estudio service keys rotate scores --grace 3600    the old key works for another hour
estudio service keys create --manage --expires 90
"""
ManageOption = Annotated[bool, typer.Option("--manage", help="A key that manages the whole workspace.")]
SlotOption = Annotated[KeySlot, typer.Option(help="Which of the endpoint's two keys.")]
GraceOption = Annotated[
    float, typer.Option("--grace", metavar="SECONDS", parser=parse_seconds, help="How long the old key still works.")
]
OptionalService = Annotated[
    str | None, typer.Argument(metavar="NAME", autocompletion=service_names, help="The name of a service.")
]
KeyArgument = Annotated[str, typer.Argument(metavar="ID", help="The id of a key, as `keys list` shows it.")]

app = typer.Typer(cls=EstudioGroup, rich_markup_mode=None)
app.callback(invoke_without_command=True, help=HELP)(say_commands)


@app.command("list", cls=EstudioCommand, help="List the keys of an endpoint, or with --manage those of the workspace.")
def parse_list(
    service: OptionalService = None,
    endpoint: EndpointOption = DEFAULT_ENDPOINT,
    manage: ManageOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    if (service is None) is not manage:
        raise InvalidUsage("Name a service, or say --manage for the keys that manage the workspace.")
    return partial(_list, service, endpoint, workspace, json=json)


@app.command("rotate", cls=EstudioCommand, help="Replace one of an endpoint's two keys, and print the new one.")
def parse_rotate(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    service: ServiceArgument,
    endpoint: EndpointOption = DEFAULT_ENDPOINT,
    slot: SlotOption = KeySlot.PRIMARY,
    grace: GraceOption = 0.0,
    expires: ExpiresOption = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    return partial(_rotate, service, endpoint, slot, grace, expires, workspace, json=json)


@app.command("create", cls=EstudioCommand, help="Make a key that manages the workspace, and print it.")
def parse_create(
    manage: ManageOption = False,
    expires: ExpiresOption = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    if not manage:
        raise InvalidUsage(
            "Say --manage: keys to call belong to endpoints, which `service endpoints add` makes; `keys rotate` "
            "replaces one of theirs."
        )
    return partial(_create, expires, workspace, json=json)


@app.command("remove", cls=EstudioCommand, help="Remove a key; whoever uses it is refused from then on.")
def parse_remove(
    key: KeyArgument, yes: YesOption = False, json: JsonOption = False, workspace: WorkspaceOption = None
) -> Action:
    """The parsed command."""
    return partial(_remove, key, workspace, yes=yes, json=json)


def _list(name: str | None, endpoint: str, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.service_documents import key_document  # noqa: PLC0415
    from estudio.cli.service_report import keys_table  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        services = workspace.services
        found = services.manage_keys() if name is None else services.keys(name, endpoint)
    if json:
        print_document({"keys": [key_document(key) for key in found]})
    else:
        Screen().show(keys_table(found, time.time()))
    return 0


def _rotate(  # noqa: PLR0913, PLR0917 - one for each option
    name: str,
    endpoint: str,
    slot: KeySlot,
    grace: float,
    expires: float | None,
    folder: Path | None,
    door: Door,
    *,
    json: bool,
) -> int:
    with door.open_workspace(folder) as workspace:
        key = workspace.services.rotate_key(name, endpoint, slot, grace, expires)
    if json:
        print_document({"service": name, "endpoint": endpoint, "slot": slot.value, "key": key})
        return 0
    old = f"works for {grace:g} more seconds" if grace else "works no more"
    screen = Screen()
    screen.say(f"The new {slot.value} key of {name}, shown now and never again; the old one {old}:", "warning")
    print_text(f"{key}\n")
    return 0


def _create(expires: float | None, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.service_documents import key_document  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        made = workspace.services.create_manage_key(expires)
        workspace_id = workspace.services.workspace_id
    if json:
        print_document({**key_document(made.key), "key": made.token, "workspace_id": workspace_id})
        return 0
    screen = Screen()
    screen.say(f"A key that may do everything in the workspace {workspace_id}, shown now and never again:", "warning")
    print_text(f"{made.token}\n")
    return 0


def _remove(key: str, folder: Path | None, door: Door, *, yes: bool, json: bool) -> int:
    screen = Screen()
    with door.open_workspace(folder) as workspace:
        check_sure(screen, f"Whoever uses the key {key} will be refused.", yes=yes)
        workspace.services.remove_key(key)
    if json:
        print_document({"id": key, "removed": True})
    else:
        screen.say(f"Removed the key {key}.", "good")
    return 0
