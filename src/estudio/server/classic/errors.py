"""From our errors to the old system's: status, class, detail codes, targets and sentences, in one table.

The first detail is always the old system's own, since old clients show `details[0]`; what we know beyond its sentence
follows as further details, with codes of ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import orjson

from estudio import errors as ours
from estudio.core.limits import MIB
from estudio.core.outcome import ScriptState
from estudio.server.classic import catalogue as old

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estudio.core.service import Endpoint
    from estudio.errors import CallProblem, EstudioError, InvalidCall
    from estudio.server.classic.catalogue import ErrorClass
    from estudio.services.calling import ModuleFailure

MAX_DETAILS = 20
"""Details in one answer; a body can be wrong in a million places."""
MAX_DETAIL_CHARACTERS = 64_000
"""Of a module's whole error text: a long traceback, not a flood."""
MAX_WORDS_CHARACTERS = 2_000
"""Of words from outside put into a sentence."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One of `error.details`. `target` is left out of the body where it is ""."""

    code: str
    message: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class ClassicError:
    """A whole answer. `status` is the class's own but for bodies that are refused unread."""

    kind: ErrorClass
    status: int
    details: tuple[Detail, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """The JSON that old clients read."""
        details = [
            {"code": each.code, **({"target": each.target} if each.target else {}), "message": each.message}
            for each in self.details[:MAX_DETAILS]
        ]
        return orjson.dumps({"error": {"code": self.kind.code, "message": self.kind.message, "details": details}})


class ClassicRefusal(Exception):
    """Raised where a rule of the old wire is broken that the rest of estudio does not know; holds its answer."""

    def __init__(self, answer: ClassicError) -> None:
        super().__init__(answer.details[0].message if answer.details else answer.kind.message)
        self.answer = answer


def classic_error(kind: ErrorClass, code: str = "", *words: str, target: str = "") -> ClassicError:
    """An error of the catalogue.

    Args:
        kind: its class.
        code: of the detail; "" for none. It must be one of the class's.
        words: put in for `{0}` and `{1}`.
        target: what it is about.
    """
    if not code:
        return ClassicError(kind, kind.status)
    message = kind.sentences[code]
    for number, word in enumerate(words):
        message = message.replace(f"{{{number}}}", word[:MAX_WORDS_CHARACTERS])
    return ClassicError(kind, kind.status, (Detail(code, message, target),))


def refuse(kind: ErrorClass, code: str, *words: str, target: str = "", more: str = "") -> ClassicRefusal:
    """The same to be raised; `more` says what the sentence leaves open, and what to do, in a detail of its own."""
    answer = classic_error(kind, code, *words, target=target)
    return ClassicRefusal(with_more(answer, more) if more else answer)


def with_more(answer: ClassicError, message: str, code: str = "Explanation", target: str = "") -> ClassicError:
    """Add a detail of ours behind the old system's."""
    extra = Detail(code, message[:MAX_WORDS_CHARACTERS], target)
    return replace(answer, details=(*answer.details, extra))


def answer_to(error: EstudioError | ClassicRefusal, endpoint: Endpoint | None = None) -> ClassicError:
    """What an old client is told of an error of ours. The endpoint is the one that was called, where it is known."""
    if isinstance(error, ClassicRefusal):
        return error.answer
    if isinstance(error, ours.InvalidCall):
        return _invalid_call(error)
    if isinstance(error, ours.ServiceBusy):
        return _busy(error, endpoint)
    kind, code = next(TABLE[each] for each in type(error).__mro__ if each in TABLE)
    answer = classic_error(kind, code)
    if kind is old.INTERNAL_ERROR:
        return replace(answer, details=(Detail(code, answer.details[0].message or _INTERNAL_WORDS),))
    return answer if kind in (old.UNAUTHORIZED, old.NOT_FOUND) else with_more(answer, error.message, error.code)


TABLE: Mapping[type[ours.EstudioError], tuple[ErrorClass, str]] = {
    ours.EstudioError: (old.INTERNAL_ERROR, "UnknownError"),
    ours.InvalidUsage: (old.BAD_ARGUMENT, "RequestBodyInvalid"),
    ours.InvalidInput: (old.BAD_ARGUMENT, "RequestBodyInvalid"),
    ours.InvalidDataset: (old.BAD_USER_ARGUMENT, "InputMismatchError"),
    ours.NotFound: (old.NOT_FOUND, "WebServiceNotFound"),
    ours.JobNotFound: (old.BAD_ARGUMENT, "MissingJobId"),
    ours.AccessDenied: (old.UNAUTHORIZED, "ScoreRequestUnauthorized"),
    ours.OutputFailed: (old.INTERNAL_ERROR, "OutputConversionFailed"),
    ours.StateConflict: (old.CONFLICT, ""),
    ours.ObjectMissing: (old.INTERNAL_ERROR, "ResourceLoadFailed"),
    ours.ObjectDamaged: (old.INTERNAL_ERROR, "ResourceLoadFailed"),
    ours.EnvironmentFailed: (old.INTERNAL_ERROR, "ResourceLoadFailed"),
    ours.SandboxUnavailable: (old.INTERNAL_ERROR, "WorkerUnreachable"),
    ours.SandboxBroken: (old.INTERNAL_ERROR, "ContainerProcessTerminatedWithSystemError"),
}
"""By class of ours, the nearest one above it where it has no line. InvalidCall and ServiceBusy have more than one."""

_INTERNAL_WORDS = "The server failed; whoever runs it finds why by the request id."
"""Our own failures have paths and names in their words, which are not the caller's."""

_BODY_STATUS = {"too-large": 413, "media-type": 415, "length": 411}
"""Bodies that are refused unread; the old system's own numbers for these are not known. The others are 400."""

_PROBLEM_CODES: Mapping[str, tuple[ErrorClass, str]] = {
    "wrong-body": (old.BAD_ARGUMENT, "RequestBodyInvalid"),
    "missing-input": (old.BAD_ARGUMENT, "MissingRequestInput"),
    "unknown-input": (old.BAD_ARGUMENT, "InvalidInputNames"),
    "missing-parameter": (old.BAD_ARGUMENT, "MissingRequiredGlobalParameters"),
    "unknown-parameter": (old.BAD_ARGUMENT, "UnexpectedParameter"),
    "wrong-parameter": (old.BAD_ARGUMENT, "BadParameterValue"),
    "missing-column": (old.BAD_USER_ARGUMENT, "InputMismatchError"),
    "unknown-column": (old.BAD_USER_ARGUMENT, "InputMismatchError"),
    "duplicate-column": (old.BAD_USER_ARGUMENT, "InputMismatchError"),
    "wrong-shape": (old.BAD_USER_ARGUMENT, "InputParseError"),
    "wrong-type": (old.BAD_USER_ARGUMENT, "InputParseError"),
}
"""By code of CallProblem. A call with several kinds of problems is answered by the first of this order."""


def _invalid_call(error: InvalidCall) -> ClassicError:
    if error.kind == "timeout":
        return with_more(classic_error(old.REQUEST_TIMEOUT, "ScoreRequestTimeout"), error.message, error.code)
    if error.kind == "schema" and error.problems:
        return _problems(error.problems)
    answer = with_more(classic_error(old.BAD_ARGUMENT, "RequestBodyInvalid"), error.message, error.code)
    return replace(answer, status=_BODY_STATUS.get(error.kind, 400))


def _problems(problems: Sequence[CallProblem]) -> ClassicError:
    ranks = {code: rank for rank, code in enumerate(_PROBLEM_CODES)}
    first = min(problems, key=lambda problem: ranks.get(problem.code, len(ranks)))
    kind, code = _PROBLEM_CODES.get(first.code, (old.BAD_ARGUMENT, "RequestBodyInvalid"))
    alike = [each for each in problems if _PROBLEM_CODES.get(each.code) == (kind, code)]
    if code == "InvalidInputNames":
        return classic_error(kind, code, ", ".join(each.input or "" for each in alike))
    if code == "InputParseError":
        words = " ".join(each.message for each in alike[:MAX_DETAILS]).removesuffix(".")
        return classic_error(kind, code, words, target=_input_of(alike))
    answer = classic_error(kind, code)
    for each in problems[: MAX_DETAILS - 1]:
        answer = with_more(answer, each.message, each.code, each.pointer)
    return answer


def _input_of(problems: Sequence[CallProblem]) -> str:
    names = {each.input for each in problems}
    return (names.pop() or "") if len(names) == 1 else ""


def _busy(error: ours.ServiceBusy, endpoint: Endpoint | None) -> ClassicError:
    seconds = error.facts.get("retry_after_seconds")
    headers = {"Retry-After": str(max(1, round(seconds)) if isinstance(seconds, int | float) else 1)}
    if isinstance(error, ours.ServiceThrottled) and endpoint is not None:
        answer = classic_error(
            old.SERVICE_UNAVAILABLE, "RequestThrottled", endpoint.name, str(endpoint.max_concurrent_calls)
        )
    elif isinstance(error, ours.ServiceThrottled | ours.RateLimited):
        answer = classic_error(old.SERVICE_UNAVAILABLE, "TooManyConcurrentRequests")
    elif error.facts.get("reason") == "loading":
        answer = classic_error(old.INITIALIZING_CONTAINERS)
    else:
        answer = classic_error(old.SERVICE_UNAVAILABLE, "NoMoreResources")
    return replace(answer, headers=headers)


def answer_to_failure(failure: ModuleFailure, endpoint: Endpoint, *, expose: bool = True) -> ClassicError:
    """What an old client is told of a module that failed: its number and whole text, with the module as target.

    Without `expose` the script's words and lines stay here; the number and the module are told all the same.
    """
    error = failure.error
    if failure.state is ScriptState.TIMED_OUT:
        answer = classic_error(old.REQUEST_TIMEOUT, "ScoreRequestTimeout")
        return with_more(answer, error.message, error.code, failure.title) if expose else answer
    if failure.state is ScriptState.CANCELLED:
        return classic_error(old.REQUEST_TIMEOUT, "RequestCanceled")
    number = error_number(error.classic_text)
    text = (error.classic_text or error.message)[:MAX_DETAIL_CHARACTERS] if expose else hidden_words(number)
    module = Detail(number, text, failure.title)
    if failure.state is ScriptState.OUT_OF_MEMORY:
        return _out_of_memory(endpoint, module)
    kind = old.LIBRARY_EXECUTION_ERROR if number == "1000" else old.MODULE_EXECUTION_ERROR
    return ClassicError(kind, kind.status, (module,))


def error_number(classic_text: str) -> str:
    """`85` of a text that begins `Error 0085:`; 1000, the unnamed library error, where it does not begin so."""
    match = re.match(r"Error 0*(\d+):", classic_text)
    return match.group(1) if match else "1000"


def hidden_words(number: str) -> str:
    """Instead of a module's own text, where that is not to be told."""
    return f"Error {number:>04}: The module failed; whoever runs the server can read why."


def _out_of_memory(endpoint: Endpoint, module: Detail) -> ClassicError:
    if endpoint.memory_bytes is None:
        kind = old.MEMORY_QUOTA_VIOLATION
        return ClassicError(kind, kind.status, (replace(module, code="OutOfMemoryLimit"),))
    limit = str(endpoint.memory_bytes // MIB)
    answer = classic_error(old.MEMORY_QUOTA_VIOLATION, "OutOfMemoryLimit", limit, target=module.target)
    return replace(answer, details=(*answer.details, module))
