"""The body of a call on the old wire: `{"Inputs": {...}, "GlobalParameters": {...}}`. Pure: no I/O, any thread.

Names of the envelope are taken in any case, as the old system's JSON reader did; names of inputs and columns are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from estudio.errors import CallProblem
from estudio.services.call_parameters import check_required, read_parameters
from estudio.services.call_parsing import ParsedCall, check_input_names, object_of
from estudio.tables.webjson_reading import Orient, parse_json, read_named_rows, read_records
from estudio.tables.webproblems import Place, Problems, pointer_to, shown

if TYPE_CHECKING:
    from estudio.core.service import ServicePort, ServiceVersion
    from estudio.tables.table import Table

_TABLE = ("ColumnNames", "Values")


def parse_classic_request(body: bytes, version: ServiceVersion, *, swagger: bool) -> ParsedCall:
    """Read a call of the old wire.

    Args:
        body: whole, already bounded.
        version: what the call has to fit.
        swagger: the call said `format=swagger`: inputs are lists of row objects. Both forms are taken in either case,
            since clients mix them up.

    Raises:
        InvalidCall: of kind `syntax` or `encoding` where it is no JSON, else `schema` with problems: `wrong-body`
            (RequestBodyInvalid), `missing-input`, `unknown-input`, `missing-parameter`, `unknown-parameter`,
            `wrong-parameter`, columns (InputMismatchError), shapes and cells (InputParseError).
    """
    problems = Problems()
    sent = parse_json(body) if body.strip() or version.inputs else {}
    if not isinstance(sent, dict):
        problems.add(CallProblem("wrong-body", f'The body is {shown(sent)}; it has to be {{"Inputs": {{...}}}}.'))
        problems.check()
        return ParsedCall()
    inputs = object_of(_get(sent, "Inputs"), "Inputs", "/Inputs", problems)
    given = object_of(_get(sent, "GlobalParameters"), "GlobalParameters", "/GlobalParameters", problems)
    values = read_parameters(given, version.parameters, problems, pointer="/GlobalParameters", all_text=True)
    check_required(values, version.parameters, "/GlobalParameters", problems)
    check_input_names(inputs, version, "/Inputs", problems)
    tables: dict[str, Table] = {}
    for port in version.inputs:
        if inputs.get(port.name) is not None and not problems.is_full:
            table = _table(inputs[port.name], port, problems)
            if table is not None:
                tables[port.name] = table
    problems.check()
    return ParsedCall(tables, values, Orient.RECORDS if swagger else Orient.CLASSIC)


def _table(sent: object, port: ServicePort, problems: Problems) -> Table | None:
    place = Place(port.name, pointer_to(Place("", "/Inputs"), port.name))
    if isinstance(sent, list):
        return read_records(sent, port.columns, place, problems, classic=True)
    if isinstance(sent, dict):
        value = {key: _get(sent, key) for key in _TABLE}
        return read_named_rows(value, _TABLE, port.columns, place, problems, classic=True)
    words = f'The input {port.name!r} is {shown(sent)}; it has to be {{"ColumnNames": [...], "Values": [[...]]}}.'
    problems.add(CallProblem("wrong-shape", words, place.pointer, port.name))
    return None


def _get(sent: dict[str, Any], key: str) -> Any:  # noqa: ANN401 -- parsed JSON
    """The value of a key, or of one that differs in case only."""
    if key in sent:
        return sent[key]
    wanted = key.lower()
    return next((value for name, value in sent.items() if name.lower() == wanted), None)
