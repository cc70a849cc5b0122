"""Health: /health/live says that the process answers, /health/ready that calls would be answered now.

Both are without a key: they say nothing but that, and a load balancer has no key.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from estudio.server.context import ServerContext
    from estudio.services.calling import Readiness

READY_SECONDS = 1.0
"""How long readiness is remembered: balancers ask several times a second."""
MAX_WAITING_WORDS = 20


class _RememberedReadiness:
    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._value: Readiness | None = None
        self._until = 0.0

    async def get(self) -> Readiness:
        if self._value is None or time.monotonic() >= self._until:
            self._value = await self._context.run(self._context.host.readiness)
            self._until = time.monotonic() + READY_SECONDS
        return self._value


def routes(context: ServerContext) -> list[BaseRoute]:
    """The two routes of health."""
    remembered = _RememberedReadiness(context)

    async def live(request: Request) -> Response:
        del request
        return _answer(200, {"status": "live"})

    async def ready(request: Request) -> Response:
        del request
        if context.stopping.is_set():
            return _answer(503, {"status": "stopping"}, {"retry-after": "1"})
        readiness = await remembered.get()
        if readiness.ready:
            return _answer(200, {"status": "ready"})
        waiting = list(readiness.waiting[:MAX_WAITING_WORDS])
        return _answer(503, {"status": "not-ready", "waiting": waiting}, {"retry-after": "1"})

    return [Route("/health/live", live, methods=["GET"]), Route("/health/ready", ready, methods=["GET"])]


def _answer(status: int, document: dict[str, object], headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status, headers, "application/json")
