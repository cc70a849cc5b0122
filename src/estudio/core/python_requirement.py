"""Which Pythons an environment accepts: `3.12`, `3.11.7`, `>=3.11`, `>=3.8,<3.12`, `==3.9.*`, `~=3.10`.

A bare version and `==` mean any of the series (`3.12` is every 3.12.x), as `python3.12` on a command line does;
packaging's own rule, that `==3.12` is 3.12.0 alone, serves nobody here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from estudio.errors import InvalidDocument

Version: TypeAlias = tuple[int, int, int]

_CLAUSE = re.compile(
    r"\s*(?P<operator>==|!=|~=|>=|<=|>|<|)\s*(?P<version>\d{1,2}(?:\.\d{1,3}){0,2})(?P<series>\.\*)?\s*", re.ASCII
)
MAX_CLAUSES = 8
"""Two bounds and a few exceptions."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One bound: an operator ("" for a bare version) and one to three numbers."""

    operator: str
    version: tuple[int, ...]

    def allows(self, version: Version) -> bool:
        """Whether a version keeps to this bound."""
        series = version[: len(self.version)]
        padded = self.version + (0,) * (3 - len(self.version))
        answers = {
            "": series == self.version,
            "==": series == self.version,
            "!=": series != self.version,
            "~=": version >= padded and series[:-1] == self.version[:-1],
            ">=": version >= padded,
            "<=": version <= padded,
            ">": version > padded,
            "<": version < padded,
        }
        return answers[self.operator]


@dataclass(frozen=True, slots=True)
class PythonRequirement:
    """A requirement as it was written, and its clauses, all of which must hold."""

    text: str
    clauses: tuple[Clause, ...]

    @property
    def exact(self) -> bool:
        """Whether it names one version or series, so that no other would be guessed for it."""
        return len(self.clauses) == 1 and self.clauses[0].operator in {"", "=="}

    def allows(self, version: Version) -> bool:
        """Whether a Python of this version satisfies it."""
        return all(clause.allows(version) for clause in self.clauses)

    def __str__(self) -> str:
        return self.text


def parse_python_requirement(untrusted: str, source: str) -> PythonRequirement:
    """Read a Python requirement.

    Raises:
        InvalidDocument: not of the form above.
    """
    parts = untrusted.split(",") if len(untrusted) <= 100 else []
    if 1 <= len(parts) <= MAX_CLAUSES:
        clauses = [_parse_clause(part) for part in parts]
        if all(clauses):
            return PythonRequirement(untrusted.strip(), tuple(clause for clause in clauses if clause))
    shown = untrusted[:80]
    message = f"The environment {source} asks for the Python {shown!r}; write a version such as '3.12' or '>=3.11'."
    raise InvalidDocument(message, source=source, field="python")


def _parse_clause(text: str) -> Clause | None:
    match = _CLAUSE.fullmatch(text)
    if match is None:
        return None
    operator, series = match["operator"], match["series"] is not None
    version = tuple(int(part) for part in match["version"].split("."))
    if (series and operator not in {"", "==", "!="}) or (operator == "~=" and len(version) < 2):
        return None
    return Clause(operator, version)
