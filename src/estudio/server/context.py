"""What every route is handed: the host of services, jobs, the workspace, settings, metrics, and threads to work in.

Routes are coroutines of one event loop: whatever blocks (the store, a script, parsing a large body) goes through `run`
or `call`, never straight into a coroutine.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from estudio.errors import ServiceBusy
from estudio.server.request_log import RequestLog

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from estudio.server.metrics import ServerMetrics
    from estudio.server.served_parts import JobRunner
    from estudio.server.settings import ServerSettings
    from estudio.services.calling import ServiceHost
    from estudio.workspace.jobs import WorkspaceJobs  # type: ignore[import-not-found, unused-ignore]
    from estudio.workspace.workspace import Workspace

P = ParamSpec("P")
T = TypeVar("T")

WORK_THREADS = 16
"""For everything but score calls: descriptions, uploads, management. They are short, and must not wait for scripts."""


class ServerThreads:
    """The threads of one worker process: those of score calls, and the others."""

    def __init__(self, max_calls: int) -> None:
        self.calls = ThreadPoolExecutor(max_calls, thread_name_prefix="score")
        self.work = ThreadPoolExecutor(WORK_THREADS, thread_name_prefix="work")
        self.max_calls = max_calls
        self.in_flight = 0
        self._lock = threading.Lock()

    def submit_call(self, function: Callable[[], T]) -> Future[T]:
        """Do it in a thread of its own. Raises ServiceBusy where all of them are taken."""
        with self._lock:
            if self.in_flight >= self.max_calls:
                raise ServiceBusy(
                    f"{self.max_calls} calls are being answered by this process, its most; try again in a second.",
                    retry_after_seconds=1,
                )
            self.in_flight += 1
        return self.calls.submit(self._called, function)

    def _called(self, function: Callable[[], T]) -> T:
        try:
            return function()
        finally:
            with self._lock:
                self.in_flight -= 1

    def close(self) -> None:
        """Start nothing further; what goes on ends by itself."""
        self.calls.shutdown(wait=False, cancel_futures=True)
        self.work.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class ServerContext:
    """See the module. `jobs` and `workspace` are None where a test needs neither.

    Attributes:
        host: the services.
        settings: of the server.
        metrics: what /metrics shows.
        jobs: batch calls.
        workspace: everything else.
        threads: where blocking work is done.
        log: a line for each request.
        job_runner: works on jobs in this process.
    """

    host: ServiceHost
    settings: ServerSettings
    metrics: ServerMetrics
    threads: ServerThreads
    jobs: WorkspaceJobs | None = None
    workspace: Workspace | None = None
    log: RequestLog = field(default_factory=lambda: RequestLog("none"))
    job_runner: JobRunner | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server was told to stop: new requests are refused, those in flight go on."""

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do blocking work in a thread, and wait for it without blocking anybody."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads.work, lambda: function(*args, **kwargs))

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for a score call, in threads of their own.

        Raises:
            ServiceBusy: the server stops, or as many calls as this process takes are in flight: waiting for a thread
                would only pile up.
        """
        if self.stopping.is_set():
            raise ServiceBusy("The server is stopping; try again in a second.", retry_after_seconds=1)
        return await asyncio.wrap_future(self.threads.submit_call(lambda: function(*args, **kwargs)))
