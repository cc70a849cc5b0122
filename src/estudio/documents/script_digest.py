"""A script's normal form, for cache keys: comments and formatting do not show in it, everything else does.

Line numbers do not show either: a traceback's may change, a result does not.
"""

from __future__ import annotations

import ast

from estudio.documents.script_text import parse_script, read_script_text, words_of


def script_digest_text(content: bytes) -> bytes:
    """The bytes to take a digest of.

    Of a script that this Python parses, its syntax tree with docstrings; of another one, its words without comments,
    blank lines and blanks at line ends.
    """
    text, coding = read_script_text(content)
    tree = parse_script(text)
    kind = "words" if tree is None else "tree"
    body = _words(text) if tree is None else _tree(tree)
    return f"{kind} {coding}\n{body}".encode("utf-8", "surrogatepass")


def _tree(tree: ast.AST) -> str:
    """The tree in one line, without recursion. Empty fields are left out: other Python versions know more of them."""
    parts: list[str] = []
    left: list[object] = [tree]
    while left:
        item = left.pop()
        if isinstance(item, ast.AST):
            fields = [(name, getattr(item, name, None)) for name in item._fields]
            kept = [(name, value) for name, value in fields if value is not None and value != []]
            parts.append(f"{type(item).__name__}(")
            left.append(_Written(")"))
            for name, value in reversed(kept):
                left.extend((value, _Written(f" {name}=")))
            if isinstance(item, ast.Constant) and item.value is None:
                parts.append("None")
        elif isinstance(item, _Written):
            parts.append(item)
        elif isinstance(item, list):
            parts.append("[")
            left.append(_Written("]"))
            left.extend(part for child in reversed(item) for part in (_Written(","), child))
        else:
            parts.append(hex(item) if type(item) is int else repr(item))
    return "".join(parts)


class _Written(str):
    """A part of the form itself, no value of the script."""

    __slots__ = ()


def _words(text: str) -> str:
    kept: list[str] = []
    for word in words_of(text):
        if word.kind == "line":
            while kept and (kept[-1].isspace() or not kept[-1]):
                kept.pop()
            kept.append(word.text)
        elif word.kind == "space":
            kept.append(" ")
        elif word.kind != "comment":
            kept.append(word.text)
    return "".join(kept).strip()
