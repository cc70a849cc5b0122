"""Values → YAML text that `yaml_tree` and every other reader of YAML takes for the same value.

Text stays without quotes only where it is plainly text; in doubt it is quoted.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from estudio.documents.yaml_tree import plain_value
from estudio.errors import InvalidUsage

if TYPE_CHECKING:
    from estudio.core.module_kind import Value

_PLAIN_IN_BLOCK = re.compile(r"[^\W\d](?:[\w ._/$(){}\[\]%+*=@~^<>;!&,'-]*[\w._/$(){}\[\]%+*=@~^<>;!&,-])?")
_PLAIN_IN_FLOW = re.compile(r"[^\W\d](?:[\w ._/$()%+*=@~^<>;!&-]*[\w._/$()%+*=@~^<>;!&-])?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_LINK = re.compile(r"\$\{[A-Za-z0-9_-]+\}", re.ASCII)
_SINGLE_QUOTED = re.compile("[ -~\xa1-\u1fff\u2030-\ud7ff\uf900-\ufdff]*")
_OTHERS_READ = frozenset({"y", "n", "yes", "no", "on", "off", "null", "true", "false"})
"""What readers of YAML 1.1 take for something else than text."""
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_LITERAL = re.compile(
    "(?:[^\\s][\t -~\xa1-\u1fff\u2030-\ud7ff\uf900-\ufdff]*)(?:\n|[\t -~\xa1-\u1fff\u2030-\ud7ff\uf900-\ufdff])*"
)


def write_value(value: Value, *, in_flow: bool = False) -> str:
    """A value on one line.

    Args:
        value: what a document may hold.
        in_flow: whether it stands between braces or brackets.

    Raises:
        InvalidUsage: a number that is infinite or none.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidUsage(f"{value} cannot be written into a document: give a finite number.")
        return repr(value)
    if isinstance(value, str):
        return write_text(value, in_flow=in_flow)
    if isinstance(value, list):
        return "[" + ", ".join(write_value(item, in_flow=True) for item in value) + "]"
    items = (f"{write_text(name, in_flow=True)}: {write_value(item, in_flow=True)}" for name, item in value.items())
    return "{" + ", ".join(items) + "}"


def write_text(text: str, *, in_flow: bool = False) -> str:
    """Text on one line, in quotes where it needs them."""
    pattern = _PLAIN_IN_FLOW if in_flow else _PLAIN_IN_BLOCK
    is_plain = pattern.fullmatch(text) is not None or (not in_flow and _LINK.fullmatch(text) is not None)
    if is_plain and plain_value(text) == text and text.lower() not in _OTHERS_READ:
        return text
    if _SINGLE_QUOTED.fullmatch(text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_escaped(character) for character in text) + '"'


def write_name(name: str) -> str:
    """A field's name, also between braces: `on` and `no` need no quotes there, as documents are YAML 1.2."""
    return name if _NAME.fullmatch(name) and plain_value(name) == name else write_text(name, in_flow=True)


def write_lines(text: str, indentation: str, newline: str) -> str | None:
    """Text of several lines after `|`, from that sign on; None where only quotes keep it as it is."""
    if "\n" not in text.rstrip("\n") or _LITERAL.fullmatch(text) is None:
        return None
    body = text.rstrip("\n")
    if len(text) - len(body) > 1 or any(line != line.rstrip() for line in body.split("\n")):
        return None
    lines = [indentation + line if line else "" for line in body.split("\n")]
    return newline.join([("|" if text.endswith("\n") else "|-"), *lines])


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if _SINGLE_QUOTED.fullmatch(character):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
