"""Finds the type of a column of Python objects, in one pass over the *set* of their types.

Text with numbers becomes text, numbers with booleans become numbers; whatever cannot cross is the author's error that
names the column, the row and the type. `encode_objects` is also used for the elements of list cells.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import datetime
import decimal
import numbers
import uuid

import numpy as np
import pandas as pd

from . import encoding, zones
from .notes import PY2, TEXT, AuthorError, note, shown, to_text

NUMBERS = frozenset(["bool", "int", "float", "decimal"])
MOMENTS = frozenset(["date", "datetime", "time", "timedelta"])
LABELS = frozenset(["label"])

_KINDS = (
    (TEXT, "text"),
    ((bool, np.bool_), "bool"),
    ((np.timedelta64, datetime.timedelta), "timedelta"),
    (numbers.Integral, "int"),
    ((float, np.floating), "float"),
    (decimal.Decimal, "decimal"),
    ((datetime.datetime, np.datetime64), "datetime"),
    (datetime.date, "date"),
    (datetime.time, "time"),
    (bytes, "bytes-or-text" if PY2 else "bytes"),
    ((bytearray, memoryview), "bytes"),
    ((list, tuple, set, frozenset, np.ndarray, pd.Series, pd.Index), "list"),
    ((uuid.UUID, pd.Period, pd.Interval), "label"),
)


def encode_objects(name, values, depth=0):
    """Encode an object array.

    Args:
        name: the column, for messages.
        values: a 1-D object array.
        depth: 1 for the elements of list cells, which cannot be lists themselves.

    Raises:
        AuthorError: a value that has no place in a table.
    """
    absent = _absent(values)
    there = values[~absent] if absent.any() else values
    kinds = _kinds_of(name, values, there)
    if "bytes-or-text" in kinds:
        kinds = (kinds - {"bytes-or-text"}) | {"text" if _all_utf8(there) else "bytes"}
    encoder = _choose(name, kinds, depth, values, there)
    return encoder(name, values, there, absent)


def _absent(values):
    absent = pd.isna(values) if len(values) else np.zeros(0, bool)
    return absent if absent.dtype == bool and absent.shape == values.shape else np.array([v is None for v in values])


def _kinds_of(name, values, there):
    kinds = set()
    for kind in set(map(type, there)):
        found = next((word for types, word in _KINDS if issubclass(kind, types)), None)
        if found is None:
            raise refuse(name, values, kind)
        kinds.add(found)
    return kinds


def refuse(name, values, kind, why="which has no place in a table"):
    """Return the author's error for the first value of a type."""
    row = next((row for row, value in enumerate(values) if type(value) is kind), 0)
    type_name = "{0}.{1}".format(kind.__module__, kind.__name__)
    type_name = type_name.replace("builtins.", "").replace("__builtin__.", "")
    return AuthorError(
        "wrong-result",
        "The result column {0} holds a value of type {1} in row {2}, {3}: "
        "convert it to text, a number, a date, bytes or a list of such.".format(
            shown(name), to_text(type_name), row, why
        ),
    )


def _choose(name, kinds, depth, values, there):
    if not kinds:
        return _texts
    if kinds <= NUMBERS:
        return _numbers(kinds)
    if kinds <= frozenset(["date", "datetime"]):
        return _moments if "datetime" in kinds else _dates
    if len(kinds) == 1:
        (kind,) = kinds
        if kind == "list" and depth:
            raise refuse(name, values, type(there[0]), "a list within a list")
        return {
            "text": _texts, "bytes": _binaries, "time": _times, "timedelta": _durations, "list": _lists,
            "label": _labels,
        }[kind]  # fmt: skip
    if kinds <= NUMBERS | {"text"}:
        return _mixed
    if kinds <= NUMBERS | MOMENTS | LABELS | {"text"}:
        return _labels
    wrong = "list" if "list" in kinds else "bytes"
    kind = next(type(v) for v in there if next(w for t, w in _KINDS if isinstance(v, t)).startswith(wrong))
    raise refuse(name, values, kind, "beside values of other types")


def _all_utf8(there):
    try:
        for value in there:
            if isinstance(value, bytes):
                value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _numbers(kinds):
    if kinds == {"bool"}:
        return _booleans
    if "float" in kinds:
        return _floats
    return _decimals if "decimal" in kinds else _integers


def _filled(values, there, absent, dtype, convert):
    array = np.zeros(len(values), dtype)
    array[~absent] = [convert(value) for value in there]
    return array


def _booleans(name, values, there, absent):
    return encoding.booleans(_filled(values, there, absent, "?", bool), absent)


def _floats(name, values, there, absent):
    try:
        array = _filled(values, there, absent, "f8", float)
    except OverflowError:
        raise _too_big(name, values, there)
    array[absent] = np.nan
    return encoding.fixed(array, absent)


def _integers(name, values, there, absent):
    whole = [int(value) for value in there]
    low, high = min(whole), max(whole)
    if low < -(2**63) or high >= (2**63 if low < 0 else 2**64):
        raise _too_big(name, values, there)
    dtype = "i8" if high < 2**63 else "u8"
    return encoding.fixed(_filled(values, whole, absent, dtype, int), absent)


def _too_big(name, values, there):
    worst = max((value for value in there if not isinstance(value, float)), key=abs)
    row = next(row for row, value in enumerate(values) if value is worst)
    return AuthorError(
        "wrong-result",
        "The result column {0} holds the number {1} in row {2}, which fits neither int64 nor uint64 with its "
        "neighbours: convert the column to float or text.".format(shown(name), shown(worst), row),
    )


def _decimals(name, values, there, absent):
    exact = [value if isinstance(value, decimal.Decimal) else decimal.Decimal(int(value)) for value in there]
    absent = absent.copy()
    if any(value.is_nan() for value in exact):
        absent[~absent] = [value.is_nan() for value in exact]
        exact = [value for value in exact if not value.is_nan()]
    if any(value.is_infinite() for value in exact):
        return _floats(name, values, [float(value) for value in exact], absent)
    return encoding.decimals(name, exact, absent)


def _texts(name, values, there, absent):
    return encoding.texts(name, values, absent)


def _mixed(name, values, there, absent):
    words = values.copy()
    words[~absent] = _objects([to_text(value) for value in there])
    return encoding.texts(name, words, absent)


def _labels(name, values, there, absent):
    note("the result column {0} holds {1}; it goes on as text".format(shown(name), _type_names(there)))
    return _mixed(name, values, there, absent)


def _type_names(there):
    return " and ".join(sorted(set(to_text(kind.__name__) for kind in set(map(type, there)))))


def _binaries(name, values, there, absent):
    return encoding.binaries([b"" if gone else bytes(value) for value, gone in zip(values, absent.tolist())], absent)


def _dates(name, values, there, absent):
    epoch = datetime.date(1970, 1, 1).toordinal()
    days = _filled(values, there, absent, "i4", lambda value: value.toordinal() - epoch)
    return encoding.Encoded("date32", len(days), absent, [days])


def _times(name, values, there, absent):
    def count(value):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 10**6 + value.microsecond

    return encoding.Encoded("time64[us]", len(values), absent, [_filled(values, there, absent, "i8", count)])


def _moments(name, values, there, absent):
    there = [_midnight(value) for value in there]
    zoned = [value for value in there if getattr(value, "tzinfo", None) is not None]
    if zoned and len(zoned) < len(there):
        raise AuthorError(
            "wrong-result",
            "The result column {0} mixes times with and without a zone: give all of them one.".format(shown(name)),
        )
    names = set(zones.name_of(value.tzinfo) for value in zoned)
    if zoned and (len(names) > 1 or None in names):
        note("the result column {0} has times in several or unnamed zones; they go on as UTC".format(shown(name)))
    try:
        index = pd.to_datetime(pd.Series(there), utc=True if zoned else None)
        stamps = index.dt.tz_convert("UTC").dt.tz_localize(None).values if zoned else index.values
        if stamps.dtype.kind != "M":
            raise ValueError
    except (ValueError, OverflowError):
        stamps = np.array([_plain(value) for value in there], dtype=str("M8[us]"))
    array = np.full(len(values), np.iinfo("i8").min, "i8").view(stamps.dtype)
    array[~absent] = stamps
    return encoding.moments(array, (names.pop() if len(names) == 1 else None) or "UTC" if zoned else None)


def _midnight(value):
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return datetime.datetime(value.year, value.month, value.day)
    return value


def _plain(value):
    offset = value.utcoffset() if getattr(value, "tzinfo", None) is not None else None
    return value if offset is None else value.replace(tzinfo=None) - offset


def _durations(name, values, there, absent):
    try:
        spans = pd.to_timedelta(pd.Series(list(there))).values
    except (ValueError, OverflowError):
        spans = np.array(list(there), dtype=str("m8[us]"))
    array = np.full(len(values), np.iinfo("i8").min, "i8").view(spans.dtype)
    array[~absent] = spans
    return encoding.moments(array, None)


def _lists(name, values, there, absent):
    lengths = np.zeros(len(values) + 1, "i8")
    elements = []
    for row, value in enumerate(values):
        if not absent[row]:
            if getattr(value, "ndim", 1) != 1:
                raise refuse(name, values, type(value), "an array that is no plain list")
            items = list(value)
            elements.extend(items)
            lengths[row + 1] = len(items)
    child = encode_objects(name, _objects(elements), depth=1)
    return encoding.Encoded("large_list", len(values), absent, [np.cumsum(lengths)], (child,))


def _objects(values):
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array
