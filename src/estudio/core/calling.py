"""How connected tables become arguments: the two old systems disagree, so the caller chooses."""

from __future__ import annotations

from enum import StrEnum


class Calling(StrEnum):
    """The calling rule of a script call."""

    CLASSIC = "classic"
    """The first *connected* port is the first argument, the second the second."""
    DESIGNER = "designer"
    """Port i is argument i, `None` where nothing is connected."""
