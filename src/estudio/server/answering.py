"""One score call from the bytes that came to the bytes that go: all that happens in the call's thread."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from estudio.core.limits import KIB
from estudio.core.service import Diagnostics
from estudio.server.answer_store import KeptAnswer
from estudio.server.bodies import GZIP_WINDOW, unpack
from estudio.server.problems import MEDIA_TYPE, Refused, problem_of_failure
from estudio.server.visualizations import add_visualizations, wants_visualizations
from estudio.workspace.web_calls import JSON, ScoreCall, check_acceptable, parse_score_request, render_outputs

if TYPE_CHECKING:
    import threading

    from estudio.server.answer_store import AnswerStore
    from estudio.server.settings import ServerSettings
    from estudio.services.calling import LiveEndpoint, ScoreOutcome
    from estudio.tables.table import Table
    from estudio.workspace.web_calls import ParsedCall

MIN_PACKED_BYTES = 1 * KIB
"""Smaller answers fit into one packet as they are."""
SMALL_BYTES = 16 * KIB
"""Of JSON, read or written in some hundred microseconds at most."""
CELL_BYTES = 8
MAX_QUERY_FIELDS = 200
GZIP_LEVEL = 1
"""The next level costs half as much again for a few percent."""


@dataclass(frozen=True, slots=True)
class CallBytes:
    """A call as it came.

    Attributes:
        live: the endpoint and version that it is for.
        body: maybe packed.
        is_packed: with gzip.
        content_type: of the body.
        query: of the address, as it came.
        accept: media types that the caller takes.
        takes_gzip: the answer may be packed.
        request_id: for problems.
        idempotency_key: None for none.
        deadline: `time.monotonic()` at which it is to end.
        cancelled: set when the caller left.
    """

    live: LiveEndpoint
    body: bytes
    is_packed: bool
    content_type: str
    query: bytes
    accept: str
    takes_gzip: bool
    request_id: str
    idempotency_key: str | None
    deadline: float
    cancelled: threading.Event


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. `code` and `message` are of a module's failure, for the log and the kept calls."""

    status: int
    media_type: str
    body: bytes
    version: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    code: str = ""
    message: str = ""
    script_log: str = ""
    seconds: float = 0.0
    queue_seconds: float = 0.0
    is_packed: bool = field(default=False)


def answer_call(call: CallBytes, settings: ServerSettings, store: AnswerStore) -> Answer:
    """Parse, check, score, render; blocks. The answer is kept where the call has an Idempotency-Key.

    Raises:
        InvalidCall, ServiceBusy, SandboxUnavailable, EnvironmentFailed: nothing was answered.
        Refused: no media type of Accept can be given, or the Idempotency-Key cannot be used.
    """
    if call.idempotency_key is None:
        return _packed(call, _score(call, settings))
    with store.claim(call.live.endpoint.id, call.idempotency_key, _digest(call)) as claim:
        if claim.answer is not None:
            kept = claim.answer
            replayed = ((b"idempotency-replayed", b"true"),)
            return _packed(call, Answer(kept.status, kept.media_type, kept.body, kept.version, replayed))
        answer = _score(call, settings)
        claim.keep(KeptAnswer(answer.status, answer.media_type, answer.body, answer.version))
    return _packed(call, answer)


def is_small_call(call: CallBytes) -> bool:
    """Whether reading it costs less than handing it to a thread: JSON of a few rows, as it came."""
    return (
        len(call.body) <= SMALL_BYTES
        and not call.is_packed
        and call.idempotency_key is None
        and call.content_type.startswith(JSON)
    )


def is_small_outcome(call: CallBytes, outcome: ScoreOutcome) -> bool:
    """Whether writing it does: a few rows as JSON, no pictures."""
    return (
        not call.query
        and check_acceptable(call.accept, call.live.version) == JSON
        and sum(map(_size, outcome.outputs.values())) <= SMALL_BYTES
    )


def _size(table: Table) -> int:
    """Bytes of a table, about; where all columns are of fixed width, without looking at each."""
    arrow = table.to_arrow()
    cells = CELL_BYTES * arrow.num_rows * arrow.num_columns
    if cells > SMALL_BYTES:
        return cells
    try:
        return cells if all(kind.bit_width for kind in arrow.schema.types) else cells + int(arrow.nbytes)
    except ValueError:  # a width that varies
        return cells + int(arrow.nbytes)


def checked_call(call: CallBytes, settings: ServerSettings) -> tuple[ParsedCall, bool]:
    """As `parsed_call`, after a look at what the answer may be. Raises InvalidCall, Refused."""
    check_acceptable(call.accept, call.live.version)
    return parsed_call(call, settings)


def score_parsed(call: CallBytes, parsed: ParsedCall) -> ScoreOutcome:
    """Score; blocks."""
    return call.live.score(
        ScoreCall(parsed.inputs, parsed.parameters, deadline=call.deadline, cancelled=call.cancelled)
    )


def _score(call: CallBytes, settings: ServerSettings) -> Answer:
    parsed, shows = checked_call(call, settings)
    return _rendered(call, parsed, score_parsed(call, parsed), settings, shows=shows)


def answer_of(
    call: CallBytes, parsed: ParsedCall, outcome: ScoreOutcome, settings: ServerSettings, *, shows: bool
) -> Answer:
    """The answer to a call that was scored; `shows` adds visualizations."""
    return _packed(call, _rendered(call, parsed, outcome, settings, shows=shows))


def _rendered(
    call: CallBytes, parsed: ParsedCall, outcome: ScoreOutcome, settings: ServerSettings, *, shows: bool
) -> Answer:
    live = call.live
    answer = _failed(call, outcome, settings) if outcome.failure else None
    if answer is None:
        rendered, media_type = render_outputs(outcome.outputs, call.accept, live.version, parsed.orient)
        if shows and settings.expose_errors and media_type == "application/json":
            rendered = add_visualizations(rendered, outcome.visualizations)
        answer = Answer(200, media_type, rendered, live.version.number)
    return replace(
        answer,
        script_log=_script_log(outcome, live.endpoint.diagnostics),
        seconds=outcome.seconds,
        queue_seconds=outcome.queue_seconds,
    )


def parsed_call(call: CallBytes, settings: ServerSettings) -> tuple[ParsedCall, bool]:
    """The call's tables and parameters, checked, and whether visualizations are wanted. Raises InvalidCall, Refused."""
    body = unpack(call.body, settings.max_body_bytes) if call.is_packed else call.body
    query = query_of(call.query)
    shows = wants_visualizations(query)
    return parse_score_request(body, call.content_type, call.live.version, query), shows


def query_of(query: bytes) -> dict[str, str]:
    """The parameters of a query, each given once. Raises Refused."""
    if not query:
        return {}
    try:
        pairs = parse_qsl(query.decode("ascii"), True, errors="strict", max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        raise Refused(400, f"The query is no UTF-8, or has more than {MAX_QUERY_FIELDS} fields.") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Refused(400, "The query has a field twice; give each once.")
    return fields


def _failed(call: CallBytes, outcome: ScoreOutcome, settings: ServerSettings) -> Answer:
    endpoint = call.live.endpoint
    assert outcome.failure is not None  # noqa: S101 -- the one caller looked
    expose = settings.expose_errors and endpoint.diagnostics is not Diagnostics.NONE
    prefix = settings.public_url.rstrip("/")
    problem = problem_of_failure(outcome.failure, call.request_id, prefix, expose=expose)
    return Answer(
        problem.kind.status,
        MEDIA_TYPE,
        problem.body,
        call.live.version.number,
        problem.headers,
        problem.kind.code,
        outcome.failure.error.message,
    )


def _script_log(outcome: ScoreOutcome, diagnostics: Diagnostics) -> str:
    if diagnostics is Diagnostics.NONE or (diagnostics is Diagnostics.ERRORS and outcome.failure is None):
        return ""
    return "".join(f"[{module}]\n{each.text}\n" for module, each in outcome.visualizations.items() if each.text)


def _packed(call: CallBytes, answer: Answer) -> Answer:
    if not call.takes_gzip or len(answer.body) < MIN_PACKED_BYTES:
        return answer
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    return replace(answer, body=packer.compress(answer.body) + packer.flush(), is_packed=True)


def _digest(call: CallBytes) -> str:
    """What makes two calls the same: service, pinned version, media types and body."""
    digest = hashlib.sha256(call.body)
    digest.update(f"\n{call.content_type}\n{call.accept}\n{call.is_packed}\n".encode() + call.query)
    return digest.hexdigest()
