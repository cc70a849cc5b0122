"""`estudio serve`: answer the callers of a workspace's web services until Ctrl-C.

Everything is said on standard error; standard output has nothing, or with `--json` one object once calls are answered.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.screen import Screen, print_document
from estudio.cli.service_options import parse_url
from estudio.cli.values import parse_path, parse_seconds, parse_size, size_words
from estudio.cli.workspace_options import JsonOption, WorkspaceOption, parse_count
from estudio.server.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.cli.door import Door
    from estudio.core.service import Service

HELP = """
Serve the web services of a workspace, on this machine alone unless told otherwise; Ctrl-C ends it gracefully.
\f
estudio serve
estudio serve --port 9000 --workers 4
estudio serve --host 0.0.0.0 --tls-certificate cert.pem --tls-key key.pem
estudio serve --public-url https://scores.example.org --trusted-proxy 127.0.0.1
"""
EPILOG = "Exit codes: 0 stopped, 2 an address or setting that cannot be, 3 no workspace here, 5 no sandbox here."
DEFAULTS = ServerSettings()
MAX_PORT = 65_535
DAY_SECONDS = 86_400.0


def parse_port(text: str) -> int:
    """0 to 65535."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= MAX_PORT):
        raise ValueError(f"{text[:20]!r} is no port; give 0 to {MAX_PORT}, 0 for any that is free.")
    return int(text)


def parse_days(text: str) -> float:
    """Days: 7, or 0.5. How many there may be is for the server to say."""
    try:
        return parse_seconds(text)
    except ValueError:
        raise ValueError(f"{text[:20]!r} is no number of days; give a positive one, such as 7 or 0.5.") from None


HostOption = Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")]
PortOption = Annotated[int, typer.Option(metavar="N", parser=parse_port, help="The port; 0 takes any that is free.")]
WorkersOption = Annotated[int, typer.Option(metavar="N", parser=parse_count, help="Processes that answer.")]
CertificateOption = Annotated[
    Path | None, typer.Option("--tls-certificate", metavar="FILE", parser=parse_path, help="Speak TLS, with this PEM.")
]
TlsKeyOption = Annotated[
    Path | None,
    typer.Option("--tls-key", metavar="FILE", parser=parse_path, help="Its private key, where the PEM lacks it."),
]
InsecureOption = Annotated[
    bool, typer.Option("--insecure-http", help="Plain HTTP where others reach it: only behind a proxy with TLS.")
]
PublicUrlOption = Annotated[
    str | None, typer.Option(metavar="URL", parser=parse_url, help="How callers reach the server, behind a proxy.")
]
ProxyOption = Annotated[
    list[str], typer.Option("--trusted-proxy", metavar="ADDRESS", help="Believe its X-Forwarded-For; again for more.")
]
OriginOption = Annotated[
    list[str], typer.Option("--allow-origin", metavar="ORIGIN", help="Web pages that may call; again for more.")
]
BodyOption = Annotated[
    int,
    typer.Option(
        metavar="SIZE",
        parser=parse_size,
        show_default=False,
        help=f"The largest body of a call.  [default: {size_words(DEFAULTS.max_body_bytes)}]",
    ),
]
DrainOption = Annotated[
    float, typer.Option("--drain", metavar="SECONDS", parser=parse_seconds, help="How long calls in flight may end.")
]
KeepOption = Annotated[
    float,
    typer.Option(
        "--keep-results", metavar="DAYS", parser=parse_days, help="How long results of jobs are kept after their end."
    ),
]
PrivateOption = Annotated[bool, typer.Option("--private-descriptions", help="Pages and OpenAPI need a management key.")]
HideOption = Annotated[bool, typer.Option("--hide-errors", help="Answers do not name module, line and traceback.")]
LogOption = Annotated[str, typer.Option("--log-format", metavar="FORMAT", help="json, text or none.")]


def serve(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    host: HostOption = DEFAULTS.host,
    port: PortOption = DEFAULTS.port,
    workers: WorkersOption = DEFAULTS.workers,
    tls_certificate: CertificateOption = None,
    tls_key: TlsKeyOption = None,
    insecure_http: InsecureOption = False,
    public_url: PublicUrlOption = None,
    trusted_proxy: ProxyOption = [],  # noqa: B006 - Typer copies it
    allow_origin: OriginOption = [],  # noqa: B006
    max_body: BodyOption = DEFAULTS.max_body_bytes,
    drain: DrainOption = DEFAULTS.drain_seconds,
    keep_results: KeepOption = DEFAULTS.keep_results_seconds / DAY_SECONDS,
    private_descriptions: PrivateOption = False,
    hide_errors: HideOption = False,
    log_format: LogOption = "text",
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    settings = ServerSettings(
        host=host,
        port=port,
        workers=workers,
        certificate=tls_certificate,
        private_key=tls_key,
        insecure_http=insecure_http,
        public_url=public_url or "",
        trusted_proxies=tuple(trusted_proxy),
        allowed_origins=tuple(allow_origin),
        max_body_bytes=max_body,
        drain_seconds=drain,
        keep_results_seconds=keep_results * DAY_SECONDS,
        public_descriptions=not private_descriptions,
        expose_errors=not hide_errors,
        log_format=log_format,
    )
    return partial(_serve, settings, workspace, json=json)


def _serve(settings: ServerSettings, folder: Path | None, door: Door, *, json: bool) -> int:
    screen = Screen()
    with door.open_workspace(folder) as workspace:
        root, services = workspace.folder.root, workspace.services.list()

    def ready(url: str) -> None:
        if json:
            names = [{"name": service.name, "version": service.current} for service in services]
            print_document({"url": url, "workspace": str(root), "services": names})
        else:
            _tell(screen, settings.public_url or url, root, services)

    door.serve(root, settings, ready)
    screen.say("Stopped; calls in flight have ended.")
    return 0


def _tell(screen: Screen, url: str, root: Path, services: Sequence[Service]) -> None:
    screen.say(f"Serving {root} on {url}", "good")
    width = max((len(service.name) for service in services), default=0)
    for service in services:
        screen.say(f"  {service.name:<{width}}  version {service.current:<3}  {url}/services/{service.name}")
    if not services:
        screen.say("  No service is published yet: `estudio publish EXPERIMENT`, in another terminal, makes one.")
    screen.say(f"  health {url}/health/ready, metrics {url}/metrics. Press Ctrl-C to stop.", "faint")
