"""Time zones and units in type names: `timestamp[ns, tz=Europe/Berlin]`, `duration[us]`.

A zone crosses by its name in the IANA list or as an offset such as `+02:00`; anything else crosses as UTC.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import datetime
import re

from .notes import to_text

_OFFSET = re.compile("([+-])([0-9]{2}):?([0-9]{2})$")
_NAME = re.compile("[A-Za-z0-9_+/-]{1,64}$")


def parse(type_name):
    """Return (unit, zone name or None) of a timestamp's or duration's type name."""
    inside = type_name[type_name.index("[") + 1 : -1]
    unit, _, rest = inside.partition(", tz=")
    return unit, rest or None


def zone(name):
    """Return what pandas takes as a zone for this name."""
    match = _OFFSET.match(name)
    if not match:
        return str(name)
    minutes = int(match.group(2)) * 60 + int(match.group(3))
    minutes = -minutes if match.group(1) == "-" else minutes
    if hasattr(datetime, "timezone"):
        return datetime.timezone(datetime.timedelta(minutes=minutes))
    import pytz

    return pytz.FixedOffset(minutes)


def name_of(tzinfo):
    """Return the name under which a zone crosses, or None when it has none that others know."""
    for attribute in ("key", "zone"):  # zoneinfo, pytz
        name = getattr(tzinfo, attribute, None)
        if name:
            return to_text(name) if _NAME.match(to_text(name)) else None
    try:
        offset = tzinfo.utcoffset(None)
    except Exception:
        offset = None
    text = to_text(tzinfo)
    if text in ("UTC", "tzutc()"):
        return "UTC"
    if offset is None:
        return None
    seconds = int(offset.total_seconds())
    if seconds % 60:
        return None
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return "{0}{1:02d}:{2:02d}".format("-" if seconds < 0 else "+", hours, minutes)
