"""The rule for column names: text, and no two alike.

A name that is already there is never changed, even if it looks like one that the rule makes: `a`, `a`, `a (1)`
becomes `a`, `a (2)`, `a (1)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

UNNAMED = "Col{number}"
"""The old system's name of a column without one, counted from 1."""


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Keep the first of equal names, give the others ` (1)`, ` (2)`, … in order (the classic rule)."""
    wanted = list(names)
    taken = set(wanted)
    seen: set[str] = set()
    next_number: dict[str, int] = {}
    result = []
    for name in wanted:
        if name not in seen:
            seen.add(name)
            result.append(name)
            continue
        number = next_number.get(name, 1)
        while f"{name} ({number})" in taken:
            number += 1
        next_number[name] = number + 1
        taken.add(f"{name} ({number})")
        result.append(f"{name} ({number})")
    return tuple(result)


def header_names(cells: Iterable[str | None]) -> tuple[str, ...]:
    """The names of a header row: an empty cell gets its number, `Col3`, then duplicates are numbered."""
    return unique_names(cell or UNNAMED.format(number=number) for number, cell in enumerate(cells, 1))


def numbered_names(count: int) -> tuple[str, ...]:
    """Col1 … ColN, the names of a table without a header row."""
    return tuple(UNNAMED.format(number=number) for number in range(1, count + 1))
