"""Request-response: one POST, one answer, under the classic address and the later (v2) one.

A call with `format=swagger` sends and gets row objects; `details=true` adds column types to the other form.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

from estudio.server.bodies import read_body
from estudio.server.classic.door import (
    Answer,
    check_version,
    classic_route,
    open_door,
    query_flag,
    respond_error,
    wants_swagger,
)
from estudio.server.classic.errors import answer_to_failure
from estudio.server.exchange import exchange_of
from estudio.workspace.call_wire import ScoreCall, parse_classic_request, render_classic

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from estudio.server.context import ServerContext
    from estudio.services.calling import LiveEndpoint, ScoreOutcome

PATHS = (
    "/workspaces/{workspace}/services/{endpoint}/execute",
    "/subscriptions/{subscription}/services/{endpoint}/execute",
)


def routes(context: ServerContext) -> list[Route]:
    """Both addresses."""
    return [classic_route(context, path, execute, "POST") for path in PATHS]


async def execute(context: ServerContext, request: Request) -> Response:
    """Answer one call."""
    live = open_door(context, request)
    exchange_of(request.scope).is_call = True
    check_version(request)
    swagger, details = wants_swagger(request), query_flag(request, "details")
    body = await read_body(request, context.settings.max_body_bytes)
    cancelled = threading.Event()
    try:
        outcome, answer = await context.call(_score, live, body, cancelled, swagger, details)
    except asyncio.CancelledError:
        cancelled.set()
        raise
    exchange = exchange_of(request.scope)
    exchange.queue_seconds = outcome.queue_seconds
    if outcome.failure is not None:
        return respond_error(
            request, answer_to_failure(outcome.failure, live.endpoint, expose=context.settings.expose_errors)
        )
    return Answer(answer).response(request)


def _score(
    live: LiveEndpoint, body: bytes, cancelled: threading.Event, swagger: bool, details: bool
) -> tuple[ScoreOutcome, bytes]:
    """Parse, call, render, all in one thread: a large body would hold up everybody else on the loop."""
    deadline = time.monotonic() + live.endpoint.timeout_seconds
    parsed = parse_classic_request(body, live.version, swagger=swagger)
    outcome = live.score(ScoreCall(parsed.inputs, parsed.parameters, deadline=deadline, cancelled=cancelled))
    if outcome.failure is not None:
        return outcome, b""
    return outcome, render_classic(outcome.outputs, live.version, details=details, swagger=swagger)
