"""What an error is on the modern face: a status, a code and a problem document (RFC 9457); one table for all errors.

The old face has a table of its own in `server.classic`. A code never changes its meaning; its type is a page.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import orjson

from estudio import errors
from estudio.core.outcome import ScriptState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.errors import EstudioError
    from estudio.services.calling import ModuleFailure

MEDIA_TYPE = "application/problem+json"
MAX_PROBLEMS = 50
"""Places that one answer names; a caller mends the first few, and the rest are mostly the same."""
MAX_TRACEBACK_CHARACTERS = 16_384


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem: its status, its code (the end of its type), a title and what to do about it."""

    status: int
    code: str
    title: str
    advice: str


def _kind(status: int, code: str, title: str, advice: str) -> ProblemKind:
    return ProblemKind(status, code, title, advice)


INVALID_CALL = {
    "schema": _kind(400, "invalid-call", "The call does not fit the service",
                    "Compare `errors` with the service's OpenAPI document."),
    "syntax": _kind(400, "invalid-body", "The body cannot be read", "Send what Content-Type says, whole."),
    "too-large": _kind(413, "body-too-large", "The body is too large", "Send fewer rows, or make a job of it."),
    "media-type": _kind(415, "media-type-not-supported", "The media type is not supported",
                        "Send JSON, CSV, an Arrow stream or Parquet, and say which in Content-Type."),
    "encoding": _kind(415, "encoding-not-supported", "The encoding is not supported", "Send UTF-8, plain or gzip."),
    "not-acceptable": _kind(406, "not-acceptable", "None of the media types in Accept can be given",
                            "Accept JSON; a service with one output can give CSV, Arrow and Parquet, too."),
    "timeout": _kind(408, "body-too-slow", "The body came too slowly", "Send it faster, or less of it."),
    "length": _kind(411, "length-required", "The body's length is missing", "Send Content-Length, or chunks."),
}  # fmt: skip
"""By `InvalidCall.kind`."""

ERRORS: Mapping[type[EstudioError], ProblemKind] = {
    errors.EstudioError: _kind(500, "internal-error", "The server failed", "Tell whoever runs it the request id."),
    errors.InvalidUsage: _kind(400, "invalid-usage", "A value of the request cannot be", "Read `detail`."),
    errors.InvalidInput: _kind(400, "invalid-input", "Something that was sent cannot be read", "Read `detail`."),
    errors.NotFound: _kind(404, "not-found", "There is nothing at this address", "Check the names in the address."),
    errors.ServiceNotFound: _kind(404, "service-not-found", "There is no such web service", "Check its name."),
    errors.VersionNotFound: _kind(404, "version-not-found", "There is no such version", "Check its number."),
    errors.EndpointNotFound: _kind(404, "endpoint-not-found", "There is no such endpoint", "Check its name."),
    errors.JobNotFound: _kind(404, "job-not-found", "There is no such job", "It may have expired."),
    errors.InvalidCall: INVALID_CALL["schema"],
    errors.AccessDenied: _kind(401, "access-denied", "A valid key is needed",
                               "Send `Authorization: Bearer KEY` with a key of this endpoint."),
    errors.ServiceBusy: _kind(503, "service-busy", "The server cannot take this call now",
                              "Try again after the seconds of Retry-After."),
    errors.ServiceThrottled: _kind(503, "service-throttled", "The endpoint has as many calls in flight as it allows",
                                   "Try again after the seconds of Retry-After, or raise the endpoint's limit."),
    errors.RateLimited: _kind(429, "rate-limited", "The key's calls of this minute are used up",
                              "Try again after the seconds of Retry-After."),
    errors.OutputFailed: _kind(500, "output-failed", "A result could not be written", "Tell whoever runs the server."),
    errors.StoreFailed: _kind(500, "store-failed", "The server's store failed", "Tell whoever runs the server."),
    errors.StoreDiskFull: _kind(507, "store-disk-full", "The server's disk is full", "Tell whoever runs the server."),
    errors.StoreLocked: _kind(503, "store-locked", "The server's store is busy", "Try again in a few seconds."),
    errors.StateConflict: _kind(409, "state-conflict", "The state does not allow this", "Look at the state first."),
    errors.EnvironmentFailed: _kind(503, "environment-failed", "The service's environment cannot be had",
                                    "Tell whoever runs the server; `estudio env build` shows why."),
    errors.SandboxUnavailable: _kind(503, "sandbox-unavailable", "The machine gives no walls for scripts",
                                     "Tell whoever runs the server; `estudio doctor` shows why."),
    errors.SandboxBroken: _kind(502, "sandbox-broken", "The process that did this call was lost",
                                "Try again; only this call is affected."),
}  # fmt: skip
"""By class; a class that is not here is as its parent."""

FAILURES: Mapping[ScriptState, ProblemKind] = {
    ScriptState.FAILED: _kind(422, "module-failed", "A script of the service raised an error",
                              "Mend the data that was sent, or the script; the same call fails again."),
    ScriptState.TIMED_OUT: _kind(504, "module-timed-out", "A script took longer than it may",
                                 "Send fewer rows, make a job of it, or raise the endpoint's timeout."),
    ScriptState.OUT_OF_MEMORY: _kind(507, "module-out-of-memory", "A script needed more memory than it may have",
                                     "Send fewer rows, or raise the endpoint's memory."),
    ScriptState.OUTPUT_TOO_LARGE: _kind(507, "module-output-too-large", "A script gave or printed more than it may",
                                        "Send fewer rows, or print less."),
    ScriptState.KILLED: _kind(422, "module-killed", "A script's process died",
                              "Compiled code crashed, or did what the walls forbid; the same call fails again."),
    ScriptState.CANCELLED: _kind(503, "call-cancelled", "The call was cancelled", "Call again if it is still wanted."),
}  # fmt: skip
"""By how the module ended that failed."""

ROUTING: Mapping[int, ProblemKind] = {
    400: _kind(400, "bad-request", "The request cannot be understood", "Check address, headers and body."),
    404: ERRORS[errors.NotFound],
    405: _kind(405, "method-not-allowed", "The address does not take this method", "`Allow` names those it takes."),
    408: _kind(408, "request-too-slow", "The request came too slowly", "Send it faster."),
    421: _kind(421, "misdirected-request", "The request was meant for another server", "Check the host."),
    422: _kind(422, "idempotency-key-reused", "The Idempotency-Key was used for another body",
               "Make a new key for each different call."),
    409: _kind(409, "idempotency-key-in-use", "A call with this Idempotency-Key is being answered",
               "Wait for it, then ask again with the same key."),
    431: _kind(431, "headers-too-large", "The headers are too large", "Send shorter ones."),
    501: _kind(501, "not-implemented", "The server cannot do this", "See the server's OpenAPI document."),
}  # fmt: skip
"""Problems that are no error of the tree, by status: of addresses, methods, headers."""

INTERNAL = ERRORS[errors.EstudioError]


def all_kinds() -> dict[str, ProblemKind]:
    """Every kind by its code, for the pages and the documentation."""
    tables = (INVALID_CALL.values(), ERRORS.values(), FAILURES.values(), ROUTING.values())
    return {kind.code: kind for table in tables for kind in table}


def kind_of(error: EstudioError) -> ProblemKind:
    """The kind of any error of the tree."""
    if isinstance(error, errors.InvalidCall):
        return INVALID_CALL.get(error.kind, INVALID_CALL["schema"])
    return next(ERRORS[cls] for cls in type(error).__mro__ if cls in ERRORS)


class Refused(Exception):
    """A request that cannot be answered for a reason outside of the tree: `ROUTING`'s kinds."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.kind = ROUTING[status]
        self.detail = detail
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document, ready to be sent."""

    kind: ProblemKind
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    detail: str


def problem_of(error: Exception, request_id: str, type_prefix: str = "") -> Problem:
    """The problem of an error of the tree, or of a `Refused`; anything else is an internal error without words."""
    if isinstance(error, Refused):
        extra = tuple((name.lower().encode(), value.encode()) for name, value in error.headers.items())
        return _problem(error.kind, error.detail, request_id, type_prefix, {}, extra)
    if not isinstance(error, errors.EstudioError):
        return _problem(INTERNAL, "The server failed in a way it does not know.", request_id, type_prefix, {}, ())
    kind = kind_of(error)
    members: dict[str, object] = {}
    if isinstance(error, errors.InvalidCall) and error.problems:
        members["errors"] = [_place(each) for each in error.problems[:MAX_PROBLEMS]]
        members["error_count"] = len(error.problems)
    told = kind.status < 500 or isinstance(error, errors.ServiceBusy)
    detail = error.message if told else f"{kind.title}. {kind.advice}"
    return _problem(kind, detail, request_id, type_prefix, members, _headers(error, kind))


def problem_of_failure(failure: ModuleFailure, request_id: str, type_prefix: str, *, expose: bool) -> Problem:
    """The problem of a module that failed; without `expose` its script's words and lines stay here."""
    kind = FAILURES[failure.state]
    if not expose:
        return _problem(kind, kind.title + ".", request_id, type_prefix, {}, _retry(kind))
    members = {
        "module": failure.module,
        "module_title": failure.title,
        "error_code": failure.error.code,
        "line": failure.error.line,
        "traceback": failure.error.traceback[-MAX_TRACEBACK_CHARACTERS:],
    }
    return _problem(kind, failure.error.message, request_id, type_prefix, members, _retry(kind))


def _problem(
    kind: ProblemKind,
    detail: str,
    request_id: str,
    type_prefix: str,
    members: Mapping[str, object],
    headers: tuple[tuple[bytes, bytes], ...],
) -> Problem:
    document = {
        "type": f"{type_prefix}/problems/{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": f"urn:estudio:request:{request_id}",
        "code": kind.code,
        "request_id": request_id,
        **members,
    }
    return Problem(kind, orjson.dumps(document), headers, detail)


def _place(problem: errors.CallProblem) -> dict[str, object]:
    facts = asdict(problem)
    facts["detail"] = facts.pop("message")
    return {name: value for name, value in facts.items() if value is not None}


def _headers(error: EstudioError, kind: ProblemKind) -> tuple[tuple[bytes, bytes], ...]:
    if kind.status == 401:
        return ((b"www-authenticate", b'Bearer realm="estudio"'),)
    if kind.status in (429, 503):
        seconds = error.facts.get("retry_after_seconds")
        return _retry(kind, max(1, round(seconds)) if isinstance(seconds, int | float) else 1)
    return ()


def _retry(kind: ProblemKind, seconds: int = 1) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"retry-after", b"%d" % seconds),) if kind.status in (429, 503) else ()
