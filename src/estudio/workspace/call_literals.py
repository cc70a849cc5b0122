"""JSON-like values as literals of the languages in which callers write: laid out to be read, and safe to paste.

Names and cells come from strangers' data. Every character that is not printable is escaped in the language's own way,
so that nothing in a table can end a literal, hide in it, or turn text around it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from estudio.core.module_kind import Value

MAX_LINE = 100
"""Characters of one row on its line; longer rows get a line for each value."""
MAX_EXACT_INTEGER = 2**53 - 1
"""JavaScript's numbers are exact up to here; larger ones are sent as text."""
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Notation:
    """How one language writes values. `list_ends` and `entry_ends` are what stands around lists and mappings."""

    text: Callable[[str], str]
    whole: Callable[[int], str]
    words: Mapping[bool | None, str]
    list_ends: tuple[str, str]
    entry_ends: tuple[str, str]
    entry: Callable[[str, str], str]


def literal(value: Value, notation: Notation, indent: int = 0) -> str:
    """A value as this language writes it; lines after the first are indented by `indent` more than they would be.

    Numbers that are not finite do not occur: JSON has none.
    """
    return "\n".join(_lines(value, notation, indent))


def _lines(value: Value, notation: Notation, indent: int) -> list[str]:
    parts, (begin, end) = _parts(value, notation, indent + 2)
    if parts is None:
        return [_scalar(value, notation)]
    flat = f"{begin}{', '.join(part[0] for part in parts)}{end}"
    is_flat = not any(len(part) > 1 for part in parts) and not _holds_rows(value)
    if not parts or (is_flat and len(flat) <= MAX_LINE):
        return [flat if parts else begin.rstrip() + end.lstrip()]
    lines = [begin.rstrip()]
    for number, part in enumerate(parts):
        comma = "," if number + 1 < len(parts) else ""
        lines += [" " * (indent + 2) + part[0], *part[1:]]
        lines[-1] += comma
    return [*lines, " " * indent + end.lstrip()]


def _parts(value: Value, notation: Notation, indent: int) -> tuple[list[list[str]] | None, tuple[str, str]]:
    if isinstance(value, list):
        return [_lines(item, notation, indent) for item in value], notation.list_ends
    if isinstance(value, dict):
        return list(_entries(value, notation, indent)), notation.entry_ends
    return None, ("", "")


def _entries(value: dict[str, Value], notation: Notation, indent: int) -> Iterator[list[str]]:
    for key, item in value.items():
        first, *rest = _lines(item, notation, indent)
        yield [notation.entry(notation.text(key), first), *rest]


def _holds_rows(value: Value) -> bool:
    """Whether it holds other lists or mappings that are not empty: those get lines of their own."""
    items = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return any(isinstance(item, dict | list) and item for item in items)


def _scalar(value: Value, notation: Notation) -> str:
    if value is None or isinstance(value, bool):
        return notation.words[value]
    if isinstance(value, int):
        return notation.whole(value)
    return repr(value) if isinstance(value, float) else notation.text(str(value))


def escaped(text: str, quotes: str, wide: str) -> str:
    r"""A text with backslashes, these quotes and all that cannot be seen escaped.

    Args:
        text: any.
        quotes: the signs that get a backslash.
        wide: the format of a character's number above U+FFFF, such as `\\U{:08x}`.
    """
    return "".join(_escape(char, quotes, wide) for char in text)


def _escape(char: str, quotes: str, wide: str) -> str:
    if char == "\\" or char in quotes:
        return "\\" + char
    if char.isprintable():
        return char
    return _SHORT.get(char) or (f"\\u{ord(char):04x}" if ord(char) < 0x10000 else wide.format(ord(char)))


def _quoted(wide: str) -> Callable[[str], str]:
    return lambda text: f'"{escaped(text, chr(34), wide)}"'


def json_text(text: str) -> str:
    """A JSON string in which everything that can be seen stays readable."""
    return "".join(
        char if char.isprintable() else json.dumps(char)[1:-1] for char in json.dumps(text, ensure_ascii=False)
    )


def shell_text(text: str) -> str:
    """A word of a POSIX shell in single quotes. Its text must not hold NUL, which no shell can pass on."""
    return "'" + text.replace("'", "'\\''") + "'"


def r_text(text: str) -> str:
    """A string of R in single quotes. Its text must not hold NUL, which R's strings cannot."""
    return f"'{escaped(text, chr(39), chr(92) + 'U{:08x}')}'"


python_text = _quoted("\\U{:08x}")
csharp_text = _quoted("\\U{:08x}")
javascript_text = _quoted("\\u{{{:x}}}")

_JSON_WORDS = {None: "null", True: "true", False: "false"}


def _javascript_entry(key: str, value: str) -> str:
    """`__proto__` in brackets: without them it would set the object's prototype instead of a property."""
    return f"[{key}]: {value}" if key == '"__proto__"' else f"{key}: {value}"


def _javascript_whole(number: int) -> str:
    return str(number) if abs(number) <= MAX_EXACT_INTEGER else f'"{number}"'


def _csharp_whole(number: int) -> str:
    return str(number) if -(2**63) <= number < 2**64 else f'"{number}"'


JSON = Notation(json_text, str, _JSON_WORDS, ("[", "]"), ("{", "}"), "{}: {}".format)
PYTHON = Notation(
    python_text, str, {None: "None", True: "True", False: "False"}, ("[", "]"), ("{", "}"), "{}: {}".format
)
JAVASCRIPT = Notation(javascript_text, _javascript_whole, _JSON_WORDS, ("[", "]"), ("{", "}"), _javascript_entry)
CSHARP = Notation(
    csharp_text,
    _csharp_whole,
    _JSON_WORDS,
    ("new object[] { ", " }"),
    ("new Dictionary<string, object> { ", " }"),
    "[{}] = {}".format,
)
