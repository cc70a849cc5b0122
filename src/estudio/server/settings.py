"""What can be set about a server: its address, its limits, what it shows.

Times are seconds and sizes bytes. The defaults suit one machine of a person; docs/reference/serve-settings.md lists
them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.limits import KIB, MIB

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_PORT = 8080


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """All settings of `estudio serve`; docs/reference/serve-settings.md explains each.

    Attributes:
        host: the address to listen on.
        port: 0 takes any that is free.
        workers: processes that answer; each has its own guests.
        certificate: a file of PEM; with it the server speaks TLS alone.
        private_key: of the certificate, where it is not in the same file.
        insecure_http: serve plain HTTP on an address that others reach; keys can be read on the way then.
        trusted_proxies: addresses whose X-Forwarded-For and -Proto are believed; empty for none.
        public_url: how callers reach the server, where that is not its own address: `https://score.example.org/x`.
        max_body_bytes: of a score call, before and after it is unpacked.
        max_bodies_bytes: of all bodies that one worker has in memory at one time; more are refused at once.
        max_upload_bytes: of a file that is uploaded for a job or a dataset.
        max_header_bytes: of a request's line and headers together.
        header_seconds: how long a connection may take to send them.
        body_seconds: how long a whole body may take.
        min_body_bytes_per_second: a slower body is given up, after `body_grace_seconds`.
        body_grace_seconds: how long a body may be slower than that.
        max_connections: open at one time in each worker.
        max_calls: being answered at one time in each worker; more are refused at once.
        keep_alive_seconds: how long an idle connection stays open.
        drain_seconds: how long calls in flight may take after the server was told to stop.
        allowed_origins: web pages of these origins may call (CORS); `*` for all.
        public_descriptions: OpenAPI, docs, swagger.json and help pages are readable without a key.
        expose_errors: an answer names the module, message, line and traceback of an author's error.
        open_metrics: /metrics needs no key, wherever the request comes from.
        idempotency_seconds: how long an answer is kept for its Idempotency-Key.
        idempotency_bytes: of answers kept in each worker.
        keep_results_seconds: how long results and records of jobs are kept after their end.
        log_format: `json`, `text` or `none`.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    workers: int = 1
    certificate: Path | None = None
    private_key: Path | None = None
    insecure_http: bool = False
    trusted_proxies: tuple[str, ...] = ()
    public_url: str = ""
    max_body_bytes: int = 64 * MIB
    max_bodies_bytes: int = 1024 * MIB
    max_upload_bytes: int = 4096 * MIB
    max_header_bytes: int = 32 * KIB
    header_seconds: float = 10.0
    body_seconds: float = 300.0
    min_body_bytes_per_second: int = 1 * KIB
    body_grace_seconds: float = 10.0
    max_connections: int = 1000
    max_calls: int = 250
    keep_alive_seconds: int = 75
    drain_seconds: float = 30.0
    allowed_origins: tuple[str, ...] = ()
    public_descriptions: bool = True
    expose_errors: bool = True
    open_metrics: bool = False
    idempotency_seconds: float = 86_400.0
    idempotency_bytes: int = 64 * MIB
    keep_results_seconds: float = 604_800.0
    log_format: str = "json"
