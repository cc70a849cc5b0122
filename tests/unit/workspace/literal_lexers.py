"""Strict readers of the string literals of C#, R and POSIX shells, for languages that are not installed here.

They know only what the language's own definition allows, and refuse everything else: an escape that does not exist, a
line end inside a literal, a quote without its partner.
"""

from __future__ import annotations

import re

_CSHARP = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "'": "'"}
_R = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "'": "'"}
_NUMBERS = re.compile(r"u([0-9a-fA-F]{4})(?![0-9a-fA-F]{0}\{)|U([0-9a-fA-F]{8})")


def csharp_strings(program: str) -> list[str]:
    """The strings of a C# program, decoded. Comments begin with `//`; no verbatim or interpolated strings."""
    return _strings(program, '"', _CSHARP, "//")


def r_strings(program: str) -> list[str]:
    """The strings of an R program, decoded. Comments begin with `#`."""
    return _strings(program, "'\"", _R, "#")


def _strings(program: str, quotes: str, escapes: dict[str, str], comment: str) -> list[str]:
    found: list[str] = []
    place = 0
    while place < len(program):
        char = program[place]
        if program.startswith(comment, place):
            place = program.index("\n", place)
        elif char in quotes:
            text, place = _one(program, place, escapes)
            found.append(text)
        else:
            assert char not in "\\`@$'\"", f"a stray {char!r} outside of strings: {program[place - 20 : place + 20]!r}"
            assert char == "\n" or char.isprintable()
            assert char.isascii(), f"{char!r} outside of strings"
            place += 1
    return found


def _one(program: str, place: int, escapes: dict[str, str]) -> tuple[str, int]:
    quote = program[place]
    place += 1
    text = ""
    while program[place] != quote:
        char = program[place]
        assert char != "\n", "a line ends inside a string"
        if char == "\\":
            number = _NUMBERS.match(program, place + 1)
            if number:
                text += chr(int(number[1] or number[2], 16))
                place = number.end()
            else:
                text += escapes[program[place + 1]]
                place += 2
        else:
            assert char.isprintable(), f"{char!r} cannot be seen"
            text += char
            place += 1
    return text, place + 1
