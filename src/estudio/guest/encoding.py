"""The buffers of result columns: what is missing, the values, and for text the offsets, ready to be written.

Missing values are a bitmap beside the values; floats keep their NaN and moments their smallest int64 underneath, which
is the canonical form of a table at rest, so that an input handed through is equal to the last byte.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import numpy as np
import pandas as pd

from .buffers import pack_bits
from .columns import ARROW_TEXT, WIDE, pa
from .notes import PY2, AuthorError, shown, to_text

MAX_DECIMAL_DIGITS = 76
"""What decimal256 holds."""
FEW_ROWS = 64
"""Below, pyarrow's call costs more than a loop."""


class Encoded(object):
    """A column ready to be written. `absent`: booleans of the missing rows, or None; `same`: see core.layout."""

    __slots__ = ("arrays", "children", "missing", "rows", "same", "type")

    def __init__(self, type_name, rows, absent, arrays, children=(), same=None):
        self.type, self.rows, self.children, self.same = type_name, rows, children, same
        self.missing = int(absent.sum()) if absent is not None else 0
        self.arrays = [pack_bits(~absent) if self.missing else None] + arrays


def booleans(values, absent):
    """Encode booleans: one bit each."""
    return Encoded("bool", len(values), absent, [pack_bits(values)])


def fixed(values, absent=None):
    """Encode integers and floats as they are."""
    values = np.ascontiguousarray(values)
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    return Encoded(_NAMES[values.dtype.char], len(values), absent, [values])


def floats(values):
    """Encode floats: half precision widens, extended precision narrows, NaN is missing."""
    if values.dtype.itemsize == 2:
        values = values.astype("f4")
    elif values.dtype.itemsize > 8:
        values = values.astype("f8")
    return fixed(values, np.isnan(values))


def moments(values, zone):
    """Encode datetime64 (in UTC when there is a zone) or timedelta64."""
    unit = np.datetime_data(values.dtype)[0]
    if unit not in ("s", "ms", "us", "ns"):
        unit = "s" if unit in ("Y", "M", "W", "D", "h", "m") else "ns"
        values = values.astype(str("{0}8[{1}]".format(values.dtype.kind, unit)))
    kind = "timestamp" if values.dtype.kind == "M" else "duration"
    whole = np.ascontiguousarray(values).view("i8")
    name = "{0}[{1}{2}]".format(kind, unit, ", tz=" + zone if zone else "")
    return Encoded(name, len(whole), whole == np.iinfo("i8").min, [whole])


def binaries(values, absent):
    """Encode a list of byte strings (b"" where missing)."""
    return _variable("large_binary", values, absent)


def texts(name, values, absent):
    """Encode an object array of text.

    Raises:
        AuthorError: text with half a surrogate pair, which no file can hold.
    """
    if ARROW_TEXT and len(values) > FEW_ROWS:
        try:
            return arrow_texts(pa.array(values, type=pa.large_string(), from_pandas=True))
        except Exception:  # noqa: S110 - the slower way below says which value it was
            pass
    return _variable("large_string", [_utf8(name, row, value) for row, value in _cells(values, absent)], absent)


def _cells(values, absent):
    gone = absent.tolist()
    return [(row, "" if gone[row] else value) for row, value in enumerate(values.tolist())]


def _utf8(name, row, value):
    if PY2 and isinstance(value, bytes):
        return value
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError:
        raise AuthorError(
            "wrong-result",
            "The result column {0} holds text in row {1} that is not valid Unicode (half a surrogate pair): "
            "mend it, or return it as bytes.".format(shown(name), row),
        )


def _variable(type_name, pieces, absent):
    offsets = np.zeros(len(pieces) + 1, "i8")
    np.cumsum(np.fromiter(map(len, pieces), "i8", len(pieces)), out=offsets[1:])
    return Encoded(type_name, len(pieces), absent, [offsets, b"".join(pieces)])


def arrow_texts(array):
    """Encode an Arrow text array or chunked array, without copying where it is one whole chunk."""
    chunks = getattr(array, "chunks", None)
    if chunks is not None:
        array = (
            chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks) if chunks else pa.array([], pa.large_string())
        )
    if array.type != pa.large_string():
        array = array.cast(pa.large_string())
    rows = len(array)
    validity, offsets, data = array.buffers()
    if not rows or offsets is None:
        return _variable("large_string", [], None)
    first = array.offset
    places = np.frombuffer(offsets, "i8", rows + 1, first * 8)
    text = np.frombuffer(data, "u1") if data is not None and data.size else np.zeros(0, "u1")
    if places[0] or places[-1] != len(text):
        text = text[places[0] : places[-1]]
    if places[0]:
        places = places - places[0]
    return Encoded("large_string", rows, _absent_bits(array, validity), [places, text])


def _absent_bits(array, validity):
    from .buffers import unpack_bits

    if validity is None or not array.null_count:
        return None
    return ~unpack_bits(np.frombuffer(validity, "u1"), len(array), array.offset)


def decimals(name, exact, absent):
    """Encode decimals with one precision and scale for the whole column, exactly.

    Raises:
        AuthorError: more than 76 digits are needed.
    """
    scale = max([0] + [-value.as_tuple().exponent for value in exact])
    before = max([1] + [value.adjusted() + 1 for value in exact])
    precision = before + scale
    if precision > MAX_DECIMAL_DIGITS:
        raise AuthorError(
            "wrong-result",
            "The result column {0} holds decimals that need more than {1} digits together: round them, or "
            "convert the column to float or text.".format(shown(name), MAX_DECIMAL_DIGITS),
        )
    whole = [int(WIDE.scaleb(value, scale)) for value in exact]
    bits = 128 if precision <= 38 else 256
    content = np.zeros((len(absent), bits // 64), "u8")
    mask = 2**64 - 1
    content[~absent] = [[(number >> shift) & mask for shift in range(0, bits, 64)] for number in whole] or np.zeros(
        (0, bits // 64), "u8"
    )
    return Encoded("decimal{0}({1}, {2})".format(bits, precision, scale), len(absent), absent, [content])


def dictionary(codes, categories, ordered):
    """Encode codes (-1 = missing) and their encoded categories."""
    absent = codes < 0
    codes = np.where(absent, 0, codes).astype("i4")
    return Encoded("dictionary-ordered" if ordered else "dictionary", len(codes), absent, [codes], (categories,))


def label_texts(name, values):
    """Encode anything as text, missing kept."""
    absent = pd.isna(values)
    words = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        words[row] = None if absent[row] else to_text(value)
    return texts(name, words, absent)


_NAMES = {
    np.dtype(str(code)).char: name
    for code, name in (
        ("i1", "int8"), ("i2", "int16"), ("i4", "int32"), ("i8", "int64"),
        ("u1", "uint8"), ("u2", "uint16"), ("u4", "uint32"), ("u8", "uint64"),
        ("f4", "float32"), ("f8", "float64"),
    )
}  # fmt: skip
_NAMES.update({"l": "int64", "q": "int64", "L": "uint64", "Q": "uint64"})
