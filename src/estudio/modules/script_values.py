"""Values of script parameters, as they travel into a guest: JSON of one level.

Checked before a guest is taken: what cannot be passed is the caller's mistake, never the script's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from estudio.errors import InvalidUsage

if TYPE_CHECKING:
    from collections.abc import Mapping

ScriptValue: TypeAlias = "int | float | bool | str | list[str] | dict[str, str]"

MAX_PARAMETERS = 1_000
"""A signature longer than this was not written for people."""
MAX_TEXT_CHARACTERS = 1 << 20
"""All text of one call's parameters together; more is data, and belongs into a table."""
MAX_WHOLE_BITS = 64
"""Longer whole numbers do not survive JSON in every guest."""


def check_parameters(parameters: Mapping[str, object]) -> None:
    """Refuse what cannot be passed to a script by name.

    Raises:
        InvalidUsage: naming the parameter and the type of its value.
    """
    if not parameters:
        return
    if len(parameters) > MAX_PARAMETERS:
        raise InvalidUsage(f"{len(parameters)} parameters are given; a script takes at most {MAX_PARAMETERS}.")
    characters = 0
    for name, value in parameters.items():
        texts = [*_texts(name, value), name]
        characters += sum(len(text) for text in texts)
        if not all(_is_unicode(text) for text in texts):
            raise InvalidUsage(f"The parameter {name!a} has text that is not Unicode.")
    if characters > MAX_TEXT_CHARACTERS:
        raise InvalidUsage(
            f"The parameters have {characters} characters, the limit is {MAX_TEXT_CHARACTERS}. Pass data as a table."
        )


def _texts(name: object, value: object) -> list[str]:
    if not isinstance(name, str) or not name:
        raise InvalidUsage(f"The name of a parameter is {name!r}; it must be the name of an argument of the script.")
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    if isinstance(value, dict) and all(isinstance(item, str) for pair in value.items() for item in pair):
        return [item for pair in value.items() for item in pair]
    if isinstance(value, int) and value.bit_length() >= MAX_WHOLE_BITS and not isinstance(value, bool):
        raise InvalidUsage(f"The parameter {name} is a whole number beyond 64 bits; pass it as text.", parameter=name)
    if isinstance(value, int | float):
        return []
    raise InvalidUsage(
        f"The parameter {name} has a value of the type {type(value).__name__}; give a number, true or false, a text, "
        "a list of texts, or texts by name.",
        parameter=name,
    )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
