"""Keeps workers alive: starts them, starts a dead one anew within a second, passes a stop on, and waits.

The supervisor holds the listening sockets, so that connections wait in their queue while no worker takes them; it
answers no request itself and imports nothing that could crash it.
"""

from __future__ import annotations

import json
import logging
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.errors import EstudioError
from estudio.server.metrics import forget_gauges

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from estudio.server.worker import WorkerOrder

SOUND_SECONDS = 5.0
"""A worker that lived so long is started again at once; one that died sooner, after a pause that doubles."""
FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 5.0
STOP_SECONDS = 15.0
"""Beyond the drain: for closing guests and flushing; then a worker is killed."""
TICK_SECONDS = 0.2
MAX_MESSAGE_BYTES = 65_536

logger = logging.getLogger("estudio.server")


@dataclass(slots=True)
class _Worker:
    """A worker's process; `said` is what it sent last."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    started: float
    said: bytes = b""


class Supervisor:
    """The workers of one server."""

    def __init__(
        self, order: WorkerOrder, count: int, on_ready: Callable[[], None], close_listener: Callable[[], None]
    ) -> None:
        self._order = order
        self._on_ready = on_ready
        self._close_listener = close_listener
        self._workers: dict[int, _Worker] = {}
        self._waiting = dict.fromkeys(range(count), 0.0)
        self._failures = dict.fromkeys(range(count), 0)
        self._selector = selectors.DefaultSelector()
        self._unready = set(range(count))
        self._signals = 0

    def run(self) -> None:
        """Serve until a signal. Raises the error of a worker that could not even begin."""
        previous = {each: signal.signal(each, self._on_signal) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self._signals:
                self._start_due()
                self._listen(TICK_SECONDS)
                self._collect()
        finally:
            self._stop()
            for number, handler in previous.items():
                signal.signal(number, handler)
            self._selector.close()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._signals += 1

    def _start_due(self) -> None:
        now = time.monotonic()
        for number, due in list(self._waiting.items()):
            if due <= now:
                del self._waiting[number]
                self._start(number)

    def _start(self, number: int) -> None:
        if self._order.metrics:
            forget_gauges(Path(self._order.metrics), number)
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "estudio.server.worker", str(theirs.fileno())],
                pass_fds=(theirs.fileno(), *self._order.listeners),
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # a terminal's Ctrl-C is passed on by us, once
            )
        worker = self._workers[number] = _Worker(process, ours, time.monotonic())
        self._selector.register(ours, selectors.EVENT_READ, number)
        try:
            ours.sendall(replace(self._order, number=number).to_json() + b"\n")
        except OSError:
            logger.warning("worker %d died before it had its orders", process.pid)
        del worker

    def _listen(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            worker = self._workers[key.data]
            data = _receive(worker.control)
            if not data:
                self._selector.unregister(worker.control)
                continue
            worker.said = (worker.said + data)[-MAX_MESSAGE_BYTES:]
            if worker.said == b'{"ready": true}\n':
                self._is_ready(key.data)

    def _is_ready(self, number: int) -> None:
        was_waiting = bool(self._unready)
        self._unready.discard(number)
        if was_waiting and not self._unready:
            self._on_ready()

    def _collect(self) -> None:
        for number, worker in list(self._workers.items()):
            status = worker.process.poll()
            if status is None:
                continue
            self._forget(number)
            if number in self._unready:
                raise _error_of(worker.said, status)
            lived = time.monotonic() - worker.started
            self._failures[number] = 0 if lived >= SOUND_SECONDS else self._failures[number] + 1
            pause = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self._failures[number], 10))
            self._waiting[number] = time.monotonic() + (pause if self._failures[number] > 1 else 0.0)
            logger.warning("worker %d ended with status %d; another one is started", worker.process.pid, status)

    def _forget(self, number: int) -> None:
        worker = self._workers.pop(number)
        if worker.control in self._selector.get_map():
            self._selector.unregister(worker.control)
        worker.control.close()

    def _stop(self) -> None:
        self._close_listener()  # while anybody holds it, new connections would wait for an answer that never comes
        for worker in self._workers.values():
            worker.process.terminate()
        deadline = time.monotonic() + self._order.settings.drain_seconds + STOP_SECONDS
        passed_on = self._signals
        while any(worker.process.poll() is None for worker in self._workers.values()) and time.monotonic() < deadline:
            if self._signals > max(1, passed_on):
                passed_on = self._signals
                deadline = min(deadline, time.monotonic() + 2.0)
                for worker in self._workers.values():
                    worker.process.terminate()
            time.sleep(TICK_SECONDS / 4)
        for number, worker in list(self._workers.items()):
            worker.process.kill()
            worker.process.wait()
            self._forget(number)


def _receive(control: socket.socket) -> bytes:
    try:
        return control.recv(4096)
    except ConnectionError:
        return b""


def _error_of(said: bytes, status: int) -> EstudioError:
    """The error that a worker told before it ended."""
    try:
        document = json.loads(said)
        code, message = str(document["code"]), str(document["message"])
    except (ValueError, KeyError, TypeError):
        return EstudioError(f"A worker process ended with status {status} before it served anything; see its output.")
    return next((kind for kind in _kinds(EstudioError) if kind.code == code), EstudioError)(message)


def _kinds(kind: type[EstudioError]) -> list[type[EstudioError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in _kinds(child))]
