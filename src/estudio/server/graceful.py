"""uvicorn's server with a stop that loses no call: refuse, drain, close, in that order.

uvicorn closes idle connections at once when it stops; a call that is on its way on one of them would get no answer at
all. Here such connections are kept for a moment, and what comes on them is answered with 503 and Retry-After.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import uvicorn

from estudio.server.http_protocol import protocol_for

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from types import FrameType

    from estudio.server.context import ServerContext
    from estudio.server.settings import ServerSettings

REFUSING_SECONDS = 0.5
"""How long open connections are kept at least, for calls that are on their way: more than a round trip of the Earth."""
CLOSING_SECONDS = 2
"""For answers that are being sent when everything else has ended."""
TICK_SECONDS = 0.05


class GracefulServer(uvicorn.Server):
    """One worker's server. The first signal begins the stop, the second one ends it at once."""

    def __init__(self, config: uvicorn.Config, context: ServerContext, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._context = context
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets)
        self._on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal; what it was is not raised again afterwards: a stop that was asked for is no failure."""
        del sig, frame
        self.stop()

    def stop(self) -> None:
        """Begin to stop, or stop at once where that has begun. Any thread may call it."""
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, refuse new calls, wait for those in flight, then close."""
        context = self._context
        for server in self.servers:
            server.close()
        context.stopping.set()
        hand_back = asyncio.ensure_future(context.run(hand_jobs_back, context))
        await self._drain(context.settings.drain_seconds)
        await asyncio.wait({asyncio.ensure_future(context.run(context.host.close, 0.0)), hand_back}, timeout=10)
        await self._drain(CLOSING_SECONDS)
        await super().shutdown(sockets)

    async def _drain(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        while not self.force_exit:
            passed = loop.time() - begin
            if passed >= seconds or (not self.server_state.tasks and passed >= min(REFUSING_SECONDS, seconds)):
                return
            await asyncio.sleep(TICK_SECONDS)


def hand_jobs_back(context: ServerContext) -> None:
    """Stop working on jobs; another server, or this one when it is started again, goes on with them."""
    if context.job_runner is not None:
        context.job_runner.stop(hand_back=True)


def config_of(settings: ServerSettings, app: Callable[..., object]) -> uvicorn.Config:
    """The configuration of uvicorn for one worker."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=protocol_for(settings),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=CLOSING_SECONDS,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.private_key,
    )
