"""The body of a modern call, read and checked against the version, whatever its form. Pure: no I/O, any thread.

What a JSON object is follows from its keys alone: with `inputs` or `parameters` it is the whole call, with `columns`
and `data` (or `ColumnNames` and `Values`) one table, with any other keys one record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from estudio.core.environment import near_name
from estudio.errors import CallProblem, InvalidCall
from estudio.services.call_media import JSON, body_format
from estudio.services.call_parameters import check_required, read_parameters
from estudio.tables.webbytes import BodyFormat, read_body_table
from estudio.tables.webjson_reading import Orient, parse_json, read_json_table
from estudio.tables.webproblems import Place, Problems, pointer_to, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.module_kind import Value
    from estudio.core.service import ServicePort, ServiceVersion
    from estudio.tables.table import Table

ORIENT = "orient"
"""The query's word for the form of a JSON answer; not a parameter of the service."""
PREFIX = "parameters."
"""Before a parameter's name in the query where the bare name means something else."""
ENVELOPE = ("inputs", "parameters")
_TABLES = (("columns", "data"), ("ColumnNames", "Values"))


@dataclass(frozen=True, slots=True)
class ParsedCall:
    """A call, checked against its version.

    Attributes:
        inputs: a table for every input of the version.
        parameters: values of those that were given.
        orient: the form of a JSON answer: what was asked for, or the form of the first input.
    """

    inputs: Mapping[str, Table] = field(default_factory=dict)
    parameters: Mapping[str, Value] = field(default_factory=dict)
    orient: Orient = Orient.RECORDS


def parse_score_request(
    body: bytes, content_type: str | None, version: ServiceVersion, query: Mapping[str, str]
) -> ParsedCall:
    """Read a modern call.

    Args:
        body: whole, already bounded and without content encoding.
        content_type: as the caller sent it; None means JSON.
        version: what the call has to fit.
        query: `orient`, and parameters by name or as `parameters.NAME`, as text.

    Raises:
        InvalidCall: with problems that have pointers into a JSON body; see its `kind`.
    """
    format_ = body_format(content_type)
    problems = Problems()
    orient = _orient(query, problems)
    values = _query_parameters(query, version, problems)
    if format_ == JSON:
        parsed = _parse_json_call(body, version, values, problems)
    else:
        parsed = ParsedCall(_whole_body(body, BodyFormat(format_), version, problems), values)
    check_required(parsed.parameters, version.parameters, "/parameters" if format_ == JSON else "", problems)
    problems.check()
    return ParsedCall(parsed.inputs, parsed.parameters, orient or parsed.orient)


def _orient(query: Mapping[str, str], problems: Problems) -> Orient | None:
    text = query.get(ORIENT)
    if text is None:
        return None
    if text in (Orient.RECORDS, Orient.SPLIT):
        return Orient(text)
    words = f"orient is {shown(text)}; it can be records or split."
    problems.add(CallProblem("wrong-parameter", words, "", ORIENT))
    return None


def _query_parameters(query: Mapping[str, str], version: ServiceVersion, problems: Problems) -> dict[str, Value]:
    given = {name.removeprefix(PREFIX): text for name, text in query.items() if name != ORIENT}
    if not given:
        return {}
    return read_parameters(given, version.parameters, problems, pointer="", all_text=True)


def _whole_body(body: bytes, format_: BodyFormat, version: ServiceVersion, problems: Problems) -> dict[str, Table]:
    if len(version.inputs) != 1:
        raise InvalidCall(
            f"The service has {len(version.inputs)} inputs; a body of {format_} is one table. Send {JSON} instead.",
            kind="media-type",
        )
    port = version.inputs[0]
    table = read_body_table(body, format_, port.columns, Place(port.name), problems)
    return {} if table is None else {port.name: table}


def _parse_json_call(body: bytes, version: ServiceVersion, values: dict[str, Value], problems: Problems) -> ParsedCall:
    if not body.strip() and not version.inputs:
        return ParsedCall({}, values)
    sent = parse_json(body)
    if isinstance(sent, dict) and (not version.inputs or any(key in sent for key in ENVELOPE)):
        return _envelope(sent, version, values, problems)
    if len(version.inputs) == 1 and isinstance(sent, list | dict):
        port = version.inputs[0]
        table, orient = _table(sent, port, Place(port.name), problems)
        return ParsedCall({} if table is None else {port.name: table}, values, orient)
    example = ", ".join(f'"{port.name}": [...]' for port in version.inputs)
    words = f'The body is {shown(sent)}; it has to be an object such as {{"inputs": {{{example}}}}}.'
    problems.add(CallProblem("wrong-body", words))
    return ParsedCall({}, values)


def _envelope(
    sent: dict[str, Any], version: ServiceVersion, values: dict[str, Value], problems: Problems
) -> ParsedCall:
    for key in sent:
        if key not in ENVELOPE and not problems.is_full:
            hint = near_name(key[:200], ENVELOPE) or " A call has inputs and parameters."
            words = f"The body has {shown(key)}, which means nothing here.{hint}"
            problems.add(CallProblem("wrong-body", words, pointer_to(Place(""), key)))
    inputs = object_of(sent.get("inputs"), "inputs", "/inputs", problems)
    given = object_of(sent.get("parameters"), "parameters", "/parameters", problems)
    both = {name: value for name, value in given.items() if name in values and value is not None}
    for name in both:
        words = f"The parameter {shown(name)} stands in the query and in the body: give it once."
        problems.add(CallProblem("wrong-parameter", words, pointer_to(Place("", "/parameters"), name), name))
    found = read_parameters(given, version.parameters, problems, pointer="/parameters", all_text=False)
    tables, orient = _tables(inputs, version, problems)
    return ParsedCall(tables, values | found, orient)


def _tables(inputs: dict[str, Any], version: ServiceVersion, problems: Problems) -> tuple[dict[str, Table], Orient]:
    check_input_names(inputs, version, "/inputs", problems)
    tables: dict[str, Table] = {}
    orients: list[Orient] = []
    for port in version.inputs:
        if inputs.get(port.name) is not None and not problems.is_full:
            place = Place(port.name, pointer_to(Place("", "/inputs"), port.name))
            table, orient = _table(inputs[port.name], port, place, problems)
            orients.append(orient)
            if table is not None:
                tables[port.name] = table
    return tables, orients[0] if orients else Orient.RECORDS


def _table(sent: object, port: ServicePort, place: Place, problems: Problems) -> tuple[Table | None, Orient]:
    if isinstance(sent, dict):
        if any(names in sent and rows in sent for names, rows in _TABLES):
            return read_json_table(sent, port.columns, place, problems), Orient.SPLIT
        return _one_record(sent, port, place, problems), Orient.RECORDS
    return read_json_table(sent, port.columns, place, problems), Orient.RECORDS


def _one_record(sent: dict[str, Any], port: ServicePort, place: Place, problems: Problems) -> Table | None:
    """A record that stands for a table of one row: pointers have no row."""
    own = Problems()
    table = read_json_table([sent], port.columns, place, own)
    row = f"{place.pointer}/0"
    for each in own.found:
        pointer = place.pointer + each.pointer.removeprefix(row) if each.pointer.startswith(row) else each.pointer
        problems.add(CallProblem(each.code, each.message, pointer, each.input, each.row, each.column))
    return table


def object_of(value: object, name: str, pointer: str, problems: Problems) -> dict[str, Any]:
    """An object of the body; an absent one, or null, is empty. Anything else is a `wrong-body` problem."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    problems.add(CallProblem("wrong-body", f"{name} is {shown(value)}; it has to be an object.", pointer))
    return {}


def check_input_names(inputs: Mapping[str, object], version: ServiceVersion, pointer: str, problems: Problems) -> None:
    """Note inputs that are not sent, or that the service has not."""
    known = [port.name for port in version.inputs]
    for name in known:
        if inputs.get(name) is None:
            problems.add(
                CallProblem("missing-input", f"The input {name!r} is missing: every input is required.", pointer, name)
            )
    for name in inputs:
        if problems.is_full:
            return
        if name not in known:
            hint = near_name(name[:200], known) or (f" It has {', '.join(known)}." if known else " It has none.")
            words = f"The service has no input {shown(name)}.{hint}"
            problems.add(CallProblem("unknown-input", words, pointer_to(Place("", pointer), name), name[:200]))
