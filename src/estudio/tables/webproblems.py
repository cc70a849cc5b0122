"""Collects what is wrong with a call's body, a bounded number of problems, each with its place.

Looking for more goes on only until the bound is reached: a million wrong cells cost no more than a few.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from estudio.errors import CallProblem, InvalidCall

MAX_PROBLEMS = 20
"""Told of one call: enough to mend a client, too few to make an answer larger than the question."""
MAX_SHOWN_CHARACTERS = 60
"""Of a value or name from outside inside a message."""
MAX_POINTER_CHARACTERS = 400
"""Of a pointer; one that would be longer ends at its table."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table stands in a body: the input's name and the JSON Pointer to its value."""

    input: str
    pointer: str = ""


@dataclass(slots=True)
class Problems:
    """The problems of one call so far."""

    found: list[CallProblem] = field(default_factory=list)
    more: bool = False

    @property
    def is_full(self) -> bool:
        """Whether looking for more is of no use."""
        return self.more

    def add(self, problem: CallProblem) -> None:
        """Keep it, or note that there are more than are kept."""
        if len(self.found) < MAX_PROBLEMS:
            self.found.append(problem)
        else:
            self.more = True

    def check(self) -> None:
        """Go on if there is none.

        Raises:
            InvalidCall: with all that were kept.
        """
        if self.found:
            raise InvalidCall(self._words(), problems=self.found)

    def _words(self) -> str:
        first = self.found[0].message
        others = len(self.found) - 1
        if self.more:
            return f"{first} There are more than {others} more problems."
        return (
            f"{first} There {'is 1 more problem' if others == 1 else f'are {others} more problems'}."
            if others
            else first
        )


def escaped(name: str) -> str:
    """A name as one part of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def pointer_to(place: Place, *parts: str | int) -> str:
    """The JSON Pointer to something inside a table's value, bounded."""
    tail = "".join(f"/{escaped(part) if isinstance(part, str) else part}" for part in parts)
    whole = place.pointer + tail
    return whole if len(whole) <= MAX_POINTER_CHARACTERS else place.pointer[:MAX_POINTER_CHARACTERS]


def shown(value: object) -> str:
    """A value from outside inside a message: on one line and short; what is nested is not shown at all."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    text = repr(value[: MAX_SHOWN_CHARACTERS + 1]) if isinstance(value, str) else str(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"
