"""Answers in the old system's form: JSON with its dates, and errors that old clients can read.

Every answer of these routes but a file's content is JSON, errors included: the client parses before it looks.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from estudio.errors import (
    AccessDenied,
    EndpointNotFound,
    EstudioError,
    InvalidCall,
    ServiceBusy,
    ServiceNotFound,
)
from estudio.server.problems import Refused, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

CODES = {
    400: "BadArgument",
    401: "Unauthorized",
    404: "NotFound",
    405: "BadArgument",
    408: "RequestTimeout",
    409: "Conflict",
    411: "BadArgument",
    413: "BadArgument",
    415: "BadArgument",
    429: "ServiceUnavailable",
    501: "NotImplemented",
    503: "ServiceUnavailable",
}
"""`error.code` by status; of others, InternalError."""
DETAILS: Mapping[type[EstudioError], str] = {
    AccessDenied: "ManagementRequestUnauthorized",
    ServiceNotFound: "WebServiceNotFound",
    EndpointNotFound: "WebServiceNotFound",
    InvalidCall: "RequestBodyInvalid",
    ServiceBusy: "TooManyConcurrentRequests",
}
"""The old system's detail codes, where it had one; otherwise our own code."""
TICKS_AT_EPOCH = 621_355_968_000_000_000
"""Of .NET: units of 100 ns since the year 1."""


def json_answer(body: object, status: int = 200) -> Response:
    """An answer with this body, in ASCII: Python 2 cannot print the client's errors otherwise."""
    return Response(json.dumps(body).encode("ascii"), status, media_type="application/json")


def date(seconds: float) -> str:
    """Seconds since the epoch as the old system wrote times: `/Date(1418444668177)/`."""
    return f"/Date({max(0, round(seconds * 1000))})/"


def iso_time(seconds: float) -> str:
    """Seconds since the epoch as the management host wrote times: `2015-06-30T08:00:00.123Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ticks(seconds: float) -> int:
    """Seconds since the epoch as .NET counts."""
    return TICKS_AT_EPOCH + round(seconds * 1000) * 10_000


def error_body(code: str, message: str, details: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"code": code, "message": message, "details": details or []}}


def error_answer(error: EstudioError | Refused) -> Response:
    """The answer for an error: its words stand in the message, which the client shows, and in the detail."""
    if isinstance(error, Refused):
        return _answer(error.kind.status, error.kind.code, error.detail)
    kind = kind_of(error)
    words = error.message if kind.status < 500 or isinstance(error, ServiceBusy) else kind.title + "."
    detail = next((DETAILS[cls] for cls in type(error).__mro__ if cls in DETAILS), error.code)
    answer = _answer(kind.status, detail, words)
    if kind.status in (429, 503):
        seconds = error.facts.get("retry_after_seconds")
        answer.headers["retry-after"] = str(max(1, round(seconds)) if isinstance(seconds, int | float) else 1)
    return answer


def _answer(status: int, detail: str, words: str) -> Response:
    code = CODES.get(status, "InternalError")
    return json_answer(error_body(code, words, [{"code": detail, "target": "", "message": words}]), status)
