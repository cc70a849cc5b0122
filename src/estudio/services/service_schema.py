"""What a version takes and gives as schemas: JSON Schema 2020-12 for OpenAPI 3.1, and the old Swagger 2.0 definitions.

Pure functions of the version and its sample tables. Examples are the samples' own rows, never invented values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from estudio.services.call_parsing import ENVELOPE
from estudio.services.column_schema import Schema, answered_cell, parameter_schema, sent_cell, swagger_cell
from estudio.tables.table import Table
from estudio.tables.webjson_reading import MAX_CALL_ROWS, Orient
from estudio.tables.webjson_writing import write_json_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from estudio.core.module_kind import Parameter
    from estudio.core.service import ServicePort, ServiceVersion

EXAMPLE_ROWS = 3
"""Of a sample in an example: enough to see the form."""


def request_schema(version: ServiceVersion, samples: Mapping[str, Table]) -> Schema:
    """JSON Schema of a modern call's JSON body, in all its forms.

    Args:
        version: of the service.
        samples: tables of a few rows by the names of inputs; may lack any.
    """
    inputs = {port.name: _table_schema(port, samples.get(port.name)) for port in version.inputs}
    required = [p.name for p in version.parameters if p.required and p.default is None]
    whole = _object(
        {
            "inputs": _object(inputs, required=list(inputs)),
            "parameters": _object({p.name: parameter_schema(p) for p in version.parameters}, required=required),
        },
        required=[key for key, needed in zip(ENVELOPE, (inputs, required), strict=True) if needed],
    )
    if len(version.inputs) != 1 or required:
        return whole
    port = version.inputs[0]
    return {"anyOf": [whole, *_short_forms(port, samples.get(port.name))]}


def response_schema(version: ServiceVersion, samples: Mapping[str, Table], orient: Orient | None = None) -> Schema:
    """JSON Schema of a modern answer, in one form or both."""

    def table(port: ServicePort) -> Schema:
        cells = _cells(port, samples.get(port.name), answered_cell)
        forms = {Orient.RECORDS: _records(cells), Orient.SPLIT: _answered_split(cells)}
        return forms[orient] if orient else {"anyOf": list(forms.values())}

    outputs = {port.name: table(port) for port in version.outputs}
    answered: Schema = {"outputs": _object(outputs, required=list(outputs)), "visualizations": {"type": "object"}}
    return _object(answered, required=["outputs"])


def request_examples(version: ServiceVersion, samples: Mapping[str, Table]) -> dict[str, Any]:
    """Calls that would be answered, by name: `records` and `split`."""
    return {str(orient): _call_example(version, samples, orient) for orient in (Orient.RECORDS, Orient.SPLIT)}


def response_example(version: ServiceVersion, samples: Mapping[str, Table]) -> dict[str, Any]:
    """An answer as records."""
    outputs = [port.name for port in version.outputs if port.name in samples]
    return {"outputs": {name: _example(samples[name], Orient.RECORDS) for name in outputs}}


def swagger_definitions(version: ServiceVersion, samples: Mapping[str, Table]) -> dict[str, Schema]:
    """The `definitions` of the old system's Swagger 2.0 document: calls with `format=swagger`.

    `ExecutionRequest` with an example, `ExecutionResponse`, and an item for each input and output: `input1Item`.
    """
    ports = (*version.inputs, *version.outputs)
    items = {
        f"{port.name}Item": {
            "type": "object",
            "properties": _cells(port, samples.get(port.name), swagger_cell),
        }
        for port in ports
    }
    request: Schema = {
        "type": "object",
        "properties": {
            "Inputs": {"type": "object", "properties": {port.name: _rows_of(port) for port in version.inputs}},
            "GlobalParameters": {
                "type": "object",
                "properties": {p.name: _swagger_parameter(p) for p in version.parameters},
            },
        },
        "example": classic_example(version, samples),
    }
    if version.inputs:
        request["required"] = ["Inputs"]
    results = {"type": "object", "properties": {port.name: _rows_of(port) for port in version.outputs}}
    response = {"type": "object", "properties": {"Results": results}}
    return {"ExecutionRequest": request, "ExecutionResponse": response, **items}


def classic_example(version: ServiceVersion, samples: Mapping[str, Table]) -> dict[str, Any]:
    """A call of the old wire as `format=swagger` has it; numbers are numbers, by which the R client tells texts."""
    inputs = {p.name: _example(samples[p.name], Orient.RECORDS) for p in version.inputs if p.name in samples}
    given = {p.name: "" if p.default is None else _text(p.default) for p in version.parameters}
    return {"Inputs": inputs, "GlobalParameters": given}


def _text(default: object) -> str:
    if isinstance(default, list):
        return ",".join(map(str, default))
    if isinstance(default, dict):
        return ",".join(f"{name}={value}" for name, value in default.items())
    return str(default)


def _swagger_parameter(parameter: Parameter) -> Schema:
    facts = {
        "description": parameter.words,
        "default": _text(parameter.default) if parameter.default is not None else "",
    }
    return {"type": "string", **{name: text for name, text in facts.items() if text}}


def _rows_of(port: ServicePort) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/definitions/{quote(port.name, safe='')}Item"}}


def _call_example(version: ServiceVersion, samples: Mapping[str, Table], orient: Orient) -> dict[str, Any]:
    inputs = {port.name: _example(samples[port.name], orient) for port in version.inputs if port.name in samples}
    given = {p.name: p.default for p in version.parameters if p.default is not None}
    call: dict[str, Any] = {"inputs": inputs}
    return call | {"parameters": given} if given else call


def _example(sample: Table, orient: Orient) -> Any:  # noqa: ANN401 -- JSON
    return orjson.loads(write_json_table(_head(sample), orient))


def _head(sample: Table) -> Table:
    return Table.from_arrow(sample.to_arrow().slice(0, EXAMPLE_ROWS))


def _table_schema(port: ServicePort, sample: Table | None) -> Schema:
    cells = _cells(port, sample, sent_cell)
    forms = [_records(cells, MAX_CALL_ROWS), _split(cells, MAX_CALL_ROWS)]
    return {"anyOf": forms if _is_split_record(cells) else [*forms, _object(cells, required=list(cells))]}


def _short_forms(port: ServicePort, sample: Table | None) -> list[Schema]:
    cells = _cells(port, sample, sent_cell)
    forms = [_records(cells, MAX_CALL_ROWS), _split(cells, MAX_CALL_ROWS)]
    has_other_meaning = _is_split_record(cells) or any(key in cells for key in ENVELOPE)
    return forms if has_other_meaning else [*forms, _object(cells, required=list(cells))]


def _is_split_record(cells: Mapping[str, Schema]) -> bool:
    return {"columns", "data"} <= cells.keys() or {"ColumnNames", "Values"} <= cells.keys()


def _cells(port: ServicePort, sample: Table | None, cell: Callable[[str, Any], Schema]) -> dict[str, Schema]:
    types = {field.name: field.type for field in sample.to_arrow().schema} if sample is not None else {}
    return {column.name: cell(column.type, types.get(column.name)) for column in port.columns}


def _records(cells: Mapping[str, Schema], most: int | None = None) -> Schema:
    return _array(_object(dict(cells), required=list(cells)), most)


def _split(cells: Mapping[str, Schema], most: int | None = None) -> Schema:
    row: Schema = {"type": "array", "minItems": len(cells), "maxItems": len(cells)}
    if cells:
        row["prefixItems"] = list(cells.values())
    return _object({"columns": {"const": list(cells)}, "data": _array(row, most)}, required=["columns", "data"])


def _answered_split(cells: Mapping[str, Schema]) -> Schema:
    """Cells of a row without their order: readers of OpenAPI do not all know `prefixItems` in answers."""
    distinct = list({orjson.dumps(cell): cell for cell in cells.values()}.values())
    row: Schema = {"type": "array", "minItems": len(cells), "maxItems": len(cells)}
    if distinct:
        row["items"] = {"anyOf": distinct}
    return _object({"columns": {"const": list(cells)}, "data": _array(row, None)}, required=["columns", "data"])


def _array(items: Schema, most: int | None) -> Schema:
    return {"type": "array", "items": items} | ({} if most is None else {"maxItems": most})


def _object(properties: Schema, *, required: list[str]) -> Schema:
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | {"required": required} if required else schema
