"""`estudio service endpoints list|add|change|remove`: keyed addresses of a service, each with limits of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from estudio.cli.command_classes import EstudioCommand, EstudioGroup, say_commands
from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.screen import Screen, print_document
from estudio.cli.service_calls import check_sure
from estudio.cli.service_options import (  # noqa: TC001 - the same
    CallsOption,
    DescriptionOption,
    DiagnosticsOption,
    EndpointArgument,
    MemoryOption,
    PinnedOption,
    ServiceArgument,
    TimeoutOption,
    YesOption,
)
from estudio.cli.workspace_options import JsonOption, WorkspaceOption  # noqa: TC001 - the same
from estudio.errors import InvalidUsage

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.cli.door import Door
    from estudio.core.service import Diagnostics

HELP = """
List, add, change and remove the endpoints of a web service.
\f
estudio service endpoints list scores
estudio service endpoints add scores nightly --max-concurrent-calls 2 --timeout 300
estudio service endpoints change scores default --diagnostics all
estudio service endpoints change scores nightly --version 3
"""

app = typer.Typer(cls=EstudioGroup, rich_markup_mode=None)
app.callback(invoke_without_command=True, help=HELP)(say_commands)


@app.command("list", cls=EstudioCommand, help="List the endpoints of a service.")
def parse_list(service: ServiceArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_list, service, workspace, json=json)


@app.command("add", cls=EstudioCommand, help="Add an endpoint with two keys of its own, shown once.")
def parse_add(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    service: ServiceArgument,
    endpoint: EndpointArgument,
    version: PinnedOption = None,
    max_concurrent_calls: CallsOption = None,
    timeout: TimeoutOption = None,
    memory: MemoryOption = None,
    diagnostics: DiagnosticsOption = None,
    description: DescriptionOption = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    limits = _limits(version, max_concurrent_calls, timeout, memory, diagnostics, description)
    return partial(_add, service, endpoint, limits, workspace, json=json)


@app.command("change", cls=EstudioCommand, help="Change the limits of an endpoint, or the version that it stands for.")
def parse_change(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    service: ServiceArgument,
    endpoint: EndpointArgument,
    version: PinnedOption = None,
    max_concurrent_calls: CallsOption = None,
    timeout: TimeoutOption = None,
    memory: MemoryOption = None,
    diagnostics: DiagnosticsOption = None,
    description: DescriptionOption = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    changes = _limits(version, max_concurrent_calls, timeout, memory, diagnostics, description)
    return partial(_change, service, endpoint, changes, workspace, json=json)


@app.command("remove", cls=EstudioCommand, help="Remove an endpoint with its keys.")
def parse_remove(
    service: ServiceArgument,
    endpoint: EndpointArgument,
    yes: YesOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    return partial(_remove, service, endpoint, workspace, yes=yes, json=json)


def _limits(
    version: int | None,
    calls: int | None,
    timeout: float | None,
    memory: int | None,
    diagnostics: Diagnostics | None,
    description: str | None,
) -> dict[str, Any]:
    given = {
        "max_concurrent_calls": calls,
        "timeout_seconds": timeout,
        "memory_bytes": memory,
        "diagnostics": diagnostics,
        "description": description,
    }
    limits = {name: value for name, value in given.items() if value is not None}
    return limits if version is None else {**limits, "version": version or None}


def _list(name: str, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.service_documents import endpoint_document  # noqa: PLC0415
    from estudio.cli.service_report import endpoints_table  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        found = workspace.services.endpoints(name)
    if json:
        print_document({"endpoints": [endpoint_document(endpoint) for endpoint in found]})
    else:
        Screen().show(endpoints_table(found))
    return 0


def _add(name: str, endpoint: str, limits: dict[str, Any], folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.publish import tell_keys  # noqa: PLC0415
    from estudio.cli.service_documents import endpoint_document, plain_keys_document  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        added = workspace.services.add_endpoint(name, endpoint, **limits)
    if json:
        print_document({**endpoint_document(added.endpoint), "keys": plain_keys_document(added.keys)})
        return 0
    screen = Screen()
    screen.say(f"{name} has the endpoint {added.endpoint.name} now.", "good")
    tell_keys(screen, added.keys)
    return 0


def _change(name: str, endpoint: str, changes: dict[str, Any], folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.service_documents import endpoint_document  # noqa: PLC0415
    from estudio.cli.service_report import endpoints_table  # noqa: PLC0415

    if not changes:
        raise InvalidUsage("Nothing is to be changed; say what, such as --timeout 60 or --version current.")
    with door.open_workspace(folder) as workspace:
        changed = workspace.services.change_endpoint(name, endpoint, **changes)
    if json:
        print_document(endpoint_document(changed))
    else:
        Screen().show(endpoints_table([changed]))
    return 0


def _remove(name: str, endpoint: str, folder: Path | None, door: Door, *, yes: bool, json: bool) -> int:
    screen = Screen()
    with door.open_workspace(folder) as workspace:
        found = workspace.services.endpoint(name, endpoint)
        check_sure(screen, f"The endpoint {found.name} of {name} and its keys will be gone for good.", yes=yes)
        workspace.services.remove_endpoint(name, endpoint)
    if json:
        print_document({"service": name, "endpoint": found.name, "removed": True})
    else:
        screen.say(f"Removed the endpoint {found.name} of {name}.", "good")
    return 0
