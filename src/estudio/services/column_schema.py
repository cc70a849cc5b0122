"""JSON Schema (2020-12) of one cell or one parameter: what a call may send, and what an answer holds.

Texts that stand for numbers and dates are described too, since they are taken; of several ways to write a date only ISO
8601 is. Where a column's type says nothing of its values (categories, lists), those of the sample do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from estudio.core.module_kind import ParameterType
from estudio.core.parameter_values import MAX_INTEGER, MAX_ITEMS, MAX_STRING_CHARACTERS, MAX_TEXT_CHARACTERS
from estudio.tables.typenames import type_name
from estudio.tables.webcells import FALSE, INTEGERS, TRUE

if TYPE_CHECKING:
    from estudio.core.module_kind import Parameter
    from estudio.tables.typenames import Arrow

Schema = dict[str, Any]

_NULL: Final[Schema] = {"type": "null"}
_FLOAT64: Final[Schema] = {"type": "number"}
"""Without bounds: a number is refused only where it becomes infinite, and many beyond the last one round to that."""
MAX_FLOAT32: Final = 3.4e38
"""A little less than is taken, so that everything described is."""
_NUMBER_TEXT: Final = r"^[+-]?[0-9]{1,15}(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,2})?$"
_DATE: Final = (
    r"([12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    r"|[12][0-9](0[48]|[2468][048]|[13579][26])-02-29)"
)
"""Dates of the calendar; the last day of February in years that end in 00 is taken, but not described."""
_NS_DATE: Final = _DATE.replace("[12][0-9]{3}", "(1[7-9]|2[01])[0-9]{2}").replace("|[12][0-9](0", "|(1[7-9]|2[01])(0")
"""The years that 64 bits of nanoseconds reach."""
_CLOCK: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_FRACTION: Final = {"s": "", "ms": r"(\.[0-9]{1,3})?", "us": r"(\.[0-9]{1,6})?", "ns": r"(\.[0-9]{1,9})?"}
_OFFSET: Final = r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"


def sent_cell(name: str, sample: Arrow | None) -> Schema:
    """What a cell may be in a call.

    Args:
        name: of the column's type.
        sample: the Arrow type of the sample's column, for types whose name is not enough.
    """
    if name == "large_list":
        item = _present(_item_name(sample))
        return {"anyOf": [{"type": "array", "items": {"anyOf": [item, _NULL]}}, _NULL]}
    if name in ("dictionary", "dictionary-ordered"):
        return {"anyOf": [_present(_item_name(sample)), _NULL]}
    return {"anyOf": [_present(name), *_as_text(name), _NULL]}


def answered_cell(name: str, sample: Arrow | None) -> Schema:
    """What a cell is in an answer."""
    if name == "large_list":
        return {"anyOf": [{"type": "array", "items": answered_cell(_item_name(sample), None)}, _NULL]}
    if name in ("dictionary", "dictionary-ordered"):
        return answered_cell(_item_name(sample), None)
    kind = {"bool": "boolean", "float32": "number", "float64": "number"}.get(name)
    return {"type": [kind or ("integer" if name in INTEGERS else "string"), "null"]}


def swagger_cell(arrow_name: str, sample: Arrow | None) -> Schema:
    """A column in the old system's Swagger 2.0 document."""
    name = _item_name(sample) if arrow_name in ("dictionary", "dictionary-ordered") else arrow_name
    if name in INTEGERS:
        return {"type": "integer", "format": "int64" if name in ("int64", "uint64", "uint32") else "int32"}
    if name in ("float32", "float64"):
        return {"type": "number", "format": "float" if name == "float32" else "double"}
    if name.startswith(("timestamp", "date32")):
        return {"type": "string", "format": "date-time"}
    return {"type": "boolean"} if name == "bool" else {"type": "string"}


def parameter_schema(parameter: Parameter) -> Schema:
    """What a parameter's value may be in JSON; numbers and booleans may come as text too."""
    schema = _PARAMETERS[parameter.type].copy()
    if parameter.type is ParameterType.CHOICE:
        schema = {"enum": list(parameter.choices)}
    if parameter.type in (ParameterType.INTEGER, ParameterType.NUMBER):
        bounds = {"minimum": parameter.minimum, "maximum": parameter.maximum}
        schema |= {key: _whole(bound) for key, bound in bounds.items() if bound is not None}
    if parameter.words:
        schema["description"] = parameter.words
    if parameter.default is not None:
        schema["default"] = parameter.default
    return schema


def _whole(number: float) -> float:
    return int(number) if float(number).is_integer() else number


def _item_name(sample: Arrow | None) -> str:
    item = getattr(sample, "value_type", None)
    name = type_name(item) if item is not None else "null"
    if name == "null":
        return "large_string"
    return name if name in ("bool", "int64", "float64", "large_string") else _plain(name)


def _plain(name: str) -> str:
    """What values of a category or list are when they come as JSON: whole numbers, numbers or text."""
    if name in INTEGERS:
        return "int64"
    return "float64" if name == "float32" else "large_string"


def _present(name: str) -> Schema:
    if name in INTEGERS:
        least, most = INTEGERS[name]
        return {"type": "integer", "minimum": least, "maximum": most}
    if name == "float64":
        return _FLOAT64
    if name == "float32":
        return {"type": "number", "minimum": -MAX_FLOAT32, "maximum": MAX_FLOAT32}
    if name == "bool":
        return {"type": "boolean"}
    if name == "large_binary":
        return {"type": "string", "contentEncoding": "base64", "pattern": _BASE64}
    pattern = _pattern(name)
    return {"type": "string"} if pattern is None else {"type": "string", "pattern": f"^{pattern}$"}


_BASE64: Final = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


def _pattern(name: str) -> str | None:
    unit = name.partition("[")[2].rstrip("]").partition(",")[0]
    if name == "date32":
        return _DATE
    if name.startswith("timestamp"):
        moment = f"{_NS_DATE if unit == 'ns' else _DATE}T{_CLOCK}{_FRACTION[unit]}"
        return moment + (_OFFSET if "tz=" in name else f"{_OFFSET}?")
    if name.startswith("time"):
        return _CLOCK + _FRACTION[unit]
    if name.startswith("duration"):
        return f"-?[0-9]{{1,4}} days {_CLOCK}{_FRACTION[unit]}"
    if name.startswith("decimal"):
        return _decimal_pattern(name)
    return None


def _decimal_pattern(name: str) -> str:
    precision, scale = (int(part) for part in name.partition("(")[2].rstrip(")").split(","))
    whole = f"[+-]?[0-9]{{1,{precision - scale}}}" if precision > scale else "[+-]?0"
    if scale < 0:
        return f"[+-]?[0-9]{{1,{precision}}}0{{{-scale}}}"
    return whole + (f"(\\.[0-9]{{1,{scale}}})?" if scale else "")


def _as_text(name: str) -> list[Schema]:
    """The texts that stand for a number or boolean."""
    if name in INTEGERS:
        digits = len(str(INTEGERS[name][1])) - 1
        return [{"type": "string", "pattern": f"^{'-?' if INTEGERS[name][0] else ''}[0-9]{{1,{digits}}}$"}]
    if name in ("float32", "float64"):
        plain = r"^[+-]?[0-9]{1,15}(\.[0-9]{1,15})?$"
        return [{"type": "string", "pattern": _NUMBER_TEXT if name == "float64" else plain}]
    return [{"enum": sorted(TRUE | FALSE)}] if name == "bool" else []


_PARAMETERS: Final[dict[ParameterType, Schema]] = {
    ParameterType.STRING: {"type": "string", "maxLength": MAX_STRING_CHARACTERS},
    ParameterType.TEXT: {"type": "string", "maxLength": MAX_TEXT_CHARACTERS},
    ParameterType.INTEGER: {"type": "integer", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER},
    ParameterType.NUMBER: _FLOAT64,
    ParameterType.BOOLEAN: {"type": "boolean"},
    ParameterType.CHOICE: {},
    ParameterType.COLUMNS: {"type": "array", "items": {"type": "string"}, "maxItems": MAX_ITEMS},
    ParameterType.MAPPING: {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": MAX_ITEMS},
    ParameterType.PATH: {"type": "string", "pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$"},
}
