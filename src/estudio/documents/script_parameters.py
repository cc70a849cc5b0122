"""One argument of `azureml_main` as a parameter: its type from the annotation, else from the default.

A default that is no literal is left to the script: the parameter then has none here, and need not be set.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from estudio.core.module_kind import Parameter, ParameterType
from estudio.core.parameter_values import find_value_problem, normal_value
from estudio.documents.script_text import parse_script
from estudio.errors import InvalidScript

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estudio.core.module_kind import Value
    from estudio.documents.script_definitions import Definition

MAX_CHOICES = 1_000
"""Of one `Literal`."""
MAX_ANNOTATION_CHARACTERS = 10_000
"""In quotes."""
MAX_WORDS_CHARACTERS = 500
"""Of a parameter's description."""

_NAMES: Mapping[str, ParameterType] = {
    "int": ParameterType.INTEGER,
    "float": ParameterType.NUMBER,
    "bool": ParameterType.BOOLEAN,
    "str": ParameterType.STRING,
}
_LISTS = frozenset({"list", "List", "tuple", "Tuple", "Sequence", "Iterable", "Collection"})
_MAPPINGS = frozenset({"dict", "Dict", "Mapping"})
_SUPPORTED = 'int, float, bool, str, Literal["a", "b"], list[str] and dict[str, str], each also with | None'
_NO_VALUE = object()


class _Meaning(NamedTuple):
    """What an annotation says."""

    type: ParameterType
    choices: tuple[str, ...] = ()
    words: str = ""


def parameter_of(
    argument: ast.arg, default: ast.expr | None, found: Definition, lines: Sequence[str], file: str
) -> Parameter:
    """The parameter that an argument is.

    Args:
        argument: keyword-only, or one of Python 2 with a default.
        default: its default, if it has one.
        found: the definition that it belongs to.
        lines: of the whole script, for the comment behind the argument.
        file: the script, for messages.

    Raises:
        InvalidScript: an annotation that no document's value can satisfy, or a default that does not fit it.
    """
    line = argument.lineno + found.offset
    value = _literal(default)
    meaning = (
        _annotated(argument, line, file) if argument.annotation is not None else _guessed(argument, value, line, file)
    )
    words = meaning.words or _words(argument.arg, found.docstring, lines, line)
    parameter = Parameter(argument.arg, meaning.type, words, required=default is None, choices=meaning.choices)
    if value is None or value is _NO_VALUE:
        return parameter
    sound = _document_value(value)
    problem = find_value_problem(parameter, sound)
    if problem is not None:
        raise _invalid(file, line, argument, f"has a default that {problem.words}")
    return Parameter(argument.arg, meaning.type, words, default=normal_value(parameter, sound), choices=meaning.choices)


def _literal(default: ast.expr | None) -> object:
    if default is None:
        return _NO_VALUE
    try:
        return ast.literal_eval(default)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _NO_VALUE


def _document_value(value: object) -> Value:
    """A literal of Python as a document would hold it; what no document holds becomes a text that shows it."""
    if isinstance(value, list | tuple):
        return [_document_value(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _document_value(item) for name, item in value.items()}
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)


def _annotated(argument: ast.arg, line: int, file: str) -> _Meaning:
    annotation = argument.annotation
    meaning = _meaning(annotation) if annotation is not None else None
    if meaning is None:
        written = ast.unparse(annotation)[:80] if annotation is not None else ""
        raise _invalid(file, line, argument, f"is annotated with {written}; a document can set {_SUPPORTED}")
    return meaning


def _meaning(annotation: ast.expr) -> _Meaning | None:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return _meaning_of_text(annotation.value)
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _only([annotation.left, annotation.right])
    if isinstance(annotation, ast.Subscript):
        items = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        return _subscripted(_last_name(annotation.value), items)
    name = _last_name(annotation)
    if name in _NAMES:
        return _Meaning(_NAMES[name])
    return None


def _meaning_of_text(text: str) -> _Meaning | None:
    """An annotation in quotes; quotes in quotes are none."""
    tree = parse_script(text.strip()) if len(text) <= MAX_ANNOTATION_CHARACTERS else None
    statement = tree.body[0] if tree is not None and tree.body else None
    if not isinstance(statement, ast.Expr) or isinstance(statement.value, ast.Constant):
        return None
    return _meaning(statement.value)


def _subscripted(name: str, items: list[ast.expr]) -> _Meaning | None:
    if name in {"Optional", "Union"}:
        return _only(items)
    if name == "Literal":
        values = [item.value for item in items if isinstance(item, ast.Constant)]
        choices = tuple(value for value in values if isinstance(value, str))
        sound = len(choices) == len(items) - values.count(None) and 0 < len(choices) <= MAX_CHOICES
        return _Meaning(ParameterType.CHOICE, choices) if sound and len(values) == len(items) else None
    if name == "Annotated":
        meaning = _meaning(items[0])
        words = next((item.value for item in items[1:] if isinstance(item, ast.Constant)), "")
        return meaning._replace(words=words[:MAX_WORDS_CHARACTERS]) if meaning and isinstance(words, str) else meaning
    texts = [_last_name(item) == "str" or _is_ellipsis(item) for item in items]
    if name in _LISTS and all(texts):
        return _Meaning(ParameterType.COLUMNS)
    return _Meaning(ParameterType.MAPPING) if name in _MAPPINGS and all(texts) and len(items) == 2 else None


def _only(items: list[ast.expr]) -> _Meaning | None:
    """The one meaning of a union with None."""
    left = [item for item in items if not (isinstance(item, ast.Constant) and item.value is None)]
    return _meaning(left[0]) if len(left) == 1 else None


def _is_ellipsis(item: ast.expr) -> bool:
    return isinstance(item, ast.Constant) and item.value is ...


def _last_name(expression: ast.expr) -> str:
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def _guessed(argument: ast.arg, value: object, line: int, file: str) -> _Meaning:
    """Without annotation the default's type decides."""
    if isinstance(value, bool):
        return _Meaning(ParameterType.BOOLEAN)
    if isinstance(value, int):
        return _Meaning(ParameterType.INTEGER)
    if isinstance(value, float):
        return _Meaning(ParameterType.NUMBER)
    if isinstance(value, str):
        return _Meaning(ParameterType.TEXT if "\n" in value else ParameterType.STRING)
    if isinstance(value, list | tuple):
        return _Meaning(ParameterType.COLUMNS)
    if isinstance(value, dict):
        return _Meaning(ParameterType.MAPPING)
    what = "has neither an annotation nor a default that tells its type"
    raise _invalid(file, line, argument, f"{what}: write e.g. {argument.arg}: int = 250")


def _words(name: str, docstring: str, lines: Sequence[str], line: int) -> str:
    """The author's words on an argument: of the docstring (Google's or Sphinx's form), else the comment behind it."""
    escaped = re.escape(name)
    said = re.search(
        rf"^[ \t]*(?::param (?:\w+ )?{escaped}|{escaped}(?: \([^)\n]*\))?):[ \t]*(\S.*)$", docstring, re.MULTILINE
    )
    if said is None and 0 < line <= len(lines):
        said = re.search(rf"\b{escaped}\b[^#'\"]*#[ \t]*(\S.*)$", lines[line - 1])
    return said[1].strip()[:MAX_WORDS_CHARACTERS] if said else ""


def _invalid(file: str, line: int, argument: ast.arg, what: str) -> InvalidScript:
    message = f"The script {file}, line {line}: the parameter {argument.arg} {what}."
    return InvalidScript(message, path=file, line=line, parameter=argument.arg)
