"""What is wrong in a document, as values: where, which rule, how to mend it. All are collected, then raised at once.

The place is that of the value or field in the file as it is on disk, counted from 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from estudio.errors import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_PROBLEMS = 200
"""In one error: more than a person mends before looking again."""
MAX_MESSAGE_CHARACTERS = 1_000
"""Of one problem: a document may hold names of any length."""


class ProblemCode(StrEnum):
    """Which rule a document breaks."""

    SYNTAX = "syntax"
    """It is no YAML, or YAML that documents do not use (anchors, tags)."""
    DUPLICATE = "duplicate"
    """A field twice in one mapping."""
    TOO_MUCH = "too-much"
    VERSION = "version"
    """`estudio:` is missing, or of a later version."""
    UNKNOWN_FIELD = "unknown-field"
    UNKNOWN_KIND = "unknown-kind"
    UNKNOWN_MODULE = "unknown-module"
    UNKNOWN_PORT = "unknown-port"
    UNKNOWN_PARAMETER = "unknown-parameter"
    """A script or an experiment has no parameter of that name."""
    MISSING_FIELD = "missing-field"
    MISSING_INPUT = "missing-input"
    """An input port that needs a connection has none."""
    MISSING_VALUE = "missing-value"
    """A field without a value."""
    WRONG_NAME = "wrong-name"
    WRONG_TYPE = "wrong-type"
    OUT_OF_RANGE = "out-of-range"
    NOT_A_CHOICE = "not-a-choice"
    WRONG_PATH = "wrong-path"
    """A path that leaves the workspace, or is none."""
    MISSING_FILE = "missing-file"
    WRONG_LINK = "wrong-link"
    """`${…}` that is unfinished, or to a parameter of another type."""
    PORT_TYPE = "port-type"
    SECOND_CONNECTION = "second-connection"
    CYCLE = "cycle"
    WRONG_FILE = "wrong-file"
    """A file that a module needs is there, but cannot be used: a script without `azureml_main`."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        file: the document, relative to the workspace.
        line: counted from 1.
        column: alike.
        code: which rule.
        message: what, which one, the rule, and how to mend it.
    """

    file: str
    line: int
    column: int
    code: ProblemCode
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(slots=True)
class ProblemList:
    """Collects the problems of one document."""

    file: str
    found: list[Problem] = field(default_factory=list)

    def add(self, place: tuple[int, int], code: ProblemCode | str, message: str) -> None:
        """Note a problem at (line, column); what a terminal would act on is written as an escape."""
        if len(message) > MAX_MESSAGE_CHARACTERS:
            message = message[:MAX_MESSAGE_CHARACTERS] + "…"
        if not message.isprintable():
            message = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in message)
        message += "" if message.endswith((".", "?", "…")) else "."
        self.found.append(Problem(self.file, *place, ProblemCode(code), message))

    def sorted(self) -> tuple[Problem, ...]:
        """All problems in the order of the document, each once."""
        return tuple(sorted(set(self.found)))


def raise_problems(problems: Iterable[Problem]) -> None:
    """Raise all problems of a document as one error; nothing happens where there are none.

    Raises:
        InvalidDocument: `problems` holds `file:line: message` for each, the message the first.
    """
    found = tuple(problems)
    if not found:
        return
    first = found[0]
    more = "" if len(found) == 1 else f" There are {len(found) - 1} more problems." if len(found) > 2 else _ONE_MORE
    texts = [str(problem) for problem in found[:MAX_PROBLEMS]]
    if len(found) > MAX_PROBLEMS:
        texts.append(f"{first.file}: {len(found) - MAX_PROBLEMS} more problems are not shown; mend these first.")
    raise InvalidDocument(
        f"{first}{more}",
        problems=texts,
        file=first.file,
        line=first.line,
        problem=first.code.value,
        count=len(found),
    )


_ONE_MORE = " There is 1 more problem."
