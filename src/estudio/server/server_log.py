"""The server's own words (a worker died, a request failed) as lines on standard error, beside those of requests."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson

MAX_TRACE_CHARACTERS = 8_000


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "process": record.process,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)[-MAX_TRACE_CHARACTERS:]
        return orjson.dumps(line).decode()


def set_up_log(log_format: str) -> None:
    """Send what the server and uvicorn say to standard error; with `none`, errors alone."""
    handler = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        handler.setFormatter(_JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    for name, level in (("estudio.server", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.ERROR if log_format == "none" else level)
