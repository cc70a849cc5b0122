"""Bodies of requests, bounded in bytes and time, before and after they are unpacked.

A body that is refused is not read to its end: what the answer says comes first, see `server.outermost`.
"""

from __future__ import annotations

import asyncio
import tempfile
import zlib
from typing import IO, TYPE_CHECKING

from starlette.requests import ClientDisconnect

from estudio.errors import InvalidCall
from estudio.server.access import header
from estudio.server.exchange import exchange_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import Receive, Scope

    from estudio.server.settings import ServerSettings

GZIP_WINDOW = 31
"""zlib's number for the gzip format with the largest window."""
UNPACK_STEP_BYTES = 1 << 20
WHOLE = "estudio.whole"
"""In a scope: the body has arrived already, which is so for most calls and spares them a clock."""
SPOOLED_BYTES = 1 << 20
"""Smaller uploads stay in memory."""


async def read_body(request: Request, limit_bytes: int, settings: ServerSettings | None = None) -> bytes:
    """The whole body, unpacked.

    Raises:
        InvalidCall: `too-large`, `encoding`, `timeout` (too slow), `syntax` (broken gzip).
        ServiceBusy: all bodies in memory together are as large as they may be.
        ClientDisconnect: the caller left; there is nobody to answer.
    """
    data = await read_packed_body(request.scope, request.receive, limit_bytes, settings or _settings(request))
    if not is_packed(request.scope):
        return data
    return await asyncio.to_thread(unpack, data, limit_bytes)


async def read_packed_body(scope: Scope, receive: Receive, limit_bytes: int, settings: ServerSettings) -> bytes:
    """The body as it came; `unpack` it in a thread where `is_packed`. Raises like `read_body`."""
    is_packed(scope)
    if scope.get(WHOLE):
        data = await _whole_body(scope, receive, limit_bytes)
    else:
        chunks = [chunk async for chunk in stream_body(scope, receive, limit_bytes, settings)]
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if is_packed(scope):
        exchange_of(scope).hold(len(data) + min(limit_bytes, unpacked_bytes(data)))
    return data


async def spool_body(request: Request, limit_bytes: int, settings: ServerSettings | None = None) -> IO[bytes]:
    """The whole body in a temporary file at its beginning, for uploads; unpacked. Close it. Raises like `read_body`."""
    spool: IO[bytes] = tempfile.SpooledTemporaryFile(SPOOLED_BYTES)  # noqa: SIM115 -- the caller closes it
    unpacker = zlib.decompressobj(GZIP_WINDOW) if is_packed(request.scope) else None
    size = 0
    try:
        chunks = stream_body(
            request.scope, request.receive, limit_bytes, settings or _settings(request), memory_bytes=SPOOLED_BYTES
        )
        async for chunk in chunks:
            size += await asyncio.to_thread(_write, spool, chunk, unpacker, limit_bytes - size)
        _check_whole(unpacker)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return spool


async def stream_body(
    scope: Scope, receive: Receive, limit_bytes: int, settings: ServerSettings, *, memory_bytes: int | None = None
) -> AsyncIterator[bytes]:
    """The body's parts as they come, never empty; `memory_bytes` of them stay in memory. Raises like `read_body`."""
    _check_length(header(scope, b"content-length"), limit_bytes)
    exchange = exchange_of(scope)
    loop = asyncio.get_running_loop()
    began = loop.time()
    received = 0
    while True:
        pace = settings.body_grace_seconds + received / settings.min_body_bytes_per_second
        deadline = began + min(settings.body_seconds, pace)
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise _too_slow(received, loop.time() - began) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        received += len(chunk)
        exchange.bytes_in = received
        if received > limit_bytes:
            raise _too_large(limit_bytes)
        exchange.has_whole_body = not message.get("more_body", False)
        exchange.hold(received if memory_bytes is None else min(received, memory_bytes))
        if chunk:
            yield chunk
        if exchange.has_whole_body:
            return


async def _whole_body(scope: Scope, receive: Receive, limit_bytes: int) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    body: bytes = message.get("body", b"")
    exchange = exchange_of(scope)
    exchange.bytes_in = len(body)
    exchange.has_whole_body = True
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    exchange.hold(len(body))
    return body


def is_packed(scope: Scope) -> bool:
    """Whether the body is compressed. Raises InvalidCall (`encoding`) for anything but gzip."""
    encoding = header(scope, b"content-encoding")
    if encoding is None or (word := encoding.strip().lower()) in (b"", b"identity"):
        return False
    if word in (b"gzip", b"x-gzip"):
        return True
    raise InvalidCall(
        f"The body is encoded as {encoding[:40].decode('latin-1')!r}; send it plain or with gzip.", kind="encoding"
    )


def unpacked_bytes(data: bytes) -> int:
    """How large gzip says at its end that it is unpacked (RFC 1952, ISIZE); `unpack` gives no more than that."""
    return int.from_bytes(data[-4:], "little")


def unpack(data: bytes, limit_bytes: int) -> bytes:
    """Unpack gzip up to a limit; blocks. Raises InvalidCall: `too-large`, `syntax`."""
    said_bytes = unpacked_bytes(data)
    unpacker = zlib.decompressobj(GZIP_WINDOW)
    parts: list[bytes] = []
    size = 0
    try:
        while data and not unpacker.eof:
            part = unpacker.decompress(data, UNPACK_STEP_BYTES)
            data = unpacker.unconsumed_tail
            size += len(part)
            if size > limit_bytes:
                raise _too_large(limit_bytes)
            if size > said_bytes:
                raise _broken_gzip()
            parts.append(part)
    except zlib.error:
        raise _broken_gzip() from None
    if not unpacker.eof or unpacker.unused_data:
        raise _broken_gzip()
    return b"".join(parts)


def _write(spool: IO[bytes], chunk: bytes, unpacker: zlib._Decompress | None, room_bytes: int) -> int:
    if unpacker is None:
        spool.write(chunk)
        return len(chunk)
    written = 0
    try:
        while chunk and not unpacker.eof:
            part = unpacker.decompress(chunk, UNPACK_STEP_BYTES)
            chunk = unpacker.unconsumed_tail
            written += len(part)
            if written > room_bytes:
                raise InvalidCall("The body is too large once it is unpacked.", kind="too-large")
            spool.write(part)
    except zlib.error:
        raise _broken_gzip() from None
    if unpacker.unused_data:
        raise _broken_gzip()
    return written


def _check_whole(unpacker: zlib._Decompress | None) -> None:
    if unpacker is not None and not unpacker.eof:
        raise _broken_gzip()


def _check_length(content_length: bytes | None, limit_bytes: int) -> None:
    if content_length is not None and content_length.isdigit() and int(content_length[:20]) > limit_bytes:
        raise _too_large(limit_bytes)


def _too_large(limit_bytes: int) -> InvalidCall:
    return InvalidCall(
        f"The body has more than {limit_bytes} bytes, the most that is taken here; send less, or make a job of it.",
        kind="too-large",
        limit_bytes=limit_bytes,
    )


def _too_slow(received: int, seconds: float) -> InvalidCall:
    return InvalidCall(
        f"The body came too slowly: {received} bytes in {seconds:.0f} s; send it faster, or less of it.", kind="timeout"
    )


def _broken_gzip() -> InvalidCall:
    return InvalidCall("The body says that it is gzip, and is not, or is cut short.", kind="syntax")


def _settings(request: Request) -> ServerSettings:
    settings: ServerSettings = request.app.state.settings
    return settings
