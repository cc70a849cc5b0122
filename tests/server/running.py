"""A real server on a free port of the loopback, for tests: uvicorn in a thread, services by the HostDouble."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pyarrow as pa
import uvicorn

from estudio.server.app import create_app
from estudio.server.context import ServerContext, ServerThreads
from estudio.server.graceful import config_of
from estudio.server.metrics import ServerMetrics
from estudio.server.settings import ServerSettings
from estudio.services.calling import ScoreCall, ScoreOutcome
from estudio.services.calling_double import HostDouble
from estudio.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.applications import Starlette

SAMPLE = Table.from_arrow(pa.table({"a": pa.array([1.5, 2.5]), "b": pa.array(["x", "y"], pa.large_string())}))


def identity(call: ScoreCall) -> ScoreOutcome:
    """Gives back its input."""
    return ScoreOutcome({"output1": call.inputs["input1"]})


def context_of(host: HostDouble | None = None, settings: ServerSettings | None = None) -> ServerContext:
    """A context without jobs and workspace; without a host, one with the service `echo`, whose key is `call-key`."""
    if host is None:
        host = HostDouble()
        host.add("echo", identity, inputs={"input1": SAMPLE}, outputs={"output1": SAMPLE})
    settings = settings or ServerSettings(log_format="none")
    return ServerContext(host, settings, ServerMetrics(), ServerThreads(settings.max_calls))


@contextlib.contextmanager
def running(app: Starlette | ServerContext) -> Iterator[str]:
    """Serve it; gives `http://127.0.0.1:PORT`."""
    app = create_app(app) if isinstance(app, ServerContext) else app
    server = uvicorn.Server(config_of(app.state.settings, app))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    port = listener.getsockname()[1]
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(10)
        app.state.context.threads.close()
