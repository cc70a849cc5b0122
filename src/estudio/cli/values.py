"""Option values: text from the command line into sizes, seconds, seeds and paths.

Each parser raises ValueError with words for people; the command classes add which option it was.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from estudio.core.counted_words import counted

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(?:I?B)?", re.IGNORECASE)
MAX_TEXT_CHARACTERS = 40
"""Longer values are neither sizes nor numbers; the bound keeps their conversion cheap."""
MAX_SIZE_BYTES = 2**62 - 1
"""As `core.limits.Limits` has it."""
MAX_SEED = 2**32 - 1
"""The largest seed that NumPy takes."""


def parse_size(text: str) -> int:
    """Bytes from `512M`, `2G`, `1.5GiB`, `300000`. K, M, G and T count by 1024, with or without `B` or `iB`."""
    match = _SIZE.fullmatch(text.strip()) if len(text) <= MAX_TEXT_CHARACTERS else None
    if match is None:
        raise ValueError(f"{text[:MAX_TEXT_CHARACTERS]!r} is no size; write 512M, 2G, 1.5GiB or a number of bytes.")
    size = (
        int(float(match[1]) * _UNITS[match[2].upper()]) if "." in match[1] else int(match[1]) * _UNITS[match[2].upper()]
    )
    if not 0 < size <= MAX_SIZE_BYTES:
        raise ValueError(f"{text!r} is out of range; give at least 1 byte and less than 4 EiB.")
    return size


def parse_seconds(text: str) -> float:
    """A positive, finite number of seconds."""
    try:
        seconds = float(text) if len(text) <= MAX_TEXT_CHARACTERS else math.nan
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < MAX_SIZE_BYTES:
        raise ValueError(
            f"{text[:MAX_TEXT_CHARACTERS]!r} is no time; give a positive number of seconds, such as 30 or 0.5."
        )
    return seconds


def parse_seed(text: str) -> int:
    """A whole number that both Python's and NumPy's generators take."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_TEXT_CHARACTERS) or int(digits) > MAX_SEED:
        raise ValueError(f"{text[:MAX_TEXT_CHARACTERS]!r} is no seed; give a whole number from 0 to {MAX_SEED}.")
    return int(digits)


def parse_path(text: str) -> Path:
    """A path; the empty text, which `Path` would take for the current folder, is none."""
    if not text or "\0" in text:
        raise ValueError("the name is empty or no file can have it; give the name of a file.")
    return Path(text)


def size_words(size: int) -> str:
    """A number of bytes as people read it: `4 GiB`, `1.5 MiB`, `300 bytes`."""
    for unit, letter in ((1024**4, "T"), (1024**3, "G"), (1024**2, "M"), (1024, "K")):
        if size >= unit:
            return f"{size / unit:.4g} {letter}iB"
    return counted(size, "byte")
