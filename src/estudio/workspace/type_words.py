"""Types of columns in people's words: `whole number` for `int64`."""

from __future__ import annotations

_WORDS = (
    ("bool", "true/false"),
    ("int", "whole number"),
    ("uint", "whole number"),
    ("float", "number"),
    ("double", "number"),
    ("half", "number"),
    ("decimal", "decimal"),
    ("timestamp", "date and time"),
    ("duration", "duration"),
    ("date", "date"),
    ("time", "time"),
    ("large_string", "text"),
    ("string", "text"),
    ("large_binary", "bytes"),
    ("dictionary", "category"),
    ("large_list", "list"),
    ("null", "nothing"),
)
"""By the beginning of a type's name; `timestamp` before `time`."""


def type_words(name: str) -> str:
    """The words for a type's name as `core.layout` has it; the name itself where there are none."""
    return next((words for beginning, words in _WORDS if name.startswith(beginning)), name)
