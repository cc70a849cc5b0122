"""Takes the tables out of what `azureml_main` returned and writes them into the result file.

Columns that come back untouched (same memory, same bytes) are named by port and number instead of being written; that
is decided here, at the end, by comparing the memory with the file, never by guessing.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import numpy as np
import pandas as pd

from . import encoding
from .buffers import address_of, write_at
from .columns import KEEPS_UNITS
from .inference import encode_objects
from .notes import AuthorError, OutputTooLarge, note, shown
from .results_names import column_names
from .zones import name_of

ALIGNMENT = 64
"""Every buffer starts at a multiple, as Arrow recommends."""
GATHER_BYTES = 256 * 1024
"""Results up to this size are written at once, larger ones buffer by buffer without another copy."""
_PADDING = b"\0" * ALIGNMENT


def encode_table(table, calling, origins):
    """Encode a DataFrame.

    Returns:
        (rows, [(name, Encoded)]).

    Raises:
        AuthorError: a column or name that cannot cross.
    """
    names = column_names(table, calling)
    columns = [(name, encode_column(name, values, origins)) for name, values in zip(names, _values(table))]
    return len(table), columns


def _values(table):
    """Yield each column's array; the quick way over all columns where pandas has it."""
    quick = getattr(table, "_iter_column_arrays", None)
    if quick is not None:
        return quick()
    return (table.iloc[:, place]._values for place in range(table.shape[1]))


def encode_column(name, values, origins):
    """Encode one column's array."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind in "iufMm" and origins:
            origin = _untouched(values, None, origins)
            if origin is not None:
                return origin
        return _encode_array(name, values)
    for kind, encoder in _EXTENSIONS:
        if isinstance(values, kind):
            return encoder(name, values, origins)
    return encode_column(name, np.asarray(values, dtype=object), origins)


def _encode_array(name, values):
    kind = values.dtype.kind
    if kind == "f":
        return encoding.floats(values)
    if kind in "iu":
        return encoding.fixed(values)
    if kind in "Mm":
        return encoding.moments(values, None)
    if kind == "b":
        return encoding.booleans(values, None)
    if kind in "OSU":
        return encode_objects(name, values.astype(object))
    raise AuthorError(
        "wrong-result",
        "The result column {0} has the type {1}, which has no place in a table: convert it to numbers or text.".format(
            shown(name), values.dtype
        ),
    )


def _untouched(values, zone, origins):
    """Return the column as `same` when its memory is an input column's and still holds the file's bytes."""
    origin = origins.get(address_of(values))
    if origin is None or not values.flags.c_contiguous:
        return None
    column = origin.column
    if len(values) != column["rows"] or not len(values) or column["type"] != _type_name(values, zone):
        return None
    if not origin.held.unchanged(column["buffers"][1][0], values.nbytes):
        return None
    return _same(origin)


def _type_name(values, zone):
    if values.dtype.kind in "iuf":
        return encoding._NAMES.get(values.dtype.char)
    kind = "timestamp" if values.dtype.kind == "M" else "duration"
    return "{0}[{1}{2}]".format(kind, np.datetime_data(values.dtype)[0], ", tz=" + zone if zone else "")


def _same(origin):
    return encoding.Encoded("", origin.column["rows"], None, [], same=[origin.port, origin.number])


def _categorical(name, values, origins):
    categories = encode_column(name, _as_array(values.categories), {})
    codes = np.asarray(values.codes)
    labels = values.categories
    if categories.type == "large_string" and labels.dtype == object:
        words = [encoding.to_text(label) for label in labels]
        if len(set(words)) < len(words):  # such as 1 and '1'
            first = {}
            places = np.array([first.setdefault(word, len(first)) for word in words] + [-1])
            codes, ordered_words = places[codes], sorted(first, key=first.get)
            categories = encode_objects(name, np.array(ordered_words, dtype=object))
    if categories.children:  # categories that are lists: no such layout
        return encode_objects(name, np.asarray(values, dtype=object))
    return encoding.dictionary(codes, categories, bool(values.ordered))


def _as_array(index):
    values = getattr(index, "_values", None)
    return index.values if values is None else values


def _moments(name, values, origins):
    plain, zone = _naive(name, values)
    if origins:
        same = _untouched(plain, zone, origins)
        if same is not None:
            return same
    return encoding.moments(plain, zone)


def _naive(name, values):
    """Return (datetime64 in UTC or timedelta64, zone name or None) of a pandas array of moments."""
    tz = getattr(values, "tz", None)
    if KEEPS_UNITS:
        plain = values._ndarray if hasattr(values, "_ndarray") else values._data._ndarray
    else:
        plain = np.asarray(values.asi8).view(str("m8[ns]" if values.dtype.kind == "m" else "M8[ns]"))
    if tz is None:
        return plain, None
    zone = name_of(tz)
    if zone is None:
        note("the time zone of the result column {0} has no common name; it goes on as UTC".format(shown(name)))
    return plain, zone or "UTC"


def _masked(name, values, origins):
    absent = np.asarray(values.isna())
    dtype = getattr(values.dtype, "numpy_dtype", None)
    dtype = np.dtype(bool) if dtype is None else dtype
    plain = values.to_numpy(dtype=dtype, na_value=dtype.type(0)) if absent.any() else values.to_numpy(dtype=dtype)
    if dtype.kind == "b":
        return encoding.booleans(plain, absent)
    if dtype.kind == "f":
        plain = plain.copy()
        plain[absent] = np.nan
        absent = np.isnan(plain)
    return encoding.fixed(plain, absent)


def _strings(name, values, origins):
    if (
        encoding.ARROW_TEXT
        and hasattr(values, "__arrow_array__")
        and "yarrow" in type(values).__name__ + repr(getattr(values.dtype, "storage", ""))
    ):
        array = values.__arrow_array__()
        return _untouched_text(array, origins) or encoding.arrow_texts(array)
    return encode_objects(name, np.asarray(values, dtype=object))


def _untouched_text(array, origins):
    """The same question for text: all three of its buffers must lie where they lay, and hold what they held."""
    chunks = getattr(array, "chunks", [array])
    if len(chunks) != 1 or not origins or chunks[0].offset or str(chunks[0].type) != "large_string":
        return None
    validity, offsets, data = chunks[0].buffers()
    origin = origins.get(offsets.address) if offsets is not None else None
    if origin is None or origin.column["type"] != "large_string" or origin.column["rows"] != len(chunks[0]):
        return None
    for buffer, span in zip((validity, offsets, data), origin.column["buffers"]):
        if buffer is None or span is None:
            if (buffer.size if buffer is not None else 0) or (span[1] if span and origin.column["missing"] else 0):
                return None
        elif buffer.address != origin.held.address + span[0] or not origin.held.unchanged(span[0], span[1]):
            return None
    return _same(origin)


def _arrow_typed(name, values, origins):
    array = values.__arrow_array__()
    kind = str(array.type)
    if kind in ("string", "large_string", "string_view"):
        return encoding.arrow_texts(array)
    if kind.startswith("dictionary"):
        return encode_column(name, pd.Categorical(array.combine_chunks().to_pandas()), {})
    if kind.startswith(("int", "uint", "float", "double", "halffloat")):
        return _arrow_numbers(array)
    if kind.startswith("timestamp"):
        unit = array.type.unit
        stamps = array.cast("int64").to_numpy(zero_copy_only=False) if not array.null_count else None
        if stamps is None:
            stamps = array.cast("int64").fill_null(np.iinfo("i8").min).to_numpy()
        zone = array.type.tz
        return encoding.moments(np.asarray(stamps).view(str("M8[" + unit + "]")), zone)
    return encode_objects(name, _boxed(array.to_pylist()))


def _arrow_numbers(array):
    absent = np.asarray(array.is_null()) if array.null_count else None
    filled = array.fill_null(0) if array.null_count else array
    plain = np.array(filled.to_numpy())
    if plain.dtype.kind == "f":
        if absent is not None:
            plain[absent] = np.nan
        return encoding.floats(plain)
    return encoding.fixed(plain, absent)


def _boxed(items):
    array = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        array[place] = item
    return array


def _sparse(name, values, origins):
    return encode_column(name, np.asarray(values), {})


def _labels(name, values, origins):
    note("the result column {0} has the type {1}; it goes on as text".format(shown(name), values.dtype))
    return encoding.label_texts(name, np.asarray(values, dtype=object))


def _find_extensions():
    """Pair each of this pandas' array classes with its encoder, most specific first."""
    arrays = getattr(pd, "arrays", None)
    pairs = [
        ("ArrowExtensionArray", _arrow_typed), ("StringArray", _strings), ("ArrowStringArray", _strings),
        ("DatetimeArray", _moments), ("TimedeltaArray", _moments), ("IntegerArray", _masked),
        ("FloatingArray", _masked), ("BooleanArray", _masked), ("SparseArray", _sparse),
        ("PeriodArray", _labels), ("IntervalArray", _labels),
    ]  # fmt: skip
    found = [(pd.Categorical, _categorical), (pd.DatetimeIndex, _moments), (pd.TimedeltaIndex, _moments)]
    found += [(pd.PeriodIndex, _labels), (pd.IntervalIndex, _labels)]
    strings = _string_base()
    if strings is not None:
        found.append((strings, _strings))
    for name, encoder in pairs:
        kind = getattr(arrays, name, None) or getattr(pd, name, None)
        if kind is not None:
            found.append((kind, encoder))
    return found


def _string_base():
    try:
        from pandas.core.arrays.string_ import BaseStringArray
    except ImportError:
        return None
    return BaseStringArray


_EXTENSIONS = _find_extensions()


def write_tables(tables, fd, room):
    """Write encoded tables into the result file.

    Args:
        tables: as from `encode_table`.
        fd: the result file; its size is fixed.
        room: that size in bytes.

    Returns:
        (layouts of the tables, bytes used).

    Raises:
        OutputTooLarge: nothing was written.
    """
    layouts, plan = plan_tables(tables)
    if plan.used > room:
        raise OutputTooLarge(plan.used, room)
    if plan.used <= GATHER_BYTES:
        if plan.used:
            write_at(fd, b"".join(plan.gathered()), 0)
    else:
        for offset, data in plan.pieces:
            write_at(fd, data, offset)
    return layouts, plan.used


def plan_tables(tables):
    """Return (layouts of encoded tables, the places of their buffers)."""
    plan = _Plan()
    layouts = [
        {"rows": rows, "columns": [_describe(name, column, plan) for name, column in columns]}
        for rows, columns in tables
    ]
    return layouts, plan


class _Plan(object):
    """Where each buffer goes."""

    def __init__(self):
        self.used = 0
        self.pieces = []

    def place(self, data):
        """Give a buffer its place; return [offset, length]."""
        length = data.nbytes if isinstance(data, np.ndarray) else len(data)
        offset = self.used
        if length:
            self.pieces.append((offset, data))
            self.used = offset + length + (-length % ALIGNMENT)
        return [offset, length]

    def gathered(self):
        """Return the bytes of all buffers with the padding between them."""
        parts = []
        for offset, data in self.pieces:
            content = data.tobytes() if isinstance(data, np.ndarray) else data
            parts.append(content)
            parts.append(_PADDING[: -len(content) % ALIGNMENT])
        return parts


def _describe(name, column, plan):
    if column.same is not None:
        return {"name": name, "same": column.same}
    return {
        "name": name,
        "type": column.type,
        "rows": column.rows,
        "missing": column.missing,
        "buffers": [None if data is None else plan.place(data) for data in column.arrays],
        "children": [_describe("", child, plan) for child in column.children],
    }
