"""Figures of statistics as short words for a terminal: numbers of four digits, shares, histograms of block characters.

Everything from a table comes out as literal text without control characters.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from estudio.cli.untrusted_text import neutralise_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.core.statistics import Value

MISSING = "-"
"""Shown where there is no figure."""
MAX_VALUE_WIDTH = 20
"""Of a value in a table's cell."""
BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN_BLOCKS = ".:-=+*%#"
"""Where output cannot carry the others."""
_INVISIBLE = re.compile("[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
"""Marks that turn the direction of text around or cannot be seen: a name must not rearrange the line that it is in."""
_FRACTION = re.compile(r"(\d\d:\d\d:\d\d)\.\d+")
_SECONDS = re.compile(r"^(-?\d{4,}-\d\d-\d\d \d\d:\d\d):\d\d(?:\.\d+)?")
_HOURS = re.compile(r"^(-?\d{2,} days) .*")


def value_words(value: Value | None) -> str:
    """One value in few characters; times without parts of a second."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return shortened(_FRACTION.sub(r"\1", value))
    return number_words(value)


def rough_words(value: Value | None) -> str:
    """A mean or a spread: dates with times to the minute, durations from ten days on in days."""
    if isinstance(value, str):
        return value_words(_HOURS.sub(r"\1", _SECONDS.sub(r"\1", value)))
    return value_words(value)


def number_words(number: float) -> str:
    """Whole numbers in full up to nine digits, all others with four significant digits."""
    if isinstance(number, int) or (math.isfinite(number) and number == int(number)):
        return f"{int(number):,}" if abs(number) < 10**9 else f"{float(number):.4g}"
    return f"{number:.4g}"


def count_words(count: int | None, *, approximate: bool = False, plain: bool = False) -> str:
    """A number of things, with a sign before it if it is an estimate (rounded to three digits then)."""
    if count is None:
        return MISSING
    if not approximate:
        return f"{count:,}"
    rounded = int(float(f"{count:.3g}"))
    return f"{'~' if plain else '≈'}{rounded:,}"


def share_words(part: int, whole: int) -> str:
    """`12 %`; what is neither nothing nor all never looks like it."""
    if not whole:
        return MISSING
    percent = 100 * part / whole
    if 0 < percent < 1:
        return "<1 %"
    if 99 < percent < 100:
        return ">99 %"
    return f"{percent:.0f} %"


def shortened(text: str, width: int = MAX_VALUE_WIDTH) -> str:
    """Text from a table as one harmless piece of at most `width` characters; empty text is shown as quotes."""
    shown = literal(text[: width + 1])
    if not shown:
        return '""'
    return shown if len(shown) <= width else f"{shown[: width - 1]}…"


def literal(text: str) -> str:
    """Text from a table without anything that drives a terminal or hides in it."""
    return _INVISIBLE.sub(lambda match: f"<U+{ord(match[0]):04X}>", neutralise_line(text))


def bars(counts: Sequence[int], *, plain: bool = False) -> str:
    """A histogram as one character per bin; an empty bin is a space, one with anything in it never is."""
    signs = PLAIN_BLOCKS if plain else BLOCKS
    most = max(counts, default=0)
    return "".join(signs[-(-len(signs) * count // most) - 1] if count else " " for count in counts)
