"""One line for each request, written by a thread of its own: no request waits for a terminal or a disk.

A line never has a body, a key, or a query: callers put what they like there.
"""

from __future__ import annotations

import queue
import sys
import threading
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from estudio.server.exchange import Exchange

MAX_WAITING_LINES = 10_000
"""Where the log's reader is slower than that, lines are dropped and counted rather than kept in memory."""
MAX_BATCH_LINES = 200
GATHER_SECONDS = 0.05
"""How long lines are gathered: a thread that wakes for each takes the interpreter from the calls."""
MAX_PATH_CHARACTERS = 200


class RequestLog:
    """Writes lines of JSON (`json`), short ones for people (`text`), or nothing (`none`)."""

    def __init__(self, log_format: str, stream: IO[str] | None = None) -> None:
        self._format = log_format
        self._stream = stream if stream is not None else sys.stderr
        self._lines: queue.Queue[dict[str, object] | None] = queue.Queue(MAX_WAITING_LINES)
        self._dropped = 0
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        if log_format != "none":
            self._thread = threading.Thread(target=self._write, name="request-log", daemon=True)
            self._thread.start()

    def note(self, exchange: Exchange, seconds: float, method: str, path: str) -> None:
        """Write a line about an exchange that has ended; returns at once."""
        if self._thread is None:
            return
        line: dict[str, object] = {
            "time": exchange.wall,
            "request_id": exchange.request_id,
            "trace_id": exchange.trace_id,
            "method": method,
            "path": path[:MAX_PATH_CHARACTERS],
            "status": exchange.status,
            "code": exchange.code,
            "service": exchange.service,
            "version": exchange.version or None,
            "endpoint": exchange.endpoint,
            "key_id": exchange.key_id,
            "seconds": round(seconds, 6),
            "queue_seconds": round(exchange.queue_seconds, 6),
            "bytes_in": exchange.bytes_in,
            "bytes_out": exchange.bytes_out,
        }
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Write what waits, within a moment."""
        if self._thread is not None:
            self._closing.set()
            self._lines.put(None, timeout=1)
            self._thread.join(2)
            self._thread = None

    def _write(self) -> None:
        render = _json_line if self._format == "json" else _text_line
        while True:
            batch = [self._lines.get()]
            if batch[0] is not None:
                self._closing.wait(GATHER_SECONDS)
            while len(batch) < MAX_BATCH_LINES and not self._lines.empty():
                batch.append(self._lines.get())
            text = "".join(render(line) for line in batch if line is not None)
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                text += _json_line({"event": "log-lines-dropped", "lines": dropped})
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):  # the log's reader is gone; calls are still answered
                return
            if None in batch:
                return


def _json_line(line: dict[str, object]) -> str:
    moment = line.get("time")
    if isinstance(moment, float):
        line = {**line, "time": datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")}
    return orjson.dumps({name: value for name, value in line.items() if value not in ("", None)}).decode() + "\n"


def _text_line(line: dict[str, object]) -> str:
    moment = line["time"]
    when = datetime.fromtimestamp(moment if isinstance(moment, float) else 0.0).astimezone().strftime("%H:%M:%S")
    milliseconds = 1000 * float(str(line["seconds"]))
    words = f"{when} {line['status']} {line['method']} {line['path']} {milliseconds:.1f} ms"
    return f"{words} {line['code']} {line['request_id']}".rstrip() + "\n"
