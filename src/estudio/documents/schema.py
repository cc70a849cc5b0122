"""The JSON Schema of experiment documents, made from the module kinds: editors complete and check fields by it.

It is narrower than no check and wider than ours: it knows nothing of files, scripts and other modules' ports.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from estudio.core.experiment import DOCUMENT_VERSION
from estudio.core.module_kind import Parameter, ParameterType
from estudio.core.parameter_values import MAX_INTEGER
from estudio.documents.experiment_document import MAX_MODULES, MAX_NAME_CHARACTERS
from estudio.documents.experiment_parameters import MAX_PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.module_kind import InputPort, ModuleKind

    Schema = dict[str, object]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "estudio experiment"

_LINK: Schema = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_-]*\}"}
_PATH_PATTERN = r"^(?!/)(?!~)(?![A-Za-z]:)(?!.*\\)(?!(.*/)?\.\.(/|$)).+$"
_TYPES: Mapping[ParameterType, Schema] = {
    ParameterType.STRING: {"type": "string"},
    ParameterType.TEXT: {"type": "string"},
    ParameterType.INTEGER: {"type": "integer", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER},
    ParameterType.NUMBER: {"type": "number"},
    ParameterType.BOOLEAN: {"type": "boolean"},
    ParameterType.CHOICE: {"type": "string"},
    ParameterType.COLUMNS: {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    ParameterType.MAPPING: {"type": "object", "additionalProperties": {"type": "string"}},
    ParameterType.PATH: {"type": "string", "pattern": _PATH_PATTERN},
}
_TEXTS = frozenset({ParameterType.STRING, ParameterType.TEXT})


def experiment_schema(kinds: Mapping[str, ModuleKind]) -> Schema:
    """The schema of documents whose modules are of these kinds (JSON Schema, draft 2020-12)."""
    properties: Schema = {
        "estudio": {"const": DOCUMENT_VERSION, "description": "The version of the document."},
        "name": {"type": ["string", "number", "null"], "maxLength": MAX_NAME_CHARACTERS, "description": "For people."},
        "description": {"type": ["string", "null"], "description": "What the experiment is about."},
        "parameters": {
            "type": ["object", "null"],
            "description": "Values that modules link to with ${NAME}, and that a run can be given.",
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,99}$"},
            "maxProperties": MAX_PARAMETERS,
            "additionalProperties": _experiment_parameter(),
        },
        "modules": {
            "type": ["object", "null"],
            "description": "The modules by name, with their settings and connections.",
            "propertyNames": {"pattern": "^[A-Za-z0-9_-]{1,100}$"},
            "maxProperties": MAX_MODULES,
            "additionalProperties": {"$ref": "#/$defs/module"},
        },
    }
    definitions: Schema = {f"kind-{name}": _module_of(kind) for name, kind in sorted(kinds.items())}
    definitions["module"] = _module(kinds)
    definitions["connection"] = {
        "type": ["string", "integer"],
        "pattern": r"^[A-Za-z0-9_-]{1,100}(\.[A-Za-z0-9_-]+)?$",
        "description": "An output port: MODULE or MODULE.PORT.",
    }
    return {
        "$schema": DIALECT,
        "title": TITLE,
        "type": "object",
        "properties": properties,
        "required": ["estudio", "modules"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def schema_text(kinds: Mapping[str, ModuleKind]) -> str:
    """The schema as the file that editors read; the same kinds always give the same text."""
    return json.dumps(experiment_schema(kinds), indent=2, ensure_ascii=False) + "\n"


def _module(kinds: Mapping[str, ModuleKind]) -> Schema:
    names = sorted(kinds)
    branches = [
        {
            "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
            "then": {"$ref": f"#/$defs/kind-{name}"},
        }
        for name in names
    ]
    described = [{"const": name, "title": kinds[name].title, "description": kinds[name].words} for name in names]
    return {
        "type": "object",
        "properties": {"kind": {"oneOf": described, "description": "What the module does."}},
        "required": ["kind"],
        "allOf": branches,
    }


def _module_of(kind: ModuleKind) -> Schema:
    """A module of one kind. What its script adds is unknown here, so other connections and parameters pass."""
    shape = kind.shape
    properties: Schema = {
        "kind": {"const": kind.name},
        "comment": {
            "type": ["string", "number", "boolean", "null"],
            "description": "The author's words on the module.",
        },
        "deterministic": {"type": "boolean", "description": "false: its result is never reused."},
    }
    for port in shape.inputs:
        properties[port.name] = _port(port)
    for parameter in shape.parameters:
        properties[parameter.name] = _setting(parameter)
    required = [parameter.name for parameter in shape.parameters if parameter.required]
    schema: Schema = {"type": "object", "description": kind.words, "properties": properties}
    schema["required"] = ["kind", *required, *(port.name for port in shape.inputs if not port.optional)]
    if kind.declares_more or shape.script_parameters:
        properties["parameters"] = {"type": ["object", "null"], "description": "The parameters of its script."}
    if kind.declares_more:
        schema["patternProperties"] = {"^[A-Za-z_]+[0-9]+$": {"$ref": "#/$defs/connection"}}
    schema["additionalProperties"] = False
    return schema


def _port(port: InputPort) -> Schema:
    return {"$ref": "#/$defs/connection", "description": f"Input ({port.type.value}). {port.words}".strip()}


def _setting(parameter: Parameter) -> Schema:
    """A parameter's value, or text that links to the experiment's parameters."""
    value = dict(_TYPES[parameter.type])
    if parameter.choices:
        value["enum"] = list(parameter.choices)
    if parameter.minimum is not None:
        value["minimum"] = parameter.minimum
    if parameter.maximum is not None:
        value["maximum"] = parameter.maximum
    options = [value] if parameter.type in _TEXTS else [value, _LINK]
    if parameter.default is None and not parameter.required:
        options.append({"type": "null"})
    schema: Schema = {"anyOf": options} if len(options) > 1 else value
    if parameter.words:
        schema["description"] = parameter.words
    if parameter.default is not None:
        schema["default"] = parameter.default
    return schema


def _experiment_parameter() -> Schema:
    defaults = [
        {
            "if": {"properties": {"type": {"const": type_.value}}},
            "then": {"properties": {"default": {"anyOf": [_TYPES[type_], {"type": "null"}]}}},
        }
        for type_ in ParameterType
    ]
    numbers: Schema = {"properties": {"type": {"enum": ["integer", "number"]}}}
    return {
        "type": "object",
        "properties": {
            "type": {"enum": [type_.value for type_ in ParameterType]},
            "default": {"description": "Without it, each run must be given a value."},
            "description": {"type": "string"},
            "choices": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "minimum": {"type": "number"},
            "maximum": {"type": "number"},
        },
        "required": ["type"],
        "additionalProperties": False,
        "allOf": [
            *defaults,
            {
                "if": {"properties": {"type": {"const": "choice"}}},
                "then": {"required": ["choices"]},
                "else": {"properties": {"choices": False}},
            },
            {"if": numbers, "else": {"properties": {"minimum": False, "maximum": False}}},
        ],
    }
