"""What is done around every request: ids, headers of every answer, errors nobody caught, one log line, metrics.

Pure ASGI: Starlette's BaseHTTPMiddleware would copy each body through queues. An answer that comes before the whole
body is sent first; then the rest of the body is read for a moment, so that the caller can read the answer at all.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from estudio.core.limits import MIB
from estudio.core.service import CallRecord
from estudio.server.body_room import BodyRoom
from estudio.server.exchange import SCOPE_KEY, Exchange
from estudio.server.problems import MEDIA_TYPE, problem_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from estudio.server.context import ServerContext

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
"""What is taken over from a caller: short, and harmless in any log."""
TRACE_PARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
"""W3C Trace Context, level 1."""
LINGER_SECONDS = 2.0
LINGER_BYTES = 8 * MIB
"""How much of an unwanted body is read and dropped, so that the caller is not cut off before it reads the answer."""
MAX_MESSAGE_CHARACTERS = 2_000
MAX_LOG_CHARACTERS = 8_000
"""Of what is kept of one call: enough to understand an error, too little to fill a disk."""
CLIENT_LEFT = 499
"""Logged where the caller left before the answer; never sent."""
DEFAULT_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Of every answer that does not say otherwise."""

logger = logging.getLogger("estudio.server")


class Outermost:
    """Middleware around all routes."""

    def __init__(self, app: ASGIApp, context: ServerContext) -> None:
        self._app = app
        self._context = context
        self._room = BodyRoom(max(context.settings.max_bodies_bytes, context.settings.max_body_bytes))
        self._prefix = context.settings.public_url.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = begin_exchange(scope)
        exchange.room = self._room
        answer = _Answer(exchange, receive, send, self._context)
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            exchange.status = CLIENT_LEFT
        except Exception as error:  # noqa: BLE001 -- the last one who can answer
            await self._answer_error(error, exchange, answer)
        finally:
            self._end(exchange, scope)

    def _end(self, exchange: Exchange, scope: Scope) -> None:
        self._room.let_go(exchange)
        seconds = time.monotonic() - exchange.began
        self._context.metrics.note(exchange, seconds)
        self._context.log.note(exchange, seconds, scope["method"], scope["path"])
        if exchange.is_call and exchange.endpoint_id:
            self._context.host.note_call(call_record(exchange, seconds))

    async def _answer_error(self, error: Exception, exchange: Exchange, answer: _Answer) -> None:
        problem = problem_of(error, exchange.request_id, self._prefix)
        exchange.code, exchange.message = problem.kind.code, problem.detail
        if problem.kind.status == 500:
            logger.error("request %s failed", exchange.request_id, exc_info=error)
        if exchange.status:
            raise error
        await send_bytes(answer.send, problem.kind.status, MEDIA_TYPE.encode(), problem.body, problem.headers)


def begin_exchange(scope: Scope) -> Exchange:
    """The exchange of a request that begins, put into its scope."""
    request_id = trace_id = ""
    has_body = False
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            request_id = value.decode("ascii")
        elif name == b"traceparent" and (match := TRACE_PARENT.fullmatch(value)):
            trace_id = match[1].decode("ascii")
        elif name in (b"content-length", b"transfer-encoding") and value != b"0":
            has_body = True
    exchange = Exchange(request_id or secrets.token_hex(16), trace_id, has_whole_body=not has_body)
    scope[SCOPE_KEY] = exchange
    return exchange


def call_record(exchange: Exchange, seconds: float) -> CallRecord:
    """What is kept of a call."""
    return CallRecord(
        endpoint_id=exchange.endpoint_id,
        version=exchange.version,
        request_id=exchange.request_id,
        at=exchange.wall,
        seconds=seconds,
        queue_seconds=exchange.queue_seconds,
        status=exchange.status,
        code=exchange.code,
        message=exchange.message[:MAX_MESSAGE_CHARACTERS],
        log=exchange.script_log[:MAX_LOG_CHARACTERS],
    )


async def send_bytes(
    send: Send, status: int, media_type: bytes, body: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    """Send a whole answer."""
    head = [(b"content-type", media_type), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


class _Answer:
    """The sending side of one request."""

    def __init__(self, exchange: Exchange, receive: Receive, send: Send, context: ServerContext) -> None:
        self._exchange = exchange
        self._receive = receive
        self._send = send
        self._context = context
        self._lingers = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start(message)
        elif message["type"] == "http.response.body":
            self._exchange.bytes_out += len(message.get("body", b""))
            if self._lingers and not message.get("more_body", False):
                await self._send({**message, "more_body": True})
                await self._linger()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    def _start(self, message: Message) -> None:
        exchange = self._exchange
        exchange.status = message["status"]
        headers = list(message.get("headers", ()))
        known = {name for name, _ in headers}
        headers.extend(each for each in DEFAULT_HEADERS if each[0] not in known)
        headers.append((b"x-request-id", exchange.request_id.encode("ascii")))
        self._lingers = not exchange.has_whole_body
        if self._lingers or self._context.stopping.is_set():
            headers.append((b"connection", b"close"))
        message["headers"] = headers

    async def _linger(self) -> None:
        dropped = 0
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while dropped < LINGER_BYTES:
                    message = await self._receive()
                    dropped += len(message.get("body", b""))
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        return
        except TimeoutError:
            return
