"""One message and its answer, with a guest that says anything at all: bounded, checked, never believed."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from estudio.sandbox.service_exchange import (
    ANSWER,
    CALL,
    INLINE_BYTES,
    Bounds,
    Exchange,
    Line,
    ServiceFacts,
    ServiceMessage,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPORT = {"state": "finished"}
MESSAGE = ServiceMessage(b'{"inputs": []}', b"table bytes")


class Room:
    """Both ends of a line, and the bounds of an exchange on it."""

    def __init__(self) -> None:
        ours, self.guest = socket.socketpair()
        log, self.print_to = os.pipe()
        os.set_blocking(log, False)
        self.line = Line(ours, log)
        self.cancel = os.eventfd(0)

    def exchange(
        self, behave: Callable[[socket.socket], None], *, number: int = 5, seconds: float = 5.0
    ) -> ServiceFacts:
        """What comes of a call to a guest that behaves like this."""
        thread = threading.Thread(target=behave, args=(self.guest,))
        thread.start()
        bounds = Bounds(seconds, log_bytes=100, output_bytes=1 << 20, cancel=self.cancel)
        try:
            return Exchange(self.line, number, bounds).send(MESSAGE)
        finally:
            thread.join()

    def close(self) -> None:
        """Let go of everything."""
        self.line.close()
        with contextlib.suppress(OSError):
            self.guest.close()
        os.close(self.print_to)
        os.close(self.cancel)


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    made.close()


def answer(report: Any, payload: bytes = b"", number: int = 5) -> bytes:
    """The bytes of an answer."""
    text = report if isinstance(report, bytes) else json.dumps(report).encode()
    return ANSWER.pack(number, len(text), len(payload)) + text + payload


def test_the_message_arrives_and_the_answer_is_taken(room: Room) -> None:
    seen: list[bytes] = []

    def behave(guest: socket.socket) -> None:
        seen.append(guest.recv(1 << 16))
        os.write(room.print_to, b"said")
        for piece in (answer(REPORT, b"result")[:7], answer(REPORT, b"result")[7:]):
            guest.sendall(piece)

    facts = room.exchange(behave)
    assert seen == [CALL.pack(5, 14, 11, 0) + b'{"inputs": []}' + b"table bytes"]
    assert (facts.report, facts.payload, bytes(facts.log)) == (REPORT, b"result", b"said")
    assert not facts.interrupted


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (answer(REPORT, number=4), "another call"),
        (answer(REPORT, number=6), "another call"),
        (answer(REPORT) + b"more", "more than one"),
        (answer([1]), "no object"),
        (answer(b"{"), "no JSON"),
        (answer({"room": 0}), "larger than allowed"),
        (answer({"room": (1 << 20) + 1}), "larger than allowed"),
        (answer({"room": True}), "larger than allowed"),
        (answer({"room": "x"}), "larger than allowed"),
        (ANSWER.pack(5, 1 << 31, 0), "too large"),
        (ANSWER.pack(5, 2, INLINE_BYTES + 1), "too large"),
        (b"\xff" * 100, "another call"),
    ],
)
def test_a_wrong_answer_is_told_as_that(room: Room, said: bytes, words: str) -> None:
    facts = room.exchange(lambda guest: guest.sendall(said))
    assert facts.report is None
    assert facts.broken_report is not None
    assert words in facts.broken_report
    assert facts.interrupted


def test_a_large_result_gets_a_file_of_its_size_once(room: Room) -> None:
    def behave(guest: socket.socket) -> None:
        guest.recv(1 << 16)
        guest.sendall(answer({"room": 70_000}))
        _, descriptors, _, _ = socket.recv_fds(guest, 1, 4)
        assert os.fstat(descriptors[0]).st_size == 70_000
        os.pwrite(descriptors[0], b"x" * 70_000, 0)
        os.close(descriptors[0])
        guest.sendall(answer(REPORT))

    facts = room.exchange(behave)
    assert facts.report == REPORT
    assert facts.result is not None
    assert bytes(facts.result.map(70_000)[-2:]) == b"xx"
    facts.result.close()


def test_a_second_file_is_refused(room: Room) -> None:
    def behave(guest: socket.socket) -> None:
        guest.recv(1 << 16)
        guest.sendall(answer({"room": 10}))
        os.close(socket.recv_fds(guest, 1, 4)[1][0])
        guest.sendall(answer({"room": 10}))

    facts = room.exchange(behave)
    assert facts.broken_report == "a second result"
    assert facts.result is not None
    facts.result.close()


def test_an_end_a_silence_and_a_cancel_are_told_apart(room: Room) -> None:
    facts = room.exchange(lambda _: None, seconds=0.05)
    assert facts.timed_out
    os.eventfd_write(room.cancel, 1)
    assert room.exchange(lambda _: None).cancelled
    os.eventfd_read(room.cancel)
    facts = room.exchange(lambda guest: guest.shutdown(socket.SHUT_WR))
    assert (facts.report, facts.interrupted, facts.unbegun) == (None, False, False)
    room.guest.close()
    assert room.exchange(lambda _: None).unbegun


def test_what_is_printed_is_bounded(room: Room) -> None:
    def behave(guest: socket.socket) -> None:
        os.write(room.print_to, b"x" * 101)
        guest.sendall(answer(REPORT))

    facts = room.exchange(behave)
    assert facts.log_overflow
    assert facts.log == b"x" * 100


def test_stale_words_are_forgotten_and_a_stale_answer_condemns(room: Room) -> None:
    bounds = Bounds(1.0, 100, 100, room.cancel)
    os.write(room.print_to, b"stale")
    assert Exchange(room.line, 6, bounds).discard_stale()
    with pytest.raises(BlockingIOError):
        os.read(room.line.log, 10)
    room.guest.sendall(b"x")
    assert not Exchange(room.line, 7, bounds).discard_stale()
