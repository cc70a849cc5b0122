"""`estudio service list|show|versions|promote|rollback|remove|samples|logs|statistics`: published experiments.

Its declarations are what the help, the completion and `docs/reference/cli.md` show.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from estudio.cli import service_endpoints, service_jobs, service_keys
from estudio.cli.command_classes import EstudioCommand, EstudioGroup, say_commands
from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.screen import Screen, print_document, print_text
from estudio.cli.service_calls import called_version, check_sure, samples_of
from estudio.cli.service_options import EndpointOption, ServiceArgument, UrlOption, VersionArgument, YesOption  # noqa: TC001 - the same
from estudio.cli.workspace_options import JsonOption, WorkspaceOption, parse_count
from estudio.core.service import DEFAULT_ENDPOINT, DEFAULT_URL, CallLanguage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from estudio.cli.door import Door
    from estudio.core.service import CallRecord, Endpoint

HELP = """
List, show, promote, call and remove web services, their endpoints, keys and jobs.
\f
estudio service list
estudio service show scores
estudio service samples scores --language python
estudio service promote scores 3
estudio service rollback scores
estudio service logs scores --failed
estudio service keys rotate scores --grace 3600
"""
SHOWN_CALLS = 20
"""Without --limit: about one screen."""
STATISTICS_MINUTES = 60
FOLLOW_SECONDS = 1.0
"""Between two looks at the calls: servers write them about once a second."""
FOLLOWED_CALLS = 1000
"""At most so many calls are told for one look."""

OneVersionOption = Annotated[
    int | None, typer.Option("--version", metavar="N", parser=parse_count, help="Only this version of the service.")
]
LanguageOption = Annotated[CallLanguage, typer.Option("--language", "-l", help="What the program is written in.")]
ClassicOption = Annotated[bool, typer.Option("--classic", help="Call the wire of the old system.")]
FailedOption = Annotated[bool, typer.Option("--failed", help="Only calls that failed.")]
FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on and show calls as they come.")]
LimitOption = Annotated[int, typer.Option(metavar="N", parser=parse_count, help="At most so many calls, the newest.")]
MinutesOption = Annotated[int, typer.Option(metavar="N", parser=parse_count, help="Of the last N minutes.")]

app = typer.Typer(cls=EstudioGroup, rich_markup_mode=None)
app.add_typer(service_endpoints.app, name="endpoints", short_help="List, add, change and remove endpoints.")
app.add_typer(service_keys.app, name="keys", short_help="List, rotate, create and remove keys.")
app.add_typer(service_jobs.app, name="jobs", short_help="List, show and cancel batch jobs.")
app.callback(invoke_without_command=True, help=HELP)(say_commands)


@app.command("list", cls=EstudioCommand, help="List the web services of the workspace.")
def parse_list(json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_list, workspace, json=json)


@app.command("show", cls=EstudioCommand, help="Show a service: its tables, parameters, addresses and endpoints.")
def parse_show(
    service: ServiceArgument, url: UrlOption = DEFAULT_URL, json: JsonOption = False, workspace: WorkspaceOption = None
) -> Action:
    """The parsed command."""
    return partial(_show, service, url, workspace, json=json)


@app.command("versions", cls=EstudioCommand, help="List the versions of a service, the newest first.")
def parse_versions(service: ServiceArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_versions, service, workspace, json=json)


@app.command("promote", cls=EstudioCommand, help="Let callers call this version from now on.")
def parse_promote(
    service: ServiceArgument, version: VersionArgument, json: JsonOption = False, workspace: WorkspaceOption = None
) -> Action:
    """The parsed command."""
    return partial(_promote, service, version, workspace, json=json)


@app.command("rollback", cls=EstudioCommand, help="Go back to the version that was called before.")
def parse_rollback(service: ServiceArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_promote, service, None, workspace, json=json)


@app.command("remove", cls=EstudioCommand, help="Remove a service with its versions, endpoints and keys.")
def parse_remove(
    service: ServiceArgument,
    version: OneVersionOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    return partial(_remove, service, version, workspace, yes=yes, json=json)


@app.command("samples", cls=EstudioCommand, help="Print a program that calls a service with its sample.")
def parse_samples(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    service: ServiceArgument,
    language: LanguageOption = CallLanguage.CURL,
    classic: ClassicOption = False,
    endpoint: EndpointOption = DEFAULT_ENDPOINT,
    url: UrlOption = DEFAULT_URL,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    return partial(_samples, service, language, endpoint, url, workspace, classic=classic, json=json)


@app.command("logs", cls=EstudioCommand, help="Show calls of a service that were kept, as its diagnostics ask for.")
def parse_logs(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    service: ServiceArgument,
    endpoint: EndpointOption = DEFAULT_ENDPOINT,
    failed: FailedOption = False,
    follow: FollowOption = False,
    limit: LimitOption = SHOWN_CALLS,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    return partial(_logs, service, endpoint, limit, workspace, failed=failed, follow=follow, json=json)


@app.command("statistics", cls=EstudioCommand, help="Count the calls of a service, and say how long they took.")
def parse_statistics(
    service: ServiceArgument,
    endpoint: EndpointOption = DEFAULT_ENDPOINT,
    minutes: MinutesOption = STATISTICS_MINUTES,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    return partial(_statistics, service, endpoint, minutes, workspace, json=json)


def _list(folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.service_documents import service_document  # noqa: PLC0415
    from estudio.cli.service_report import services_table  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        found = [(service, workspace.services.versions(service.name)) for service in workspace.services.list()]
    if json:
        print_document({"services": [service_document(service) for service, _ in found]})
    else:
        Screen().show(services_table(found))
    return 0


def _show(name: str, url: str, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli import service_documents as documents  # noqa: PLC0415
    from estudio.cli.service_report import address_lines, endpoints_table, service_parts  # noqa: PLC0415
    from estudio.workspace.call_addresses import call_addresses  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        service = workspace.services.get(name)
        endpoints = workspace.services.endpoints(name)
        default = workspace.services.endpoint(name)
        version = called_version(workspace, service, default)
        addresses = call_addresses(service, version, default, url, workspace.services.workspace_id)
    if json:
        print_document(
            {
                **documents.service_document(service),
                "version": documents.version_document(version),
                "addresses": documents.addresses_document(addresses),
                "endpoints": [documents.endpoint_document(endpoint) for endpoint in endpoints],
            }
        )
    else:
        screen = Screen()
        screen.show(*service_parts(service, version))
        print_text("\n" + "".join(f"{line}\n" for line in address_lines(addresses)) + "\n")
        screen.show(endpoints_table(endpoints))
    return 0


def _versions(name: str, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.service_documents import service_document, versions_document  # noqa: PLC0415
    from estudio.cli.service_report import versions_table  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        service = workspace.services.get(name)
        versions = workspace.services.versions(name)
    if json:
        print_document({**service_document(service), "versions": versions_document(versions)})
    else:
        Screen().show(versions_table(service, versions))
    return 0


def _promote(name: str, number: int | None, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.service_documents import service_document  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        services = workspace.services
        service = services.rollback(name) if number is None else services.promote(name, number)
    if json:
        print_document(service_document(service))
        return 0
    back = (
        f" `estudio service rollback {service.name}` goes back to version {service.previous}."
        if service.previous
        else ""
    )
    Screen().say(f"Callers of {service.name} get version {service.current} now.{back}", "good")
    return 0


def _remove(name: str, number: int | None, folder: Path | None, door: Door, *, yes: bool, json: bool) -> int:
    screen = Screen()
    with door.open_workspace(folder) as workspace:
        service = workspace.services.get(name)
        what = f"version {number} of {service.name}" if number else f"{service.name} with all its versions and keys"
        check_sure(screen, f"{what[0].upper()}{what[1:]} will be gone for good.", yes=yes)
        if number is None:
            workspace.services.remove(name)
        else:
            workspace.services.remove_version(name, number)
    if json:
        print_document({"name": service.name, "version": number, "removed": True})
    else:
        screen.say(f"Removed {what}.", "good")
    return 0


def _samples(  # noqa: PLR0913 - one for each option
    name: str,
    language: CallLanguage,
    endpoint: str,
    url: str,
    folder: Path | None,
    door: Door,
    *,
    classic: bool,
    json: bool,
) -> int:
    from estudio.cli.service_documents import addresses_document  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        service = workspace.services.get(name)
        found = workspace.services.endpoint(name, endpoint)
        addresses, samples = samples_of(workspace, service, called_version(workspace, service, found), found, url)
    programs = samples.classic if classic else samples.modern
    if json:
        texts = {each.value: text for each, text in programs.items()}
        print_document({"addresses": addresses_document(addresses), "samples": texts})
    else:
        print_text(programs[language])
    return 0


def _logs(  # noqa: PLR0913 - one for each option
    name: str, endpoint: str, limit: int, folder: Path | None, door: Door, *, failed: bool, follow: bool, json: bool
) -> int:
    from estudio.cli.service_documents import call_document  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        asked = workspace.services
        calls = asked.calls(name, endpoint, limit, failed_only=failed)
        if json and not follow:
            print_document({"calls": [call_document(record) for record in calls]})
            return 0
        if not calls and not follow:
            Screen().say(_no_calls(name, asked.endpoint(name, endpoint), failed=failed))
        _tell_calls(calls, json=json)
        newest = max((record.at for record in calls), default=0.0)
        while follow:
            time.sleep(FOLLOW_SECONDS)
            calls = tuple(
                each for each in asked.calls(name, endpoint, FOLLOWED_CALLS, failed_only=failed) if each.at > newest
            )
            _tell_calls(calls, json=json)
            newest = max((newest, *(record.at for record in calls)))
    return 0


def _no_calls(name: str, endpoint: Endpoint, *, failed: bool) -> str:
    diagnostics = endpoint.diagnostics.value
    kept = {"none": "no calls are kept", "errors": "failed calls are kept", "all": "all calls are kept"}[diagnostics]
    command = f"estudio service endpoints change {name} {endpoint.name} --diagnostics all"
    change = "" if diagnostics == "all" else f"; `{command}` keeps all"
    return f"No {'failed ' if failed else ''}calls were kept. The diagnostics are {diagnostics}: {kept}{change}."


def _tell_calls(calls: Sequence[CallRecord], *, json: bool) -> None:
    """The oldest first, as they came."""
    from estudio.cli.service_documents import call_document  # noqa: PLC0415
    from estudio.cli.service_report import call_lines  # noqa: PLC0415

    for record in reversed(calls):
        if json:
            print_document(call_document(record))
        else:
            print_text(f"{call_lines(record)}\n")


def _statistics(name: str, endpoint: str, minutes: int, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.service_documents import summary_document  # noqa: PLC0415
    from estudio.cli.service_report import statistics_table  # noqa: PLC0415
    from estudio.workspace.call_statistics import summaries_by_version, summarise_calls  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        counts = workspace.services.statistics(name, endpoint, minutes)
    by_version, total = summaries_by_version(counts), summarise_calls(counts)
    if json:
        versions = [{"number": number, **summary_document(each)} for number, each in by_version.items()]
        print_document({"minutes": minutes, **summary_document(total), "versions": versions})
    elif not total.calls + total.throttled:
        Screen().say(f"Nobody called {name} within the last {minutes:,} minutes.")
    else:
        Screen().show(statistics_table(by_version, total))
    return 0
