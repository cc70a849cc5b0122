"""Whole programs that call a web service with a sample of the experiment's own data, in five languages.

Each exists for both faces: the modern address, and the wire of the old system with its `Inputs` and `ColumnNames`. A
program holds no key unless one is given: it reads the key from the environment variable `ESTUDIO_KEY`.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from estudio.core.module_kind import ParameterType, Value
from estudio.core.service import CallLanguage
from estudio.tables.jsonwriting import write_json_lines
from estudio.workspace.call_programs import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.module_kind import Parameter
    from estudio.core.service import ServiceVersion
    from estudio.tables.table import Table
    from estudio.workspace.call_addresses import CallAddresses

SAMPLE_ROWS = 2
"""Of each input in a program: enough to see that a call takes several."""
MAX_CELL_CHARACTERS = 500
"""Of a text in a sample; a program is to be read."""


@dataclass(frozen=True, slots=True)
class CallSamples:
    """Programs by language, for both faces."""

    modern: Mapping[CallLanguage, str]
    classic: Mapping[CallLanguage, str]


def call_samples(
    version: ServiceVersion, addresses: CallAddresses, samples: Mapping[str, Table], key: str = ""
) -> CallSamples:
    """Write all programs.

    Args:
        version: that is called.
        addresses: of the endpoint.
        samples: a design-time table for each input.
        key: written into the programs; without one they read it from the environment variable `ESTUDIO_KEY`.
    """
    tables = {port.name: samples[port.name] for port in version.inputs if port.name in samples}
    return CallSamples(
        _programs(addresses.score, modern_body(tables, version.parameters), key),
        _programs(addresses.classic, classic_body(tables, version.parameters), key),
    )


def _programs(url: str, body: Value, key: str) -> Mapping[CallLanguage, str]:
    return {language: PROGRAMS[language](url, body, key) for language in CallLanguage}


def modern_body(tables: Mapping[str, Table], parameters: tuple[Parameter, ...]) -> Value:
    """The body of the modern address: rows as records."""
    body: dict[str, Value] = {"inputs": {name: cast("Value", sample_rows(table)) for name, table in tables.items()}}
    if parameters:
        body["parameters"] = {parameter.name: sample_value(parameter) for parameter in parameters}
    return body


def classic_body(tables: Mapping[str, Table], parameters: tuple[Parameter, ...]) -> Value:
    """The body of the old wire: names of columns, and rows of texts."""
    inputs: dict[str, Value] = {}
    for name, table in tables.items():
        values = [[classic_cell(cell) for cell in row.values()] for row in sample_rows(table)]
        inputs[name] = {"ColumnNames": list(table.schema.names), "Values": cast("Value", values)}
    given: dict[str, Value] = {each.name: classic_cell(sample_value(each)) for each in parameters}
    return {"Inputs": inputs, "GlobalParameters": given}


def sample_rows(table: Table, rows: int = SAMPLE_ROWS) -> list[dict[str, Value]]:
    """The first rows as JSON holds them: times as ISO 8601, bytes as Base64; long texts are cut."""
    written = io.BytesIO()
    write_json_lines(table.to_arrow().slice(0, rows), written)
    read = [cast("dict[str, Value]", json.loads(line)) for line in written.getvalue().splitlines()]
    return [{name: _cut(value) for name, value in row.items()} for row in read]


def _cut(value: Value) -> Value:
    return value[:MAX_CELL_CHARACTERS] if isinstance(value, str) else value


def classic_cell(value: Value) -> str | None:
    """A value as the old wire has it: as text, but for what is missing."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


_SAMPLE_VALUES: dict[ParameterType, Any] = {
    ParameterType.INTEGER: 1,
    ParameterType.NUMBER: 1.0,
    ParameterType.BOOLEAN: True,
    ParameterType.COLUMNS: [],
    ParameterType.MAPPING: {},
}


def sample_value(parameter: Parameter) -> Value:
    """A value for a parameter: its default, else one that it takes."""
    if parameter.default is not None:
        return parameter.default
    if parameter.choices:
        return parameter.choices[0]
    value = _SAMPLE_VALUES.get(parameter.type, "text")
    if parameter.minimum is not None and isinstance(value, int | float) and value < parameter.minimum:
        return int(parameter.minimum) if isinstance(value, int) else parameter.minimum
    if parameter.maximum is not None and isinstance(value, int | float) and value > parameter.maximum:
        return int(parameter.maximum) if isinstance(value, int) else parameter.maximum
    return cast("Value", value)
