"""One process that answers: opens what it serves, listens on a socket that it was handed, stops when it is told to.

A worker of several is `python -m estudio.server.worker DESCRIPTOR`: a new interpreter, not a fork, since forks of a
process with threads and Arrow inherit locks that nobody will open. Its orders come through that descriptor; when the
supervisor dies the descriptor ends, and the worker stops by itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.errors import EstudioError
from estudio.server.app import create_app
from estudio.server.context import ServerContext, ServerThreads
from estudio.server.graceful import GracefulServer, config_of
from estudio.server.metrics import ServerMetrics
from estudio.server.request_log import RequestLog
from estudio.server.served_parts import open_parts
from estudio.server.server_log import set_up_log
from estudio.server.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Callable

SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while others wait; with Python's 5 ms each call's thread would hold up the
loop, and with it all other calls."""
MAX_ORDER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """What a worker is told.

    Attributes:
        settings: of the server.
        parts: the function that opens what is served.
        place: its argument: the workspace's folder.
        listener: descriptors of the listening sockets.
        number: which of the workers, from 0; a restarted one has the number of the one before.
        metrics: the shared folder of metrics; "" where this worker is alone.
    """

    settings: ServerSettings
    parts: str
    place: str
    listeners: tuple[int, ...]
    number: int = 0
    metrics: str = ""

    def to_json(self) -> bytes:
        """For the way to the worker."""
        return json.dumps(asdict(self), default=str).encode()

    @classmethod
    def from_json(cls, data: bytes) -> WorkerOrder:
        """What `to_json` gave."""
        document = json.loads(data)
        given = document.pop("settings")
        for name in ("certificate", "private_key"):
            given[name] = Path(given[name]) if given[name] is not None else None
        for name in ("trusted_proxies", "allowed_origins"):
            given[name] = tuple(given[name])
        settings = ServerSettings(**given)
        return cls(settings=settings, **{**document, "listeners": tuple(document["listeners"])})


def run_worker(order: WorkerOrder, sockets: list[socket.socket], on_started: Callable[[GracefulServer], None]) -> None:
    """Serve until a signal. Raises what opening the parts raises; then nothing has been served."""
    sys.setswitchinterval(SWITCH_SECONDS)
    parts = open_parts(order.parts, order.place, order.settings)
    log = RequestLog(order.settings.log_format)
    threads = ServerThreads(order.settings.max_calls)
    try:
        metrics = ServerMetrics(Path(order.metrics) if order.metrics else None, order.number)
        context = ServerContext(
            parts.host, order.settings, metrics, threads, parts.jobs, parts.workspace, log=log,
            job_runner=parts.job_runner,
        )  # fmt: skip
        server = GracefulServer(config_of(order.settings, create_app(context)), context, lambda: on_started(server))
        if parts.job_runner is not None:
            parts.job_runner.start()
        server.run(sockets)
    finally:
        parts.host.close(0.0)
        threads.close()
        parts.close()
        log.close()


def main(descriptor: int) -> int:
    """The worker's process: 0 after a stop that was asked for."""
    control = socket.socket(fileno=descriptor)
    control.set_inheritable(False)
    order = WorkerOrder.from_json(_receive_line(control))
    set_up_log(order.settings.log_format)
    sockets = [socket.socket(fileno=each) for each in order.listeners]
    for each in sockets:
        each.set_inheritable(False)
    try:
        run_worker(order, sockets, lambda server: _say_ready(control, server))
    except EstudioError as error:
        control.sendall(json.dumps({"code": error.code, "message": error.message}).encode() + b"\n")
        return 1
    sys.stderr.flush()
    return 0


def _say_ready(control: socket.socket, server: GracefulServer) -> None:
    control.sendall(b'{"ready": true}\n')
    loop = asyncio.get_running_loop()

    def watch() -> None:
        """The supervisor never sends anything more: when reading ends, it is gone."""
        try:
            control.recv(1)
        finally:
            if not loop.is_closed():
                server.stop()

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()


def _receive_line(control: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n") and len(data) < MAX_ORDER_BYTES:
        part = control.recv(65_536)
        if not part:
            break
        data += part
    return data


if __name__ == "__main__":
    status = main(int(sys.argv[1]))
    os._exit(status)  # threads of calls that were given up must not keep the process; everything is flushed
