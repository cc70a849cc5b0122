"""A script's text without running it: its characters, its syntax tree where this Python can parse it, else its words.

A script may be of Python 2, or newer than the Python that runs estudio: that it cannot be parsed here says nothing
about it. Its own interpreter tells the author what is wrong.
"""

from __future__ import annotations

import ast
import codecs
import re
import threading
import warnings
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PARSED_CHARACTERS = 1024 * 1024
"""A syntax tree takes a hundred times the memory of its text; longer scripts are looked at word by word."""

_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_CODINGS = frozenset({"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "cp1250", "cp1251", "koi8-r", "mac-roman"})
"""What scripts are written in; anything else is read as Latin-1, in which every byte is a character."""
_WORD = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<text>(?:\b[rRbBuUfFtT]{1,3})?(?:\"{3}(?:\\.|[^\\])*?(?:\"{3}|\Z)|'{3}(?:\\.|[^\\])*?(?:'{3}|\Z)
        |"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))
    |(?P<name>[^\W\d]\w*)
    |(?P<number>0[xXbBoO]\w+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\w*)
    |(?P<line>\n[ \t\f]*)
    |(?P<space>(?:[ \t\f]|\\\n)+)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_PARSING = threading.Lock()


class Word(NamedTuple):
    """A piece of a script: `kind` is comment, text, name, number, line, space or sign."""

    kind: str
    text: str
    begin: int


def read_script_text(content: bytes) -> tuple[str, str]:
    """A script's characters with line feeds only, and what it is written in."""
    coding = _coding(content)
    try:
        text = content.decode("utf-8-sig" if coding == "utf-8" else coding)
    except UnicodeDecodeError:
        coding = "iso8859-1"
        text = content.decode(coding)
    return text.replace("\r\n", "\n").replace("\r", "\n"), coding


def parse_script(text: str) -> ast.Module | None:
    """The syntax tree, or None where this Python cannot make one. Any thread may call it."""
    if len(text) > MAX_PARSED_CHARACTERS:
        return None
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return None


def words_of(text: str) -> Iterator[Word]:
    """The pieces of any Python's source, in order; together they are the text. Unfinished strings end somewhere."""
    for match in _WORD.finditer(text):
        yield Word(match.lastgroup or "sign", match[0], match.start())


def _coding(content: bytes) -> str:
    """What PEP 263 says in the first two lines, under the codec's one name."""
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8"
    for line in content.split(b"\n", 2)[:2]:
        match = _CODING.match(line)
        if match:
            try:
                name = codecs.lookup(match[1].decode("ascii")).name
            except (LookupError, UnicodeDecodeError):
                return "iso8859-1"
            return name if name in _CODINGS else "iso8859-1"
        if line.strip() and not line.lstrip().startswith(b"#"):
            break
    return "utf-8"
