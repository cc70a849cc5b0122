"""`estudio publish EXPERIMENT`: make a web service of an experiment, or its next version.

The two keys of a new service are shown here once and nowhere again; only their digests are kept.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.screen import Screen, print_document
from estudio.cli.service_options import UrlOption  # noqa: TC001 - the same
from estudio.cli.workspace_options import ExperimentArgument, JsonOption, WorkspaceOption, parse_parameter
from estudio.cli.workspace_screen import say_repaired
from estudio.core.service import DEFAULT_URL, CallLanguage, ServiceIsolation
from estudio.errors import InvalidUsage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from estudio.cli.door import Door
    from estudio.core.service import KeySlot
    from estudio.workspace.call_addresses import CallAddresses
    from estudio.workspace.call_samples import CallSamples
    from estudio.workspace.publishing import PublishedVersion

HELP = """
Publish an experiment as a web service: check and run it, freeze what does not depend on callers, number the version.
\f
estudio publish score
estudio publish score --name pima-scores
estudio publish score --no-promote               a version that is not called yet
estudio publish score --row-wise --isolation worker
"""
EPILOG = "Exit codes: as of `estudio experiment run`; 3 where the experiment cannot be a service."

NameOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The service's name: a-z, 0-9 and -.  [default: the experiment's]"),
]
IsolationOption = Annotated[
    ServiceIsolation | None,
    typer.Option(
        help="call: a fresh process for each call; worker: one for many, faster, and what stays in memory stays.  "
        "[default: call]",
        show_default=False,
    ),
]
RowWiseOption = Annotated[
    bool | None,
    typer.Option(
        "--row-wise/--whole",
        help="Whether each output row depends on its input row alone, so that jobs may be cut into parts.  "
        "[default: whole]",
        show_default=False,
    ),
]
NoPromoteOption = Annotated[bool, typer.Option("--no-promote", help="Let callers stay with the version before.")]
SetOption = Annotated[
    list[Any],
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        parser=parse_parameter,
        help="The value of a parameter for the run, and unless callers give another; again for more.",
    ),
]
FixOption = Annotated[
    list[str],
    typer.Option("--fix", metavar="NAME", help="A parameter that callers cannot give; again for more."),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Make a version though nothing changed.")]


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """How an experiment is published, as the command line said it."""

    name: str | None
    isolation: ServiceIsolation | None
    row_wise: bool | None
    promote: bool
    parameters: dict[str, str]
    fixed: tuple[str, ...] | None
    force: bool
    url: str


def publish(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    experiment: ExperimentArgument,
    name: NameOption = None,
    isolation: IsolationOption = None,
    row_wise: RowWiseOption = None,
    no_promote: NoPromoteOption = False,
    parameters: SetOption = [],  # noqa: B006 - Typer copies it
    fixed: FixOption = [],  # noqa: B006
    force: ForceOption = False,
    url: UrlOption = DEFAULT_URL,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    given: dict[str, str] = {}
    for key, value in parameters:
        if key in given:
            raise InvalidUsage(f"--set gives {key!r} twice. Give it once.", parameter=key)
        given[key] = value
    options = PublishOptions(name, isolation, row_wise, not no_promote, given, tuple(fixed) or None, force, url)
    return partial(_publish, experiment, options, workspace, json=json)


def _publish(experiment: str, options: PublishOptions, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.run_view import RunView  # noqa: PLC0415
    from estudio.cli.screen_lines import lines_for  # noqa: PLC0415
    from estudio.cli.service_calls import samples_of  # noqa: PLC0415

    with Screen(prints_to_error=json) as screen, door.open_workspace(folder) as workspace:
        say_repaired(screen, workspace)
        with RunView(lines_for(sys.stderr if json else sys.stdout)) as view:
            published = workspace.services.publish(
                experiment,
                name=options.name,
                promote=options.promote,
                isolation=options.isolation,
                row_wise=options.row_wise,
                parameters=options.parameters or None,
                fixed=options.fixed,
                force=options.force,
                on_event=view.show,
                on_progress=view.note,
            )
        addresses, samples = samples_of(
            workspace, published.service, published.version, published.endpoint, options.url
        )
        if json:
            print_document(_document(published, addresses))
        else:
            _tell(screen, published, addresses, samples)
    return 0


def _document(published: PublishedVersion, addresses: CallAddresses) -> dict[str, Any]:
    from estudio.cli import service_documents as documents  # noqa: PLC0415

    return {
        "service": documents.service_document(published.service),
        "version": documents.version_document(published.version),
        "endpoint": documents.endpoint_document(published.endpoint),
        "addresses": documents.addresses_document(addresses),
        "is_new": published.is_new,
        "keys": documents.plain_keys_document(published.keys),
    }


def _tell(screen: Screen, published: PublishedVersion, addresses: CallAddresses, samples: CallSamples) -> None:
    from estudio.cli.service_report import address_lines  # noqa: PLC0415
    from estudio.workspace.call_programs import KEY_VARIABLE  # noqa: PLC0415

    name, number = published.service.name, published.version.number
    is_called = published.service.current == number
    if published.is_new:
        screen.say(f"Published {name}, version {number}.", "good")
    else:
        screen.say(f"Nothing differs from version {number} of {name}, so it stays; --force makes a new one.", "good")
    if not is_called:
        screen.say(
            f"Callers stay with version {published.service.current}; `estudio service promote {name} {number}` "
            "lets them call this one.",
            "warning",
        )
    for line in address_lines(addresses):
        screen.say(f"  {line}")
    if published.keys:
        tell_keys(screen, published.keys)
        screen.say("")
        screen.say("Start the server, in this folder:")
        screen.say("  estudio serve")
        screen.say("")
        screen.say("Call the service, in another terminal:")
        screen.say(f"  export {KEY_VARIABLE}={next(iter(published.keys.values()))}")
        screen.say_lines(_indented(samples.modern[CallLanguage.CURL]))
        screen.say("")
        screen.say(f"In Python, C#, R or JavaScript: estudio service samples {name} --language python")


def tell_keys(screen: Screen, keys: Mapping[KeySlot, str]) -> None:
    """The keys themselves, with the warning that they are not shown again."""
    screen.say("")
    screen.say("Its keys, shown now and never again; keep them where passwords are kept:", "warning")
    for slot, key in keys.items():
        screen.say(f"  {slot.value:<9}  {key}")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
