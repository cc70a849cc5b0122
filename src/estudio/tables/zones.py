"""Time zones that this machine knows. An unknown one is refused before a later reader stumbles, or crashes, over it."""

from __future__ import annotations

import functools
import re
import zoneinfo

_OFFSET = re.compile(r"[+-][0-9]{2}:[0-9]{2}")


@functools.lru_cache(maxsize=1024)
def is_known_zone(zone: str | None) -> bool:
    """Whether a zone is none, UTC, an offset such as +05:30, or a name of the IANA database."""
    if zone in (None, "UTC") or _OFFSET.fullmatch(zone):
        return True
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
