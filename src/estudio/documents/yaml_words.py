"""What libyaml's errors mean for a person who edits a document, with the usual mistake behind each.

The place is where the scanner gave up, which is often a line after the mistake; where it names the beginning of
what went wrong, that is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import yaml

_MEANINGS = (
    (
        "mapping values are not allowed",
        "a second ': ' in one line, or a line too far to the right: put text that holds ': ' in quotes",
    ),
    ("could not find expected ':'", "a field without ':', or one that goes over two lines: write NAME: VALUE"),
    ("did not find expected key", "the indentation does not fit the lines above, or a quote or bracket is too much"),
    ("did not find expected '-'", "the indentation does not fit the list above"),
    ("did not find expected ',' or", "a ',' or a closing bracket is missing after what begins here"),
    ("did not find expected node content", "a value is missing between brackets and commas"),
    ("block sequence entries are not allowed", "a '- ' where no list can begin: put it on a line of its own"),
    ("block collections are not allowed", "a '- ' or NAME: where brackets are open"),
    ("block mapping entries are not allowed", "a field where none can begin: put it on a line of its own"),
    ("found unexpected end of stream", "a quote is opened and never closed"),
    ("found undefined tag handle", "a '!' tag, which documents do not use: put text that begins with '!' in quotes"),
    ("found unknown escape character", "an unknown '\\' in double quotes: write '\\\\', or use single quotes"),
    ("did not find expected alphabetic or numeric", "a '*' or '&' at the beginning: put the text in quotes"),
    ("mapping keys are not allowed", "a '?' at the beginning: put the text in quotes"),
    ("did not find expected whitespace", "text goes on after what looks like a special word: put all of it in quotes"),
    ("found a tab character", "a tab: YAML indents with spaces"),
    ("invalid leading UTF-8 octet", "bytes that are no UTF-8: save the document as UTF-8"),
    ("did not find expected <document start>", "text after the end of the document, or wrong indentation"),
)
_AT_THE_BEGINNING = ("found unexpected end of stream", "could not find expected ':'", "did not find expected ',' or")
"""Errors whose cause lies where the context began, perhaps many lines above."""
_BEGINNINGS = {
    "%": "'%' cannot begin a value: put the text in quotes",
    "@": "'@' cannot begin a value: put the text in quotes",
    "`": "'`' cannot begin a value: put the text in quotes",
    "\t": "a tab: YAML indents with spaces",
}


def words_of_error(error: yaml.MarkedYAMLError, text: str) -> tuple[tuple[int, int], str]:
    """Line and column, counted from 1, and what to mend."""
    problem = error.problem or "it cannot be read"
    mark = error.problem_mark or error.context_mark
    if problem.startswith(_AT_THE_BEGINNING) and error.context_mark is not None:
        mark = error.context_mark
    line, column, at = (mark.line, mark.column, mark.index) if mark is not None else (0, 0, 0)
    character = text[at : at + 1]
    if "cannot start any token" in problem and character in _BEGINNINGS:
        meaning: str | None = _BEGINNINGS[character]
    else:
        meaning = next((words for begin, words in _MEANINGS if problem.startswith(begin)), None)
    context = f" {error.context}" if error.context else ""
    said = f"the document is no YAML here ({problem}{context})"
    return (line + 1, column + 1), f"{said}: {meaning or 'mend the line, or put its text in quotes'}"
