"""One message to a service guest and its answer, over one socket and one log pipe.

Everything that comes back is bounded and believed only as far as it was checked; the kinds of messages are described in
`guest/service.py`.
"""

from __future__ import annotations

import array
import contextlib
import os
import select
import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.sandbox.guests import MAX_REPORT_BYTES, CallFacts, ResultFile, parse_report

if TYPE_CHECKING:
    from collections.abc import Callable

CALL = struct.Struct("=QIII")
ANSWER = struct.Struct("=QIQ")
INLINE_BYTES = 64 * 1024
"""Tables up to here travel in the message and in the answer; above, a file is cheaper than copies."""
STALE_READS = 64
"""Reads of what a worker printed after its last answer; a thread that never stops printing must not hold a call."""
LOG_READ_BYTES = 65536


@dataclass(slots=True)
class ServiceFacts(CallFacts):
    """What was observed of one call of a service. Whoever gets it closes `result`.

    Attributes:
        payload: the result in line.
        result: the file with the result, where it is a large one.
        unbegun: the guest was gone before it had the call.
    """

    payload: bytes = b""
    result: ResultFile | None = None
    unbegun: bool = False

    @property
    def interrupted(self) -> bool:
        """Whether the host ended the call."""
        return self.timed_out or self.cancelled or self.log_overflow or self.broken_report is not None


@dataclass(frozen=True, slots=True)
class Line:
    """A socket and a log pipe of a guest, or of one child of it."""

    connection: socket.socket
    log: int

    def close(self) -> None:
        """Let go of both."""
        self.connection.close()
        os.close(self.log)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one exchange may take, and what ends it early: `cancel` is an eventfd."""

    timeout_seconds: float
    log_bytes: int
    output_bytes: int
    cancel: int
    on_output: Callable[[bytes], None] | None = None


@dataclass(frozen=True, slots=True)
class ServiceMessage:
    """One call: its description as JSON, tables in line, descriptors of those that are not."""

    job: bytes
    payload: bytes = b""
    descriptors: tuple[int, ...] = ()


class Exchange:
    """Sends one message and follows log and answer, to the end, the deadline, a bound, or a cancel."""

    def __init__(self, line: Line, number: int, bounds: Bounds) -> None:
        self.facts = ServiceFacts()
        self._line = line
        self._number = number
        self._bounds = bounds
        self._answer = bytearray()

    def hold(self, send: Callable[[socket.socket], None]) -> ServiceFacts:
        """Let `send` send the message, and follow what comes of it."""
        facts, connection = self.facts, self._line.connection
        facts.sent_at = time.time()
        deadline = time.monotonic() + self._bounds.timeout_seconds
        connection.settimeout(self._bounds.timeout_seconds)
        try:
            send(connection)
        except TimeoutError:
            facts.timed_out = True
        except OSError:
            facts.unbegun = True  # the other side had not read all of it, so it has done nothing
        else:
            self._follow(deadline)
        facts.answered_at = time.time()
        self._read_log()
        return facts

    def send(self, message: ServiceMessage) -> ServiceFacts:
        """Hold a call."""
        header = CALL.pack(self._number, len(message.job), len(message.payload), len(message.descriptors))

        def send(connection: socket.socket) -> None:
            connection.sendall(header + message.job + message.payload)
            if message.descriptors:
                _send_descriptors(connection, message.descriptors)

        return self.hold(send)

    def discard_stale(self) -> bool:
        """Forget what was printed since the last answer: it belongs to no call. False where more was answered."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(STALE_READS):
                if not os.read(self._line.log, LOG_READ_BYTES):
                    break
        self._line.connection.setblocking(False)
        try:
            self._line.connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def _follow(self, deadline: float) -> None:
        facts, line = self.facts, self._line
        line.connection.setblocking(False)
        connection, log, cancel = line.connection.fileno(), line.log, self._bounds.cancel
        poll = select.poll()
        for descriptor in (connection, log, cancel):
            poll.register(descriptor, select.POLLIN)
        while True:
            left = deadline - time.monotonic()
            ready = dict(poll.poll(max(0, int(left * 1000) + 1))) if left > 0 else {}
            if not ready:
                facts.timed_out = True
                return
            if cancel in ready:
                facts.cancelled = True
                return
            if log in ready and not self._read_log():
                poll.unregister(log)
            if facts.log_overflow or (connection in ready and self._read_answer()):
                return

    def _read_log(self) -> bool:
        """Take what was printed. False when nobody holds the other end any more."""
        facts = self.facts
        while True:
            try:
                part = os.read(self._line.log, LOG_READ_BYTES)
            except BlockingIOError:
                return True
            if not part:
                return False
            room = self._bounds.log_bytes - len(facts.log)
            facts.log_overflow = facts.log_overflow or len(part) > room
            facts.log += part[:room]
            if self._bounds.on_output is not None and room:
                self._bounds.on_output(part[:room])
            if facts.log_overflow:
                return True

    def _read_answer(self) -> bool:
        """Take what was answered. True when there is nothing more to wait for."""
        try:
            part = self._line.connection.recv(1 << 20)
        except BlockingIOError:
            return False
        except OSError:
            part = b""
        if not part:
            return True
        self._answer += part
        if len(self._answer) < ANSWER.size:
            return False
        number, report_bytes, payload_bytes = ANSWER.unpack_from(self._answer)
        if number != self._number or report_bytes > MAX_REPORT_BYTES or payload_bytes > INLINE_BYTES:
            return self._broken("an answer to another call, or one that is too large")
        whole = ANSWER.size + report_bytes + payload_bytes
        if len(self._answer) < whole:
            return False
        return self._take(ANSWER.size, ANSWER.size + report_bytes, whole)

    def _take(self, begin: int, middle: int, end: int) -> bool:
        facts = self.facts
        report, broken = parse_report(bytes(self._answer[begin:middle]))
        if report is None or len(self._answer) > end:
            return self._broken(broken or "more than one answer")
        if "room" in report:
            self._answer.clear()
            return self._give_room(report["room"])
        facts.report, facts.payload = report, bytes(self._answer[middle:end])
        return True

    def _give_room(self, wanted: object) -> bool:
        """Hand over a file for a result that is too large for the answer."""
        is_size = isinstance(wanted, int) and not isinstance(wanted, bool)
        if not isinstance(wanted, int) or not is_size or not 0 < wanted <= self._bounds.output_bytes:
            return self._broken("a result that is larger than allowed")
        if self.facts.result is not None:
            return self._broken("a second result")
        self.facts.result = ResultFile(wanted)
        try:
            _send_descriptors(self._line.connection, (self.facts.result.descriptor,))
        except OSError:
            return True  # it ended meanwhile: its status says how
        return False

    def _broken(self, what: str) -> bool:
        self.facts.broken_report = what
        return True


def _send_descriptors(connection: socket.socket, descriptors: tuple[int, ...]) -> None:
    connection.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])
