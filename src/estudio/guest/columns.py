"""Turns the buffers of an input column into what a DataFrame holds, over the file's memory where pandas allows it.

What is handed over for each type is the contract with the script: integers with missing values become floats with
NaN, booleans with missing values become objects with None, missing text is NaN. On Python 2 text cells are UTF-8 byte
strings, because scripts of that time call `.decode('utf8')` and two-argument `translate` on them.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import datetime
import decimal

import numpy as np
import pandas as pd

from . import zones
from .buffers import unpack_bits
from .notes import PY2, note

try:
    import pyarrow as pa
except ImportError:
    pa = None

PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])
KEEPS_UNITS = PANDAS >= (2, 0)
"""Older pandas know nanoseconds only."""
TEXT_DTYPE = pd.StringDtype(na_value=np.nan) if PANDAS >= (3, 0) else None
ARROW_TEXT = pa is not None and hasattr(pa, "large_string") and not PY2
WIDE = decimal.Context(prec=80, Emax=999999, Emin=-999999)
"""Room for decimal256; the default context would round at 28 digits."""
_DAY_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def hand_over(column, held):
    """Return the values of one column: a NumPy array or a pandas extension array."""
    kind = column["type"]
    reader = _EXACT.get(kind)
    if reader is None:
        reader = _READERS[kind.split("[")[0].split("(")[0]]
    return reader(column, held)


def cells(column, held):
    """Return a column's values as a list of Python objects, None where missing (the elements of list cells)."""
    kind, rows = column["type"], column["rows"]
    present = held.present(column)
    if kind in _DTYPES:
        values = held.array(_DTYPES[kind], rows, column["buffers"][1]).tolist()
    elif kind == "bool":
        values = _booleans(column, held).tolist()
    else:
        values = list(pd.Series(hand_over(column, held)))
    if present is None:
        return values if kind != "null" else [None] * rows
    return [value if there else None for value, there in zip(values, present.tolist())]


def _integers(column, held):
    values = held.array(_DTYPES[column["type"]], column["rows"], column["buffers"][1])
    present = held.present(column)
    if present is None:
        return values
    floats = values.astype("f8")
    floats[~present] = np.nan
    return floats


def _floats(column, held):
    return held.array(_DTYPES[column["type"]], column["rows"], column["buffers"][1])


def _booleans(column, held):
    rows = column["rows"]
    return unpack_bits(held.array("u1", (rows + 7) // 8, column["buffers"][1]), rows)


def _booleans_or_objects(column, held):
    values = _booleans(column, held)
    present = held.present(column)
    return values if present is None else _with_none(values.astype(object), present)


def _with_none(objects, present):
    if present is not None:
        objects[~present] = None
    return objects


def _moments(letter):
    def read(column, held):
        unit, zone = zones.parse(column["type"])
        values = held.array(str(letter + "8[" + unit + "]"), column["rows"], column["buffers"][1])
        if not KEEPS_UNITS and unit != "ns":
            values = _nanoseconds(values, letter, unit)
        if zone is None or values.dtype == object:
            return values
        return _zoned(values, zones.zone(zone))

    return read


def _zoned(values, tz):
    """Give moments in UTC their zone; pandas' public way copies them, its private one is tried first."""
    try:
        dtype = pd.DatetimeTZDtype(unit=np.datetime_data(values.dtype)[0], tz=tz)
        zoned = pd.arrays.DatetimeArray._simple_new(values, dtype=dtype)
        if str(zoned.tz) == str(dtype.tz):
            return zoned
    except (AttributeError, TypeError, ValueError):
        pass
    return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(tz).array


def _nanoseconds(values, letter, unit):
    """Convert to nanoseconds where they fit, else to Python objects (years before 1678 and after 2261)."""
    factor = _DAY_NS[unit]
    whole = values.view("i8")
    inside = (whole == np.iinfo("i8").min) | (np.abs(whole.astype("f8")) * factor < 9.2e18)
    if inside.all():
        return values.astype(str(letter + "8[ns]"))
    return values.astype(str(letter + "8[us]")).astype(object)


def _dates(column, held):
    days = held.array("i4", column["rows"], column["buffers"][1]).astype("i8")
    return _with_none(days.view("M8[D]").astype(object), held.present(column))


def _times(column, held):
    unit = column["type"].split("[")[1][:-1]
    wide = "i8" if column["type"].startswith("time64") else "i4"
    counts = held.array(wide, column["rows"], column["buffers"][1]).astype("i8")
    micro = counts // 1000 if unit == "ns" else counts * (_DAY_NS[unit] // 1000)
    if unit == "ns" and (micro * 1000 != counts).any():
        note("the column '{0}' holds times finer than microseconds; they are cut".format(column["name"]))
    start = datetime.datetime(1970, 1, 1)
    values = np.empty(len(micro), dtype=object)
    for row, count in enumerate(micro.tolist()):
        values[row] = (start + datetime.timedelta(microseconds=count)).time()
    return _with_none(values, held.present(column))


def _decimals(column, held):
    words = 2 if column["type"].startswith("decimal128") else 4
    scale = int(column["type"].split(",")[1].rstrip(")"))
    rows = column["rows"]
    parts = held.array("u8", rows * words, column["buffers"][1]).reshape(rows, words)
    half, whole = 1 << (64 * words - 1), 1 << (64 * words)
    values = np.empty(rows, dtype=object)
    for row, limbs in enumerate(parts.tolist()):
        number = sum(limb << (64 * place) for place, limb in enumerate(limbs))
        number = number - whole if number >= half else number
        values[row] = WIDE.scaleb(decimal.Decimal(number), -scale)
    return _with_none(values, held.present(column))


def _texts(column, held):
    if not ARROW_TEXT:
        values = _text_objects(column, held)
        return values if TEXT_DTYPE is None else pd.array(values, dtype=TEXT_DTYPE)
    rows, buffers = column["rows"], column["buffers"]
    whole = held.arrow(pa)
    validity, offsets, data = [None if s is None else whole.slice(s[0], s[1]) for s in buffers]
    if rows == 0 or offsets is None:
        array = pa.array([], pa.large_string())
    else:
        empty = pa.py_buffer(b"") if data is None else data
        missing = column["missing"]
        array = pa.Array.from_buffers(pa.large_string(), rows, [validity if missing else None, offsets, empty], missing)
    if TEXT_DTYPE is not None:
        return TEXT_DTYPE.__from_arrow__(array)
    values = np.array(array.to_numpy(zero_copy_only=False), dtype=object)
    if column["missing"]:
        values[pd.isna(values)] = np.nan
    return values


def _pieces(column, held):
    offsets = held.array("i8", column["rows"] + 1, column["buffers"][1]).tolist()
    return held.content(column["buffers"][2]), offsets


def _text_objects(column, held):
    content, offsets = _pieces(column, held)
    if PY2:
        cut = [content[a:b] for a, b in zip(offsets, offsets[1:])]
    else:
        try:
            ascii_text = content.decode("ascii")
            cut = [ascii_text[a:b] for a, b in zip(offsets, offsets[1:])]
        except UnicodeDecodeError:
            cut = [content[a:b].decode("utf-8") for a, b in zip(offsets, offsets[1:])]
    values = _objects(cut)
    present = held.present(column)
    if present is not None:
        values[~present] = np.nan
    return values


def _binaries(column, held):
    content, offsets = _pieces(column, held)
    return _with_none(_objects([content[a:b] for a, b in zip(offsets, offsets[1:])]), held.present(column))


def _objects(values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _lists(column, held):
    offsets = held.array("i8", column["rows"] + 1, column["buffers"][1]).tolist()
    elements = cells(column["children"][0], held)
    values = np.empty(column["rows"], dtype=object)
    for row in range(column["rows"]):
        values[row] = elements[offsets[row] : offsets[row + 1]]
    return _with_none(values, held.present(column))


def _categories(column, held):
    codes = held.array("i4", column["rows"], column["buffers"][1])
    present = held.present(column)
    if present is not None:
        codes = np.where(present, codes, np.int32(-1))
    values = hand_over(column["children"][0], held)
    ordered = column["type"] == "dictionary-ordered"
    try:
        return pd.Categorical.from_codes(codes, categories=values, ordered=ordered)
    except ValueError:  # repeated or missing categories, which Arrow allows
        plain = pd.Series(values).reindex(codes).values
        return pd.Categorical(plain, ordered=ordered)


def _nothing(column, held):
    return np.full(column["rows"], np.nan)


_DTYPES = {
    str(name): str(dtype)
    for name, dtype in (
        ("int8", "i1"), ("int16", "i2"), ("int32", "i4"), ("int64", "i8"),
        ("uint8", "u1"), ("uint16", "u2"), ("uint32", "u4"), ("uint64", "u8"),
        ("float32", "f4"), ("float64", "f8"),
    )
}  # fmt: skip
_EXACT = dict((name, _floats if name.startswith("float") else _integers) for name in _DTYPES)
_EXACT.update({
    "bool": _booleans_or_objects, "large_string": _texts, "large_binary": _binaries, "large_list": _lists,
    "dictionary": _categories, "dictionary-ordered": _categories, "date32": _dates, "null": _nothing,
})  # fmt: skip
_READERS = {
    "timestamp": _moments("M"), "duration": _moments("m"), "time32": _times, "time64": _times,
    "decimal128": _decimals, "decimal256": _decimals,
}  # fmt: skip
