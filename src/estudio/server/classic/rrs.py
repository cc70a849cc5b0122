"""Request-response: one POST, one answer, under the classic address and the later (v2) one.

A call with `format=swagger` sends and gets row objects; `details=true` adds column types to the other form. Parsing,
scoring and rendering are one hop into a thread: a large body would hold up everybody else on the loop.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from estudio.core.service import Diagnostics
from estudio.server.bodies import is_packed, read_packed_body, unpack
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
    from starlette.types import Receive

    from estudio.server.context import ServerContext
    from estudio.services.calling import LiveEndpoint, ScoreOutcome

PATHS = (
    "/workspaces/{workspace}/services/{endpoint}/execute",
    "/subscriptions/{subscription}/services/{endpoint}/execute",
)
WATCH_SECONDS = 0.5
"""A call that takes longer is watched: a caller who left need not have it finished."""
FAILED_CODE = "module-failed"
"""In logs, as the modern face notes it."""


@dataclass(frozen=True, slots=True)
class ClassicCall:
    """A call as it came, for the thread that does it."""

    live: LiveEndpoint
    body: bytes
    is_packed: bool
    limit_bytes: int
    swagger: bool
    details: bool
    deadline: float
    cancelled: threading.Event


def routes(context: ServerContext) -> list[Route]:
    """Both addresses."""
    return [classic_route(context, path, execute, "POST") for path in PATHS]


async def execute(context: ServerContext, request: Request) -> Response:
    """Answer one call."""
    exchange = exchange_of(request.scope)
    exchange.is_call = True
    live = open_door(context, request)
    check_version(request)
    swagger, details = wants_swagger(request), query_flag(request, "details")
    packed, limit = is_packed(request.scope), context.settings.max_body_bytes
    body = await read_packed_body(request.scope, request.receive, limit, context.settings)
    deadline = exchange.began + live.endpoint.timeout_seconds
    call = ClassicCall(live, body, packed, limit, swagger, details, deadline, threading.Event())
    context.metrics.begin_call(exchange)
    try:
        outcome, answer = await _watched(context, request.receive, call)
    finally:
        context.metrics.end_call(exchange)
    exchange.queue_seconds = outcome.queue_seconds
    diagnostics = live.endpoint.diagnostics
    if diagnostics is Diagnostics.ALL or (diagnostics is Diagnostics.ERRORS and outcome.failure is not None):
        exchange.script_log = _log_of(outcome)
    if outcome.failure is None:
        return Answer(answer).response(request)
    expose = context.settings.expose_errors and diagnostics is not Diagnostics.NONE
    failed = answer_to_failure(outcome.failure, live.endpoint, expose=expose)
    return respond_error(request, failed, FAILED_CODE, outcome.failure.error.message)


async def _watched(context: ServerContext, receive: Receive, call: ClassicCall) -> tuple[ScoreOutcome, bytes]:
    """Do the call, and end it where its caller leaves."""
    loop = asyncio.get_running_loop()
    watch: list[asyncio.Task[None]] = []
    timer = loop.call_later(WATCH_SECONDS, lambda: watch.append(loop.create_task(_watch(receive, call.cancelled))))
    try:
        outcome, answer = await context.call(score_call, call)
    except asyncio.CancelledError:
        call.cancelled.set()
        raise
    finally:
        timer.cancel()
        for task in watch:
            task.cancel()
    if call.cancelled.is_set():
        raise ClientDisconnect
    return outcome, answer


async def _watch(receive: Receive, cancelled: threading.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    cancelled.set()


def score_call(call: ClassicCall) -> tuple[ScoreOutcome, bytes]:
    """Parse, call, render; blocks. There is no body where a module failed."""
    live = call.live
    body = unpack(call.body, call.limit_bytes) if call.is_packed else call.body
    parsed = parse_classic_request(body, live.version, swagger=call.swagger)
    outcome = live.score(ScoreCall(parsed.inputs, parsed.parameters, deadline=call.deadline, cancelled=call.cancelled))
    if outcome.failure is not None:
        return outcome, b""
    return outcome, render_classic(outcome.outputs, live.version, details=call.details, swagger=call.swagger)


def _log_of(outcome: ScoreOutcome) -> str:
    return "".join(f"[{module}]\n{each.text}\n" for module, each in outcome.visualizations.items() if each.text)
