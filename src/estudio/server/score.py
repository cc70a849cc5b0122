"""Score calls of the modern face: found, allowed, read, scored in one thread, answered.

Parsing, checking, scoring and rendering are one hop into a thread and back, but for calls of a few rows: those are
parsed and rendered in the loop, which costs less than the turns that threads take. The routes are plain ASGI.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.routing import Route

from estudio.errors import VersionNotFound
from estudio.server.access import authorize, header
from estudio.server.answer_store import AnswerStore
from estudio.server.answering import (
    CallBytes,
    answer_call,
    answer_of,
    checked_call,
    is_small_call,
    is_small_outcome,
    score_parsed,
)
from estudio.server.bodies import is_packed, read_packed_body
from estudio.server.exchange import exchange_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

    from estudio.server.answering import Answer
    from estudio.server.context import ServerContext
    from estudio.server.exchange import Exchange
    from estudio.services.calling import LiveEndpoint

WATCH_SECONDS = 0.5
"""A call that takes longer is watched: a caller who left need not have it finished. Shorter ones are not worth it."""
MAX_VERSION_DIGITS = 9
ANSWERS_NAME = "answers"
"""Below the state folder: answers kept for their Idempotency-Key."""


class ScoreRoute:
    """`POST …/score` as an ASGI application."""

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        settings = context.settings
        self._later = _later(context)
        self._answers = AnswerStore(self._answers_folder(), settings.idempotency_bytes, settings.idempotency_seconds)

    def _answers_folder(self) -> Path:
        """Below the workspace; without one a private folder, which goes with the application."""
        if self._context.workspace is not None:
            return self._context.workspace.folder.state / ANSWERS_NAME
        folder = Path(tempfile.mkdtemp(prefix="estudio-answers-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call. What is raised becomes a problem outside."""
        context = self._context
        exchange = exchange_of(scope)
        exchange.is_call = True
        live = find_live(context, scope["path_params"])
        exchange.is_about(live)
        authorize(context, scope, live.endpoint)
        packed = is_packed(scope)
        body = await read_packed_body(scope, receive, context.settings.max_body_bytes, context.settings)
        call = _call_bytes(live, scope, body, is_packed=packed)
        context.metrics.begin_call(exchange)
        try:
            if self._later is not None and (prefer := header(scope, b"prefer")) is not None:
                answer = await self._later(call, prefer) or await self._answer(call, receive)
            else:
                answer = await self._answer(call, receive)
        finally:
            context.metrics.end_call(exchange)
        await _send(answer, exchange, send)

    async def _answer(self, call: CallBytes, receive: Receive) -> Answer:
        context = self._context
        watch: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()
        timer = loop.call_later(
            WATCH_SECONDS, lambda: watch.append(loop.create_task(_watch_caller(receive, call.cancelled)))
        )
        try:
            if is_small_call(call):
                answer = await self._answer_small(call)
            else:
                answer = await context.call(answer_call, call, context.settings, self._answers)
        finally:
            timer.cancel()
            for task in watch:
                task.cancel()
        if call.cancelled.is_set():
            raise ClientDisconnect
        return answer

    async def _answer_small(self, call: CallBytes) -> Answer:
        """Read and write a few rows here: threads that do so take turns with the loop, and that costs more."""
        context = self._context
        parsed, shows = checked_call(call, context.settings)
        outcome = await context.call(score_parsed, call, parsed)
        if is_small_outcome(call, outcome):
            return answer_of(call, parsed, outcome, context.settings, shows=shows)
        return await context.run(answer_of, call, parsed, outcome, context.settings, shows=shows)


def routes(context: ServerContext) -> list[BaseRoute]:
    """The routes of score calls."""
    score = ScoreRoute(context)
    paths = ("/services/{name}/score", "/services/{name}/versions/{version}/score",
             "/services/{name}/endpoints/{endpoint}/score")  # fmt: skip
    return [Route(path, score, methods=["POST"]) for path in paths]


def find_live(context: ServerContext, path_params: dict[str, str]) -> LiveEndpoint:
    """The endpoint and version that `name`, `version` and `endpoint` of an address mean.

    Raises ServiceNotFound, EndpointNotFound, VersionNotFound.
    """
    version = path_params.get("version")
    if version is None:
        return context.host.find(path_params["name"], endpoint=path_params.get("endpoint"))
    if not (version.isascii() and version.isdigit() and len(version) <= MAX_VERSION_DIGITS):
        raise VersionNotFound(f"A version is a number, not {version[:40]!r}.")
    return context.host.find(path_params["name"], version=int(version))


def _call_bytes(live: LiveEndpoint, scope: Scope, body: bytes, *, is_packed: bool) -> CallBytes:
    exchange = exchange_of(scope)
    headers = dict(scope["headers"])
    return CallBytes(
        live=live,
        body=body,
        is_packed=is_packed,
        content_type=headers.get(b"content-type", b"").decode("latin-1"),
        query=scope["query_string"],
        accept=headers.get(b"accept", b"").decode("latin-1"),
        takes_gzip=b"gzip" in headers.get(b"accept-encoding", b"").lower(),
        request_id=exchange.request_id,
        idempotency_key=key.decode("latin-1") if (key := headers.get(b"idempotency-key")) is not None else None,
        deadline=exchange.began + live.endpoint.timeout_seconds,
        cancelled=threading.Event(),
    )


async def _watch_caller(receive: Receive, cancelled: threading.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    cancelled.set()


async def _send(answer: Answer, exchange: Exchange, send: Send) -> None:
    exchange.code, exchange.message, exchange.script_log = answer.code, answer.message, answer.script_log
    exchange.queue_seconds = answer.queue_seconds
    timing = b"queue;dur=%.3f, call;dur=%.3f" % (1000 * answer.queue_seconds, 1000 * answer.seconds)
    head = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", b"%d" % len(answer.body)),
        (b"vary", b"accept, accept-encoding"),
        (b"x-service-version", b"%d" % answer.version),
        (b"server-timing", timing),
        *answer.headers,
    ]
    if answer.is_packed:
        head.append((b"content-encoding", b"gzip"))
    await send({"type": "http.response.start", "status": answer.status, "headers": head})
    await send({"type": "http.response.body", "body": answer.body})


def _later(context: ServerContext) -> Callable[[CallBytes, bytes], Awaitable[Answer | None]] | None:
    """Makes a job of a call whose Prefer asks for that; None where there are no jobs."""
    jobs = context.jobs
    if jobs is None:
        return None
    from estudio.server.later import answer_later, wants_job  # noqa: PLC0415 -- jobs find services by this module

    async def later(call: CallBytes, prefer: bytes) -> Answer | None:
        if not wants_job(prefer.decode("latin-1")):
            return None
        return await context.run(answer_later, call, context.settings, jobs)

    return later
