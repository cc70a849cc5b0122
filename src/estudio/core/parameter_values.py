"""Whether a value fits a parameter, what a `--set` text means, and a module's settings with everything filled in.

A document's value is never converted silently: `trees: "250"` is text and an error where a whole number is asked for.
Only `--set`, where everything is text, is read by the parameter's type.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from estudio.core.environment import near_name
from estudio.core.module_kind import ParameterType
from estudio.core.parameter_links import linked_value
from estudio.errors import InvalidDocument, InvalidUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from estudio.core.experiment import Experiment, Module
    from estudio.core.module_kind import ModuleShape, Parameter, Value

MAX_SHOWN_CHARACTERS = 60
"""Of a wrong value in a message: enough to recognise it."""
MAX_SHOWN_CHOICES = 20
"""In a message."""
MAX_STRING_CHARACTERS = 10_000
"""Of a one-line text, a name or a path."""
MAX_TEXT_CHARACTERS = 8_000_000
"""Of several lines; a table typed into a document is the largest."""
MAX_ITEMS = 100_000
"""Columns in a list or names in a mapping: as many as a table may have columns."""
MAX_INTEGER = 2**63 - 1
"""What Arrow, pandas and SQLite hold as a whole number."""

_DRIVE = re.compile(r"[A-Za-z]:", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
WANTED: Mapping[ParameterType, str] = {
    ParameterType.STRING: "text",
    ParameterType.TEXT: "text",
    ParameterType.INTEGER: "a whole number",
    ParameterType.NUMBER: "a number",
    ParameterType.BOOLEAN: "true or false",
    ParameterType.CHOICE: "one of its choices",
    ParameterType.COLUMNS: "a column name or a list of them",
    ParameterType.MAPPING: "names with texts",
    ParameterType.PATH: "a path of the workspace",
}
"""What each type takes, in words."""


@dataclass(frozen=True, slots=True)
class ValueProblem:
    """Why a value does not fit: a stable code, and a clause that follows the parameter's name."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class ResolvedSettings:
    """A module's settings with links and defaults filled in; every value has passed its parameter.

    Attributes:
        settings: every parameter of the kind; None where there is neither value nor default.
        parameters: the script's own; those without value and default are left out, so that the script's default holds.
    """

    settings: Mapping[str, Value]
    parameters: Mapping[str, Value] = field(default_factory=dict)


def shown(value: object) -> str:
    """A value inside a message: short, on one line, as documents write it."""
    if value is None:
        return "empty"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"


def find_value_problem(parameter: Parameter, value: Value) -> ValueProblem | None:
    """Why a value does not fit a parameter; None where it does. Links must be filled in before."""
    if value is None:
        if parameter.default is None and not parameter.required:
            return None
        return ValueProblem("missing-value", "has no value: give one, or remove the line")
    return _FINDERS[parameter.type](parameter, value)


def normal_value(parameter: Parameter, value: Value) -> Value:
    """A fitting value in its one form: numbers as float, one column as a list of one, paths without `.`."""
    if parameter.type is ParameterType.NUMBER and isinstance(value, int):
        return float(value)
    if parameter.type is ParameterType.COLUMNS and isinstance(value, str):
        return [value]
    if parameter.type is ParameterType.PATH and isinstance(value, str):
        return normal_path(value)
    return value


def normal_path(path: str) -> str:
    """A workspace path in its one form: `./data//a.csv` is `data/a.csv`."""
    return "/".join(part for part in path.split("/") if part not in {"", "."}) or "."


def find_path_problem(path: str) -> ValueProblem | None:
    """Why a text is no path inside the workspace, as documents write them."""
    if not path or len(path) > MAX_STRING_CHARACTERS or not path.isprintable():
        return ValueProblem("wrong-path", f"is {shown(path)}, which is no path: name a file or folder of the workspace")
    if "\\" in path:
        right = path.replace("\\", "/")
        return ValueProblem("wrong-path", f"is {shown(path)}: paths are written with '/', so write {shown(right)}")
    if path.startswith(("/", "~")) or _DRIVE.match(path):
        rule = "paths begin at the workspace's folder: move the file there and write e.g. 'datasets/data.csv'"
        return ValueProblem("wrong-path", f"is {shown(path)}, which lies outside of the workspace; {rule}")
    if ".." in path.split("/"):
        rule = "'..' is not allowed: write the path from the workspace's folder"
        return ValueProblem("wrong-path", f"is {shown(path)}; {rule}")
    return None


def parse_value(parameter: Parameter, untrusted: str) -> Value:
    """What a text given with `--set` means for a parameter.

    Columns are separated by commas; a mapping is written `name=text,name=text`.

    Raises:
        InvalidUsage: it does not fit the parameter.
    """
    value = _read(parameter.type, untrusted)
    problem = find_value_problem(parameter, value)
    if problem is not None:
        raise InvalidUsage(f"--set {parameter.name} {_ended(problem.words)}", parameter=parameter.name, value=untrusted)
    return normal_value(parameter, value)


def parse_overrides(parameters: Mapping[str, Parameter], untrusted: Iterable[str]) -> dict[str, Value]:
    """The values of `--set NAME=VALUE` options for an experiment's parameters.

    Raises:
        InvalidUsage: a wrong form, an unknown name, a name given twice, a value that does not fit.
    """
    values: dict[str, Value] = {}
    for text in untrusted:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidUsage(f"--set {shown(text)} has no '=': write --set NAME=VALUE.", value=text)
        check_override_names(parameters, [name])
        if name in values:
            raise InvalidUsage(f"--set gives {shown(name)} twice: give it once.", parameter=name)
        values[name] = parse_value(parameters[name], value)
    return values


def check_override_names(parameters: Mapping[str, Parameter], names: Iterable[str]) -> None:
    """See that an experiment has these parameters.

    Raises:
        InvalidUsage: it has not.
    """
    for name in names:
        if name not in parameters:
            known = f" It has {', '.join(parameters)}." if parameters else " It has none."
            hint = near_name(name, parameters) or known
            raise InvalidUsage(f"The experiment has no parameter {shown(name)}.{hint}", parameter=name)


def parameter_values(experiment: Experiment, overrides: Mapping[str, Value]) -> dict[str, Value]:
    """The values of an experiment's parameters in one run: what is given, else their defaults.

    Raises:
        InvalidUsage: an override for a parameter that it has not, or of a wrong value, or a missing one.
    """
    check_override_names(experiment.parameters, overrides)
    values: dict[str, Value] = {}
    for name, parameter in experiment.parameters.items():
        value = overrides.get(name, parameter.default)
        if value is None and parameter.required:
            rule = f"it has no default: give it with --set {name}=VALUE"
            raise InvalidUsage(f"The parameter {shown(name)} of the experiment needs a value; {rule}.", parameter=name)
        problem = find_value_problem(parameter, value) if value is not None else None
        if problem is not None:
            raise InvalidUsage(f"The parameter {name} {_ended(problem.words)}", parameter=name)
        values[name] = normal_value(parameter, value)
    return values


def resolve_settings(
    experiment: Experiment, module: Module, shape: ModuleShape, overrides: Mapping[str, Value]
) -> ResolvedSettings:
    """A module's settings as its execution gets them.

    Args:
        experiment: a checked one.
        module: one of its modules.
        shape: that of the module.
        overrides: values of experiment parameters for this run, by name.

    Raises:
        InvalidUsage: the overrides are wrong.
        InvalidDocument: a value does not fit its parameter.
    """
    values = parameter_values(experiment, overrides)
    settings = _resolved(module, shape.parameters, module.settings, values)
    own = _resolved(module, shape.script_parameters, module.parameters, values)
    return ResolvedSettings(settings, {name: value for name, value in own.items() if value is not None})


def _resolved(
    module: Module, parameters: Iterable[Parameter], given: Mapping[str, Value], values: Mapping[str, Value]
) -> dict[str, Value]:
    resolved: dict[str, Value] = {}
    for parameter in parameters:
        value = linked_value(given[parameter.name], values) if parameter.name in given else parameter.default
        problem = find_value_problem(parameter, value) if value is not None or parameter.required else None
        if problem is not None:
            what = f"The module {module.name}: {parameter.name} {_ended(problem.words)}"
            raise InvalidDocument(what, module=module.name, parameter=parameter.name)
        resolved[parameter.name] = normal_value(parameter, value)
    return resolved


def _ended(words: str) -> str:
    return words if words.endswith("?") else words + "."


def _read(type_: ParameterType, text: str) -> Value:
    if type_ is ParameterType.INTEGER:
        return int(text) if _INTEGER.fullmatch(text.strip()) else text
    if type_ is ParameterType.NUMBER:
        return float(text) if _NUMBER.fullmatch(text.strip()) else text
    if type_ is ParameterType.BOOLEAN:
        return _BOOLEANS.get(text.strip().lower(), text)
    if type_ is ParameterType.COLUMNS:
        return [name.strip() for name in text.split(",")] if text.strip() else []
    if type_ is ParameterType.MAPPING:
        pairs = [item.partition("=") for item in text.split(",")] if text.strip() else []
        return {name.strip(): value for name, equals, value in pairs} if all(pair[1] for pair in pairs) else text
    return text


def _wrong_type(parameter: Parameter, value: Value, mend: str) -> ValueProblem:
    return ValueProblem("wrong-type", f"is {shown(value)}, but it takes {WANTED[parameter.type]}: {mend}")


def _text_problem(parameter: Parameter, value: Value) -> ValueProblem | None:
    if not isinstance(value, str):
        quoted = isinstance(value, bool | int | float)
        return _wrong_type(parameter, value, f'write "{shown(value)}" in quotes' if quoted else "write one text")
    most = MAX_TEXT_CHARACTERS if parameter.type is ParameterType.TEXT else MAX_STRING_CHARACTERS
    if len(value) > most:
        words = f"has {len(value):,} characters; at most {most:,} are allowed".replace(",", " ")
        return ValueProblem("out-of-range", f"{words}: keep long data in a file")
    return None


def _integer_problem(parameter: Parameter, value: Value) -> ValueProblem | None:
    if isinstance(value, bool) or not isinstance(value, int):
        whole = isinstance(value, float) and value.is_integer() and abs(value) <= MAX_INTEGER
        return _wrong_type(parameter, value, f"write {int(value)}" if whole else _example(parameter))  # type: ignore[arg-type]
    if abs(value) > MAX_INTEGER:
        return ValueProblem("out-of-range", f"is {shown(value)}; whole numbers go up to {MAX_INTEGER}: write less")
    return _range_problem(parameter, value)


def _number_problem(parameter: Parameter, value: Value) -> ValueProblem | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _wrong_type(parameter, value, _example(parameter))
    if (isinstance(value, int) and abs(value) > MAX_INTEGER) or not math.isfinite(value):
        return ValueProblem("out-of-range", f"is {shown(value)}, which no number here can be: write a smaller one")
    return _range_problem(parameter, value)


def _range_problem(parameter: Parameter, value: float) -> ValueProblem | None:
    low, high = parameter.minimum, parameter.maximum
    if low is not None and value < low:
        return ValueProblem("out-of-range", f"is {value}; the least is {low:g}: write {low:g} or more")
    if high is not None and value > high:
        return ValueProblem("out-of-range", f"is {value}; the most is {high:g}: write {high:g} or less")
    return None


def _boolean_problem(parameter: Parameter, value: Value) -> ValueProblem | None:
    if isinstance(value, bool):
        return None
    return _wrong_type(parameter, value, "write true or false, without quotes")


def _choice_problem(parameter: Parameter, value: Value) -> ValueProblem | None:
    if not isinstance(value, str):
        return _text_problem(parameter, value)
    if value in parameter.choices:
        return None
    hint = near_name(value[:MAX_SHOWN_CHARACTERS], parameter.choices)
    more = ", …" if len(parameter.choices) > MAX_SHOWN_CHOICES else ""
    choices = ", ".join(parameter.choices[:MAX_SHOWN_CHOICES]) + more
    return ValueProblem("not-a-choice", f"is {shown(value)}; it can be {choices}.{hint}".rstrip("."))


def _columns_problem(parameter: Parameter, value: Value) -> ValueProblem | None:
    if isinstance(value, str):
        return _text_problem(parameter, value)
    if not isinstance(value, list):
        return _wrong_type(parameter, value, "write e.g. [age, 'blood pressure']")
    wrong = next((item for item in value if not isinstance(item, str)), None)
    if wrong is not None or None in value:
        return ValueProblem("wrong-type", f'holds {shown(wrong)}, but it takes names: write "{shown(wrong)}" in quotes')
    return _count_problem(len(value))


def _mapping_problem(parameter: Parameter, value: Value) -> ValueProblem | None:
    if not isinstance(value, dict):
        return _wrong_type(parameter, value, "write e.g. {age: integer}")
    wrong = next((name for name, item in value.items() if not isinstance(item, str)), None)
    if wrong is not None:
        words = f"has {shown(value[wrong])} for {shown(wrong)}, but it takes texts"
        return ValueProblem("wrong-type", f'{words}: write "{shown(value[wrong])}" in quotes')
    return _count_problem(len(value))


def _count_problem(count: int) -> ValueProblem | None:
    if count <= MAX_ITEMS:
        return None
    return ValueProblem("out-of-range", f"has {count} entries; at most {MAX_ITEMS} are allowed: write fewer")


def _path_problem(parameter: Parameter, value: Value) -> ValueProblem | None:
    return find_path_problem(value) if isinstance(value, str) else _text_problem(parameter, value)


def _example(parameter: Parameter) -> str:
    example = parameter.default if parameter.default is not None else parameter.minimum
    return f"write e.g. {1 if example is None else example}"


_FINDERS: Mapping[ParameterType, Callable[[Parameter, Value], ValueProblem | None]] = {
    ParameterType.STRING: _text_problem,
    ParameterType.TEXT: _text_problem,
    ParameterType.INTEGER: _integer_problem,
    ParameterType.NUMBER: _number_problem,
    ParameterType.BOOLEAN: _boolean_problem,
    ParameterType.CHOICE: _choice_problem,
    ParameterType.COLUMNS: _columns_problem,
    ParameterType.MAPPING: _mapping_problem,
    ParameterType.PATH: _path_problem,
}
