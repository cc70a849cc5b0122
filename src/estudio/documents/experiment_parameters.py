"""The `parameters:` of an experiment: typed values that modules link to with `${name}` and `--set` changes for a run.

A parameter without `default` must be given for each run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.module_kind import Parameter, ParameterType
from estudio.core.parameter_links import NAME, links_in
from estudio.core.parameter_values import find_value_problem, normal_value, shown
from estudio.documents.names import near_field
from estudio.documents.problems import ProblemCode
from estudio.documents.yaml_tree import YamlList, YamlMapping, YamlScalar, value_of

if TYPE_CHECKING:
    from estudio.core.module_kind import Value
    from estudio.documents.problems import ProblemList
    from estudio.documents.yaml_tree import YamlEntry

PARAMETER_FIELDS = ("type", "default", "description", "choices", "minimum", "maximum")
"""Of one experiment parameter."""
MAX_PARAMETERS = 1_000
"""Of one experiment; people set them by hand."""

_NUMBERS = frozenset({ParameterType.INTEGER, ParameterType.NUMBER})


def read_parameters(entry: YamlEntry | None, problems: ProblemList) -> dict[str, Parameter]:
    """The experiment's parameters; those that are wrong are noted, and left out where nothing can be made of them."""
    if entry is None or (isinstance(entry.value, YamlScalar) and entry.value.value is None):
        return {}
    if not isinstance(entry.value, YamlMapping):
        words = "parameters is no mapping: write e.g. 'trees: {type: integer, default: 250}' below it"
        problems.add(entry.value.place, ProblemCode.WRONG_TYPE, words)
        return {}
    if len(entry.value.entries) > MAX_PARAMETERS:
        words = f"the experiment has {len(entry.value.entries)} parameters; at most {MAX_PARAMETERS} are allowed"
        problems.add(entry.key.place, ProblemCode.TOO_MUCH, words)
        return {}
    found = {name: _parameter(name, written, problems) for name, written in entry.value.entries.items()}
    return {name: parameter for name, parameter in found.items() if parameter is not None}


def _parameter(name: str, entry: YamlEntry, problems: ProblemList) -> Parameter | None:
    if not NAME.fullmatch(name):
        rule = "names are letters, digits, '_' and '-', at most 100, and begin with a letter or '_'"
        problems.add(entry.key.place, ProblemCode.WRONG_NAME, f"a parameter has the name {shown(name)}: {rule}")
    if not isinstance(entry.value, YamlMapping):
        example = "{type: integer, default: 250}"
        if isinstance(entry.value, YamlScalar) and entry.value.value is not None:
            kind = _type_of(entry.value.value)
            example = f"{{type: {kind.value}, default: {entry.value.text[:60]}}}"
        words = f"the parameter {shown(name)} has no type: write '{name}: {example}'"
        problems.add(entry.value.place, ProblemCode.WRONG_TYPE, words)
        return None
    fields = entry.value.entries
    for field, written in fields.items():
        if field not in PARAMETER_FIELDS:
            hint = near_field(field, PARAMETER_FIELDS)
            words = f"the parameter {shown(name)} has an unknown field {shown(field)}.{hint}"
            problems.add(written.key.place, ProblemCode.UNKNOWN_FIELD, words)
    if "type" not in fields:
        words = f"the parameter {shown(name)} has no type: write e.g. 'type: integer'"
        problems.add(entry.key.place, ProblemCode.MISSING_FIELD, words)
        return None
    type_ = _type(name, fields["type"], problems)
    return None if type_ is None else _typed(name, type_, fields, problems)


def _type(name: str, written: YamlEntry, problems: ProblemList) -> ParameterType | None:
    types = [type_.value for type_ in ParameterType]
    text = written.value.text if isinstance(written.value, YamlScalar) else ""
    if text not in types:
        hint = near_field(text, types)
        words = f"the parameter {shown(name)} has the type {shown(text)}, which does not exist.{hint}"
        problems.add(written.value.place, ProblemCode.NOT_A_CHOICE, words)
        return None
    return ParameterType(text)


def _typed(name: str, type_: ParameterType, fields: dict[str, YamlEntry], problems: ProblemList) -> Parameter:
    description = fields.get("description")
    words = description.value.text if description and isinstance(description.value, YamlScalar) else ""
    low, high = (_bound(field, type_, fields, problems) for field in ("minimum", "maximum"))
    if low is not None and high is not None and low > high:
        text = f"the minimum of {shown(name)} is {low:g}, above its maximum {high:g}: exchange them"
        problems.add(fields["minimum"].value.place, ProblemCode.OUT_OF_RANGE, text)
        low = high = None
    choices = _choices(name, type_, fields, problems)
    bare = Parameter(name, type_, words, choices=choices, minimum=low, maximum=high, required=True)
    default = fields.get("default")
    if default is None or (isinstance(default.value, YamlScalar) and default.value.value is None):
        return bare
    value = value_of(default.value)
    problem = find_value_problem(bare, value)
    if problem is not None and (type_ is not ParameterType.CHOICE or choices):
        problems.add(default.value.place, problem.code, f"the default of {shown(name)} {problem.words}")
    if any(True for _ in links_in(value)):
        text = (
            f"the default of {shown(name)} holds '${{', but a parameter cannot link to another: write '$${{' for text"
        )
        problems.add(default.value.place, ProblemCode.WRONG_LINK, text)
    sound = value if problem else normal_value(bare, value)
    return Parameter(name, type_, words, default=sound, choices=choices, minimum=low, maximum=high)


def _bound(field: str, type_: ParameterType, fields: dict[str, YamlEntry], problems: ProblemList) -> float | None:
    entry = fields.get(field)
    if entry is None:
        return None
    value = value_of(entry.value)
    if type_ not in _NUMBERS:
        words = f"{field} is for numbers, and the type is {type_.value}: remove it"
        problems.add(entry.key.place, ProblemCode.UNKNOWN_FIELD, words)
        return None
    problem = find_value_problem(Parameter(field, ParameterType.NUMBER, required=True), value)
    if problem is not None:
        problems.add(entry.value.place, problem.code, f"{field} {problem.words}")
        return None
    return value if isinstance(value, int | float) else None


def _choices(name: str, type_: ParameterType, fields: dict[str, YamlEntry], problems: ProblemList) -> tuple[str, ...]:
    entry = fields.get("choices")
    if type_ is not ParameterType.CHOICE:
        if entry is not None:
            words = f"choices are for the type choice, and the type is {type_.value}: remove them, or change the type"
            problems.add(entry.key.place, ProblemCode.UNKNOWN_FIELD, words)
        return ()
    if entry is None:
        words = f"the parameter {shown(name)} has no choices: write e.g. 'choices: [gini, entropy]'"
        problems.add(fields["type"].key.place, ProblemCode.MISSING_FIELD, words)
        return ()
    items = entry.value.items if isinstance(entry.value, YamlList) else []
    texts = [item.value for item in items if isinstance(item, YamlScalar)]
    choices = tuple(text for text in texts if isinstance(text, str))
    if not choices or len(choices) != len(items):
        words = f"the choices of {shown(name)} are no list of texts: write e.g. 'choices: [gini, entropy]'"
        problems.add(entry.value.place, ProblemCode.WRONG_TYPE, words)
    return choices


def _type_of(value: Value) -> ParameterType:
    if isinstance(value, bool):
        return ParameterType.BOOLEAN
    if isinstance(value, int):
        return ParameterType.INTEGER
    return ParameterType.NUMBER if isinstance(value, float) else ParameterType.STRING
