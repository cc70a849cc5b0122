"""HTTP/1.1 connections with the bounds that uvicorn leaves to a proxy: of headers, of idle senders and readers.

uvicorn's own protocol waits for ever for headers, takes any number of them, and keeps an answer for a caller who does
not read it. All of that happens before there is a request that a route could refuse, so it is done here.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from estudio.errors import ServiceBusy
from estudio.server.bodies import WHOLE
from estudio.server.problems import MEDIA_TYPE, Refused, problem_of

if TYPE_CHECKING:
    import asyncio

    from uvicorn import Config
    from uvicorn.server import ServerState

    from estudio.server.settings import ServerSettings

MAX_HEADERS = 100
"""Headers and trailers of one request; browsers send some 20."""
FRAMING_FACTOR = 8
"""Bytes on the wire for each byte of a body, at most: chunks of one byte take six."""
WRITE_CHECK_SECONDS = 15.0
MIN_READ_BYTES = 15 * 1024
"""A caller takes this much of its answer between two checks, 1 KiB/s, or is cut off."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    settings: ServerSettings
    """Set by `protocol_for`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._unsent_bytes = 0
        self._fed_bytes = 0
        self._body_bytes = 0
        self._chunk_bytes = 0
        self._in_head = False
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse what is too much; wait for headers for a bounded time."""
        super().connection_made(transport)
        if len(self.connections) > self.settings.max_connections:
            self._refuse(ServiceBusy("The server has as many connections as it takes.", retry_after_seconds=1))
            return
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._stop_head_timer()
        if self._write_timer is not None:
            self._write_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then look at what that came to."""
        if self._refused:
            return
        self._chunk_bytes = len(data)
        self._fed_bytes += len(data)
        super().data_received(data)
        overhead = self._fed_bytes - self._body_bytes
        if overhead > self.settings.max_header_bytes + FRAMING_FACTOR * self._body_bytes:
            self._refuse(Refused(431, self._header_rule()))
        elif self._in_head and self._head_timer is None and not self.transport.is_closing():
            self._wait_for_head()

    def on_message_begin(self) -> None:
        """Count anew."""
        self._fed_bytes = self._body_bytes = 0
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header or trailer, but not any number of them; a refused request takes none."""
        if len(self.headers) >= MAX_HEADERS:
            self._refuse(Refused(431, self._header_rule()))
            return
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin with the request unless its head is too large."""
        self._in_head = False
        self._stop_head_timer()
        if self._chunk_bytes > self.settings.max_header_bytes:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self.settings.max_header_bytes:
                self._refuse(Refused(431, self._header_rule()))
        if not self._refused:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count it."""
        self._body_bytes += len(body)
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The next thing to come is a head again."""
        if not self._refused:
            self.scope[WHOLE] = True  # type: ignore[literal-required]
            super().on_message_complete()

    def pause_writing(self) -> None:
        """The caller does not read as fast as we write: look after it."""
        super().pause_writing()
        if self._write_timer is None:
            self._unsent_bytes = self.transport.get_write_buffer_size()
            self._write_timer = self.loop.call_later(WRITE_CHECK_SECONDS, self._check_reader)

    def resume_writing(self) -> None:
        """It caught up."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is answered by a problem, too."""
        self._refuse(Refused(400, msg))

    def _check_reader(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        if self._unsent_bytes - unsent < MIN_READ_BYTES:
            self.transport.abort()
            return
        self._unsent_bytes = unsent
        self._write_timer = self.loop.call_later(WRITE_CHECK_SECONDS, self._check_reader)

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(self.settings.header_seconds, self._head_is_late)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if not self._in_head:
            self.transport.close()
        else:
            self._refuse(Refused(408, f"The headers took more than {self.settings.header_seconds:g} s."))

    def _header_rule(self) -> str:
        return f"A request's line and headers have at most {self.settings.max_header_bytes} bytes, {MAX_HEADERS} lines."

    def _refuse(self, error: Exception) -> None:
        if self._refused:
            return
        self._refused = True
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self.transport.close()  # an answer is on its way, or a route waits for a body that will never be right
            return
        problem = problem_of(error, secrets.token_hex(16))
        head = [
            STATUS_LINE[problem.kind.status],
            b"content-type: " + MEDIA_TYPE.encode() + b"\r\n",
            b"content-length: %d\r\n" % len(problem.body),
            *(name + b": " + value + b"\r\n" for name, value in problem.headers),
            b"cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n",
        ]
        self.transport.write(b"".join(head) + problem.body)
        self.transport.close()


def protocol_for(settings: ServerSettings) -> type[BoundedProtocol]:
    """The protocol with these bounds, for `uvicorn.Config(http=…)`."""
    return type("BoundedProtocol", (BoundedProtocol,), {"settings": settings})
