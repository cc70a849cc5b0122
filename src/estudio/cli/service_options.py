"""The arguments and options that commands about web services share."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from estudio.cli.completion import endpoint_names, service_names
from estudio.cli.values import parse_seconds, parse_size
from estudio.cli.workspace_options import parse_count
from estudio.core.service import DEFAULT_ENDPOINT, DEFAULT_URL, Diagnostics

ServiceArgument = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=service_names, help="The name of a service.")
]
VersionArgument = Annotated[int, typer.Argument(metavar="VERSION", parser=parse_count, help="The number of a version.")]
EndpointArgument = Annotated[
    str, typer.Argument(metavar="ENDPOINT", autocompletion=endpoint_names, help="The name of an endpoint.")
]
EndpointOption = Annotated[
    str,
    typer.Option(
        "--endpoint",
        metavar="ENDPOINT",
        autocompletion=endpoint_names,
        help=f"Of this endpoint.  [default: {DEFAULT_ENDPOINT}]",
        show_default=False,
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
MAX_URL_CHARACTERS = 2_000
_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:_~/-]+")
MAX_DAYS = 36_500


def parse_url(text: str) -> str:
    """`https://scores.example.org:8443`, without a slash at its end."""
    if len(text) > MAX_URL_CHARACTERS or not _URL.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is no address; write one such as http://127.0.0.1:8080.")
    return text.rstrip("/")


def parse_days(text: str) -> float:
    """A positive number of days, as seconds."""
    try:
        days = float(text[:20])
    except ValueError:
        days = 0
    if not 0 < days <= MAX_DAYS:
        raise ValueError(f"{text[:40]!r} is no number of days; give one above 0, such as 90.")
    return days * 86_400


def parse_version(text: str) -> int:
    """The number of a version; 0 stands for `current`."""
    return 0 if text == "current" else parse_count(text)


UrlOption = Annotated[
    str,
    typer.Option(
        "--url",
        metavar="URL",
        parser=parse_url,
        envvar="ESTUDIO_URL",
        help=f"Where `estudio serve` is reached.  [default: {DEFAULT_URL}]",
        show_default=False,
    ),
]
CallsOption = Annotated[
    int | None,
    typer.Option("--max-concurrent-calls", metavar="N", parser=parse_count, help="Calls at one time, 1 to 200."),
]
TimeoutOption = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", parser=parse_seconds, help="Of one call.")
]
MemoryOption = Annotated[
    int | None, typer.Option("--memory", metavar="SIZE", parser=parse_size, help="Of each script, such as 512M.")
]
DiagnosticsOption = Annotated[Diagnostics | None, typer.Option(help="Which calls are kept for `service logs`.")]
PinnedOption = Annotated[
    int | None,
    typer.Option(
        "--version", metavar="N", parser=parse_version, help="Stay with this version; `current` follows the service's."
    ),
]
DescriptionOption = Annotated[str | None, typer.Option(metavar="TEXT", help="Words for people.")]
ExpiresOption = Annotated[
    float | None,
    typer.Option("--expires", metavar="DAYS", parser=parse_days, help="The new key ends after so many days."),
]
