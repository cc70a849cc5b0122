"""Dates and times of web service calls: from text to ticks and back, without losing a nanosecond.

ISO 8601 everywhere, and the old system's `M/d/yyyy h:mm:ss tt` beside it. Where a column has no zone, an offset in the
text is used up: the moment is kept as UTC.
"""

from __future__ import annotations

import datetime as dt
import re

from estudio.tables.valuetext import PER_SECOND

EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
INT64 = 2**63 - 1

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_CLASSIC = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: (\d{1,2}):(\d\d)(?::(\d\d))?(?: ([AaPp])[Mm])?)?", re.ASCII)
_CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?", re.ASCII)
_DURATION = re.compile(
    r"(?:(-?\d{1,9}) days?,? ?)?(?:(?:^|(?<= )|(?<=s))(-)?(\d{1,9}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?", re.ASCII
)


def parse_moment(text: str, unit: str, *, zoned: bool) -> int:
    """Ticks since the epoch of a date with or without a time.

    Raises:
        ValueError: in words that follow "is".
    """
    return ticks_of(_nanoseconds(text, zoned=zoned), unit)


def parse_date(text: str) -> int:
    """Days since the epoch; a time of day must be midnight. Raises ValueError."""
    days, rest = divmod(_nanoseconds(text, zoned=False), 86_400 * 10**9)
    if rest:
        raise ValueError("has a time of day, but the column holds dates: leave the time out")
    return days


def parse_clock(text: str, unit: str) -> int:
    """Ticks since midnight of `HH:MM[:SS[.fraction]]`. Raises ValueError."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError("is no time of day; write e.g. 14:30:00")
    return ticks_of(_clock_nanoseconds(match[1], match[2], match[3], match[4]), unit)


def parse_duration(text: str, unit: str) -> int:
    """Ticks of `1 days 02:03:04.5`, `-1 days 23:59:59` or `02:03:04`, as they are written. Raises ValueError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not text.strip() or (match[1] is None and match[3] is None):
        raise ValueError("is no duration; write e.g. '1 days 02:03:04.5'")
    days, sign, hours, minutes, seconds, fraction = match.groups()
    if int(minutes or 0) > 59 or int(seconds or 0) > 59:
        raise ValueError("is no duration: minutes and seconds go up to 59")
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    clock = whole * 10**9 + _fraction(fraction)
    return ticks_of(int(days or 0) * 86_400 * 10**9 + (-clock if sign else clock), unit)


def ticks_of(nanoseconds: int, unit: str) -> int:
    """Nanoseconds in ticks of a unit, none lost; not beyond int64, whose smallest value means missing.

    Raises:
        ValueError: in words that follow "is" or stand alone.
    """
    ticks, rest = divmod(nanoseconds, 10**9 // PER_SECOND[unit])
    if rest:
        raise ValueError(f"is finer than the column's unit, {unit}: leave the last digits out")
    if abs(ticks) > INT64:
        raise ValueError(f"lies outside of what a column in {unit} can hold{_REACH.get(unit, '')}")
    return ticks


_REACH = {"ns": ": the years 1677 to 2262"}


def _nanoseconds(text: str, *, zoned: bool) -> int:
    found = _iso_nanoseconds(text, zoned=zoned)
    return _classic_nanoseconds(text, zoned=zoned) if found is None else found


def _iso_nanoseconds(text: str, *, zoned: bool) -> int | None:
    match = _ISO.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    at = _day(year, month, day) * 86_400 * 10**9
    if hour is not None:
        at += _clock_nanoseconds(hour, minute, second, fraction)
    if zone is None:
        if zoned:
            raise ValueError("has no offset, but the column has a zone: add Z or e.g. +01:00")
        return at
    return at - _offset_seconds(zone) * 10**9


def _classic_nanoseconds(text: str, *, zoned: bool) -> int:
    match = _CLASSIC.fullmatch(text.strip())
    if match is None:
        raise ValueError("is no date or time; write e.g. 2024-02-29T14:30:00" + ("Z" if zoned else ""))
    if zoned:
        raise ValueError("has no offset, but the column has a zone: write e.g. 2024-02-29T14:30:00Z")
    month, day, year, hour, minute, second, half = match.groups()
    at = _day(year, month, day) * 86_400 * 10**9
    if hour is None:
        return at
    return at + _clock_nanoseconds(_of_24(hour, half), minute, second, None)


def _of_24(hour: str, half: str | None) -> str:
    if half is None:
        return hour
    if not 1 <= int(hour) <= 12:
        raise ValueError("is no time: hours with AM or PM go from 1 to 12")
    return str(int(hour) % 12 + (12 if half in "Pp" else 0))


def _day(year: str, month: str, day: str) -> int:
    try:
        return dt.date(int(year), int(month), int(day)).toordinal() - EPOCH_DAY
    except ValueError:
        raise ValueError("is no date of the calendar") from None


def _clock_nanoseconds(hour: str, minute: str | None, second: str | None, fraction: str | None) -> int:
    if int(hour) > 23 or int(minute or 0) > 59 or int(second or 0) > 59:
        raise ValueError("is no time of day: hours go up to 23, minutes and seconds to 59")
    return ((int(hour) * 60 + int(minute or 0)) * 60 + int(second or 0)) * 10**9 + _fraction(fraction)


def _fraction(digits: str | None) -> int:
    return int(digits.ljust(9, "0")) if digits else 0


def _offset_seconds(zone: str) -> int:
    if zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise ValueError("has an offset that cannot be")
    return (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)
