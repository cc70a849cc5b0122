"""Values of a service's parameters in one call, checked; those not given keep their default.

JSON has types, and texts are taken too where a number or a boolean is wanted. In query strings and in the old wire
everything is text: columns are separated by commas there, a mapping is `name=text,name=text`, and
an empty text is no value, but for parameters of text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.environment import near_name
from estudio.core.module_kind import ParameterType
from estudio.core.parameter_values import WANTED, find_value_problem, normal_value, parse_value
from estudio.errors import CallProblem, InvalidUsage
from estudio.tables.webproblems import MAX_SHOWN_CHARACTERS, Place, Problems, pointer_to, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estudio.core.module_kind import Parameter, Value

_READ_FROM_TEXT = frozenset({ParameterType.INTEGER, ParameterType.NUMBER, ParameterType.BOOLEAN})
_TEXTS = frozenset({ParameterType.STRING, ParameterType.TEXT, ParameterType.CHOICE, ParameterType.PATH})
EXACT = 2**53
"""Up to here a whole number written with a point is exact."""


def read_parameters(
    given: Mapping[str, object],
    parameters: Sequence[Parameter],
    problems: Problems,
    *,
    pointer: str,
    all_text: bool,
) -> dict[str, Value]:
    """The values that a call gives.

    Args:
        given: by name, from outside; null is not given.
        parameters: of the service.
        problems: gets what is wrong: `unknown-parameter`, `wrong-parameter`.
        pointer: to the object of parameters; "" where they stand in no body.
        all_text: see the module.
    """
    known = {parameter.name: parameter for parameter in parameters}
    values: dict[str, Value] = {}
    for name, value in given.items():
        if problems.is_full:
            break
        place = pointer_to(Place("", pointer), name) if pointer else ""
        if name not in known:
            hint = near_name(name[:200], known) or (f" It takes {_listed(known)}." if known else " It takes none.")
            words = f"The service has no parameter {shown(name)}.{hint}"
            problems.add(CallProblem("unknown-parameter", words, place, name[:200]))
        elif value is not None and not (all_text and _means_nothing(known[name], value)):
            _read(known[name], value, place, values, problems, all_text=all_text)
    return values


def check_required(
    values: Mapping[str, Value], parameters: Sequence[Parameter], place: str, problems: Problems
) -> None:
    """Note parameters without a value and a default as `missing-parameter`."""
    for parameter in parameters:
        if parameter.name not in values and parameter.required and parameter.default is None:
            words = f"The parameter {parameter.name!r} is required: give {WANTED[parameter.type]}."
            problems.add(CallProblem("missing-parameter", words, place, parameter.name))


def _read(
    parameter: Parameter, given: object, place: str, values: dict[str, Value], problems: Problems, *, all_text: bool
) -> None:
    value = _typed(parameter, given, all_text=all_text)
    if _is_nested(value):
        words = f"The parameter {parameter.name!r} is nested; it takes {WANTED[parameter.type]}."
    else:
        problem = find_value_problem(parameter, value)
        if problem is None:
            values[parameter.name] = normal_value(parameter, value)
            return
        words = f"The parameter {parameter.name!r} {problem.words}."
    problems.add(CallProblem("wrong-parameter", words, place, parameter.name))


def _typed(parameter: Parameter, given: object, *, all_text: bool) -> Value:
    value: Value = given  # type: ignore[assignment] # parsed JSON is nothing else
    if isinstance(value, str) and (all_text or parameter.type in _READ_FROM_TEXT):
        try:
            return parse_value(parameter, value)
        except InvalidUsage:
            return value
    if isinstance(value, float) and parameter.type is ParameterType.INTEGER and value.is_integer():
        return int(value) if abs(value) <= EXACT else value
    if all_text and parameter.type in _TEXTS and isinstance(value, bool | int | float):
        return str(value)
    return value


def _means_nothing(parameter: Parameter, given: object) -> bool:
    """Whether an empty text is no value, as in the old system's generated samples, which send all parameters."""
    is_text = parameter.type in (ParameterType.STRING, ParameterType.TEXT) or "" in parameter.choices
    return given == "" and not is_text


def _is_nested(value: Value) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(item, dict | list) for item in items)


def _listed(names: Mapping[str, object]) -> str:
    text = ", ".join(names)
    return text if len(text) <= 4 * MAX_SHOWN_CHARACTERS else text[: 4 * MAX_SHOWN_CHARACTERS] + "…"
