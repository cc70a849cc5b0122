"""`${name}` in a module's settings: a link to a parameter of the experiment.

A link alone takes the parameter's value with its type; inside other text the value is formatted in. `$${` is the text
`${` itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from estudio.core.module_kind import ParameterType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from estudio.core.module_kind import Value

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}", re.ASCII)
"""The name of an experiment parameter."""
_LINK = re.compile(r"(?P<kept>\$\$\{)|\$\{(?P<name>[^}\n]*)(?P<end>\})?")
_TEXTS = frozenset(
    {ParameterType.STRING, ParameterType.TEXT, ParameterType.CHOICE, ParameterType.PATH, ParameterType.COLUMNS}
)
_TAKES: Mapping[ParameterType, frozenset[ParameterType]] = {
    ParameterType.STRING: _TEXTS - {ParameterType.COLUMNS},
    ParameterType.TEXT: _TEXTS - {ParameterType.COLUMNS},
    ParameterType.CHOICE: _TEXTS - {ParameterType.COLUMNS},
    ParameterType.PATH: _TEXTS - {ParameterType.COLUMNS},
    ParameterType.COLUMNS: _TEXTS,
    ParameterType.INTEGER: frozenset({ParameterType.INTEGER}),
    ParameterType.NUMBER: frozenset({ParameterType.INTEGER, ParameterType.NUMBER}),
    ParameterType.BOOLEAN: frozenset({ParameterType.BOOLEAN}),
    ParameterType.MAPPING: frozenset({ParameterType.MAPPING}),
}
UNFORMATTED = frozenset({ParameterType.COLUMNS, ParameterType.MAPPING})
"""What cannot stand inside a text."""


def can_take(taker: ParameterType, given: ParameterType) -> bool:
    """Whether a parameter of one type may be linked, by a link alone, to an experiment parameter of another."""
    return given in _TAKES[taker]


def lone_link(value: Value) -> str | None:
    """The name in a text that is nothing but one link."""
    if not isinstance(value, str) or not value.startswith("${"):
        return None
    match = _LINK.fullmatch(value)
    return match["name"] if match and match["end"] else None


def links_in(value: Value) -> Iterator[str]:
    """The names of all links in a setting, also in lists and mappings; an unfinished one begins with `{`."""
    if isinstance(value, str):
        if "${" in value:
            found = (match for match in _LINK.finditer(value) if match["kept"] is None)
            yield from (match["name"] if match["end"] else "{" + match["name"] for match in found)
    elif isinstance(value, list):
        for item in value:
            yield from links_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from links_in(item)


def linked_value(value: Value, values: Mapping[str, Value]) -> Value:
    """A setting with its links filled in.

    Args:
        value: as the document holds it; all its links were found to be known.
        values: the experiment's parameters.
    """
    if isinstance(value, str):
        if "${" not in value:
            return value
        alone = lone_link(value)
        return values[alone] if alone is not None else _LINK.sub(lambda match: _filled(match, values), value)
    if isinstance(value, list):
        return [linked_value(item, values) for item in value]
    if isinstance(value, dict):
        return {name: linked_value(item, values) for name, item in value.items()}
    return value


def _filled(match: re.Match[str], values: Mapping[str, Value]) -> str:
    if match["kept"] is not None:
        return "${"
    value = values[match["name"]]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
