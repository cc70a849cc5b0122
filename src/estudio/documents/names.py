"""Near names for messages, at a bounded cost: comparing with 2 000 modules takes a tenth of a second."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_LISTED = 12
"""Names that are listed where none is near."""
MAX_COMPARED = 20_000
"""Names that one `NearNames` compares with, together: one to two seconds at the very worst."""
MAX_NAME_CHARACTERS = 100
"""Longer names are not compared: the comparison is quadratic in their length."""


class NearNames:
    """Finds near names for one document until its budget is spent; after that, messages go without."""

    def __init__(self) -> None:
        self._left = MAX_COMPARED

    def hint(self, wrong: str, names: Collection[str]) -> str:
        """A sentence that follows a full stop: the near name, or those that exist where they are few, or ""."""
        if len(wrong) <= MAX_NAME_CHARACTERS and 0 < len(names) <= self._left:
            self._left -= len(names)
            folded = [name for name in names if name.casefold() == wrong.casefold()]
            near = folded or difflib.get_close_matches(wrong, list(names), n=1)
            if near:
                return f" Did you mean {near[0]!r}?"
        if 0 < len(names) <= MAX_LISTED:
            return f" There is {', '.join(names)}." if len(names) == 1 else f" There are {', '.join(names)}."
        return ""


def near_field(wrong: str, names: Collection[str]) -> str:
    """The same for a short and fixed set of names."""
    return NearNames().hint(wrong, names)
