"""What commands about services ask in common: the addresses and programs of an endpoint, and yes or no."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from estudio.errors import InvalidUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.cli.screen import Screen
    from estudio.core.service import Endpoint, Service, ServiceVersion
    from estudio.workspace.call_addresses import CallAddresses
    from estudio.workspace.call_samples import CallSamples
    from estudio.workspace.workspace import Workspace

MAX_ANSWER_CHARACTERS = 100
"""Of what is typed for yes or no."""


def samples_of(
    workspace: Workspace, service: Service, version: ServiceVersion, endpoint: Endpoint, url: str
) -> tuple[CallAddresses, CallSamples]:
    """The addresses of an endpoint, and programs that call it with the version's sample."""
    from estudio.workspace.call_addresses import call_addresses  # noqa: PLC0415
    from estudio.workspace.call_samples import call_samples  # noqa: PLC0415 - it imports Arrow

    addresses = call_addresses(service, version, endpoint, url, workspace.services.workspace_id)
    tables = workspace.services.samples(service.name, version.number)
    return addresses, call_samples(version, addresses, tables)


def called_version(workspace: Workspace, service: Service, endpoint: Endpoint) -> ServiceVersion:
    """The version that an endpoint stands for now."""
    number = endpoint.version or service.current
    versions: Sequence[ServiceVersion] = workspace.services.versions(service.name)
    return next(version for version in versions if version.number == number)


def check_sure(screen: Screen, question: str, *, yes: bool) -> None:
    """Ask, unless `--yes` was said.

    Raises:
        InvalidUsage: nobody can be asked, or the answer is not yes.
    """
    if yes:
        return
    if not screen.waits_for_typing():
        raise InvalidUsage(f"{question} Nobody can be asked here; say --yes.")
    screen.say(f"{question} Type yes to go on:", "warning")
    answer = sys.stdin.readline(MAX_ANSWER_CHARACTERS).strip().lower()
    if answer not in {"y", "yes"}:
        raise InvalidUsage("Nothing was changed: the answer was not yes.")
