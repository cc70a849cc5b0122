"""How connected tables become arguments: the two old systems disagree, so the caller chooses."""

from __future__ import annotations

from enum import StrEnum

MAX_TABLES = 12
"""Tables of one call. A guest takes at most 16 descriptors with one message: these, the result and the bundle."""
MIN_PORTS = 2
"""Every script has these table ports, connected or not."""


class Calling(StrEnum):
    """The calling rule of a script call."""

    CLASSIC = "classic"
    """The first *connected* port is the first argument, the second the second."""
    DESIGNER = "designer"
    """Port i is argument i, `None` where nothing is connected."""
