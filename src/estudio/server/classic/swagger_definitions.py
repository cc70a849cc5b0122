"""The definitions of `swagger.json`: what goes into a call with `format=swagger`, and what comes out, with an example.

The R client reads `ExecutionRequest.example`, `input1Item` and `output1Item`, the last for the types of columns. In
answers all cells are text; an output's definition says what the text holds, as the old system's did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from estudio.core.module_kind import ParameterType
from estudio.workspace.call_wire import sample_records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estudio.core.module_kind import Parameter
    from estudio.core.service import ServicePort, ServiceVersion
    from estudio.tables.table import Table

Definition = dict[str, Any]

_INTEGERS = {"int8": "int32", "int16": "int32", "int32": "int32", "uint8": "int32", "uint16": "int32"}
_FLOATS = {"float32": "float", "float64": "double"}
_PARAMETER_TYPES: Mapping[ParameterType, Definition] = {
    ParameterType.INTEGER: {"type": "integer", "format": "int64"},
    ParameterType.NUMBER: {"type": "number", "format": "double"},
    ParameterType.BOOLEAN: {"type": "boolean"},
    ParameterType.COLUMNS: {"type": "array", "items": {"type": "string"}},
    ParameterType.MAPPING: {"type": "object", "additionalProperties": {"type": "string"}},
}
_SAMPLE_VALUES: Mapping[str, object] = {"integer": 0, "number": 0.0, "boolean": False, "array": [], "object": {}}


def classic_definitions(version: ServiceVersion, samples: Mapping[str, Table]) -> Definition:
    """All definitions; `samples` has a table for each port whose example is wanted."""
    parameters = _parameters(version.parameters)
    return {
        "ExecutionRequest": {
            "type": "object",
            "properties": {
                "Inputs": {"$ref": "#/definitions/ExecutionInputs"},
                "GlobalParameters": {"$ref": "#/definitions/GlobalParameters"},
            },
            "required": ["Inputs"] if version.inputs else [],
            "example": {
                "Inputs": {port.name: _example(port, samples) for port in version.inputs},
                "GlobalParameters": {each.name: _parameter_example(each) for each in version.parameters},
            },
        },
        "ExecutionInputs": _ports(version.inputs),
        "ExecutionResponse": {"type": "object", "properties": {"Results": {"$ref": "#/definitions/ExecutionResults"}}},
        "ExecutionResults": _ports(version.outputs),
        "GlobalParameters": parameters,
        **{f"{port.name}Item": _item(port) for port in (*version.inputs, *version.outputs)},
    }


def _ports(ports: Sequence[ServicePort]) -> Definition:
    properties = {
        port.name: {"type": "array", "items": {"$ref": f"#/definitions/{quote(port.name, safe='')}Item"}}
        for port in ports
    }
    return {"type": "object", "properties": properties}


def _item(port: ServicePort) -> Definition:
    return {"type": "object", "properties": {column.name: column_type(column.type) for column in port.columns}}


def column_type(name: str) -> Definition:
    """Swagger's type of a column's type as `core.layout` names it. Any cell may be null."""
    if name in _FLOATS:
        found: Definition = {"type": "number", "format": _FLOATS[name]}
    elif name.startswith(("int", "uint")):
        found = {"type": "integer", "format": _INTEGERS.get(name, "int64")}
    elif name.startswith("decimal"):
        found = {"type": "number"}
    elif name == "bool":
        found = {"type": "boolean"}
    elif name.startswith("timestamp"):
        found = {"type": "string", "format": "date-time"}
    elif name == "date32":
        found = {"type": "string", "format": "date"}
    else:
        found = {"type": "string"}
    return {**found, "x-nullable": True}


def _example(port: ServicePort, samples: Mapping[str, Table]) -> list[dict[str, object]]:
    if port.name in samples and samples[port.name].row_count:
        return sample_records(samples[port.name])
    return [{column.name: _SAMPLE_VALUES.get(column_type(column.type)["type"], "") for column in port.columns}]


def _parameters(parameters: Sequence[Parameter]) -> Definition:
    found: Definition = {"type": "object", "properties": {each.name: _parameter(each) for each in parameters}}
    required = [each.name for each in parameters if each.required and each.default is None]
    return {**found, "required": required} if required else found


def _parameter(parameter: Parameter) -> Definition:
    found = dict(_PARAMETER_TYPES.get(parameter.type, {"type": "string"}))
    for name, value in (
        ("description", parameter.words or None),
        ("default", parameter.default),
        ("enum", list(parameter.choices) or None),
        ("minimum", parameter.minimum),
        ("maximum", parameter.maximum),
    ):
        if value is not None:
            found[name] = value
    return found


def _parameter_example(parameter: Parameter) -> object:
    if parameter.default is not None:
        return parameter.default
    if parameter.choices:
        return parameter.choices[0]
    return _SAMPLE_VALUES.get(_PARAMETER_TYPES.get(parameter.type, {"type": "string"})["type"], "text")
