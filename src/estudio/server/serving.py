"""`estudio serve`: checks the settings, binds the address, then serves with one process or several.

Keys travel in headers. An address that others reach is therefore refused without TLS, unless somebody says that a
proxy in front has it (`insecure_http`).
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
import tempfile
from typing import TYPE_CHECKING

from estudio.errors import InvalidUsage
from estudio.server.served_parts import WORKSPACE_PARTS
from estudio.server.server_log import set_up_log
from estudio.server.supervisor import Supervisor
from estudio.server.worker import WorkerOrder, run_worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from estudio.server.settings import ServerSettings

BACKLOG = 2048
"""Connections that wait for a worker to take them; the kernel may know a lower bound."""
MAX_WORKERS = 256
MIN_KEEP_SECONDS = 60.0
"""Of results: whoever waits for a job needs time to fetch them."""
MAX_KEEP_SECONDS = 3650 * 86_400.0
"""Ten years: the end of a result is a date that every program can write."""

logger = logging.getLogger("estudio.server")


def serve(
    workspace: str | Path,
    settings: ServerSettings,
    *,
    on_ready: Callable[[str], None] | None = None,
    parts: str = WORKSPACE_PARTS,
) -> None:
    """Serve a workspace until SIGTERM or SIGINT; returns when calls in flight have ended.

    Args:
        workspace: its folder.
        settings: all of them.
        on_ready: told the server's address once all workers answer.
        parts: the function that opens what is served, as `module:function`; see `server.served_parts`.

    Raises:
        InvalidUsage: settings that cannot be, an address that is taken or is not this machine's, a certificate that
            cannot be used, an address that others reach without TLS.
        EstudioError: whatever opening the workspace raises.
    """
    check_settings(settings)
    set_up_log(settings.log_format)
    with bind(settings) as listener:
        url = address_of(settings, listener)
        if settings.insecure_http and settings.certificate is None:
            logger.warning("%s speaks plain HTTP: whoever is on the way can read keys; see --insecure-http", url)

        def ready() -> None:
            logger.info("serving %s on %s with %d worker(s)", workspace, url, settings.workers)
            if on_ready is not None:
                on_ready(url)

        order = WorkerOrder(settings, parts, str(workspace), (listener.fileno(),))
        if settings.workers == 1:
            run_worker(order, [listener], lambda _: ready())
            return
        with tempfile.TemporaryDirectory(prefix="estudio-metrics-") as metrics:
            order = WorkerOrder(settings, parts, str(workspace), (listener.fileno(),), metrics=metrics)
            Supervisor(order, settings.workers, ready, listener.close).run()


def check_settings(settings: ServerSettings) -> None:
    """Raises InvalidUsage for settings that cannot be."""
    if not 1 <= settings.workers <= MAX_WORKERS:
        raise InvalidUsage(
            f"There can be 1 to {MAX_WORKERS} workers, not {settings.workers}.", workers=settings.workers
        )
    if not 0 <= settings.port <= 65535:
        raise InvalidUsage(f"The port {settings.port} is none; give 0 to 65535.", port=settings.port)
    if settings.log_format not in ("json", "text", "none"):
        raise InvalidUsage(f"The log format {settings.log_format!r} is none; give json, text or none.")
    if not MIN_KEEP_SECONDS <= settings.keep_results_seconds <= MAX_KEEP_SECONDS:
        raise InvalidUsage(
            f"Results of jobs cannot be kept for {settings.keep_results_seconds:g} s; give a minute to ten years.",
            seconds=settings.keep_results_seconds,
        )
    if settings.private_key is not None and settings.certificate is None:
        raise InvalidUsage("There is a private key without a certificate; give both files.")
    if settings.certificate is not None:
        _check_certificate(settings.certificate, settings.private_key)
    elif not settings.insecure_http and not is_loopback(settings.host):
        raise InvalidUsage(
            f"Others reach {settings.host}, and without TLS they could read the keys of calls. Give a certificate, or "
            "serve on 127.0.0.1 behind a proxy that has one; if TLS ends elsewhere, say --insecure-http.",
            host=settings.host,
        )


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bind(settings: ServerSettings) -> socket.socket:
    """The listening socket. Raises InvalidUsage where the address cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise InvalidUsage(f"The host {settings.host} is not known: {error}.", host=settings.host) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise InvalidUsage(
            f"{settings.host}, port {settings.port} cannot be served: {error.strerror}. Stop what uses it, or give "
            "another --port.",
            host=settings.host,
            port=settings.port,
        ) from error
    return listener


def address_of(settings: ServerSettings, listener: socket.socket) -> str:
    """The server's address for people: `http://127.0.0.1:8080`."""
    host, port = listener.getsockname()[:2]
    scheme = "http" if settings.certificate is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _check_certificate(certificate: Path, private_key: Path | None) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, private_key)
    except (OSError, ssl.SSLError) as error:
        raise InvalidUsage(
            f"The certificate {certificate} and its key cannot be used: {error}. Both are files of PEM; the key may "
            "be in either, and has no password.",
            certificate=str(certificate),
        ) from error
