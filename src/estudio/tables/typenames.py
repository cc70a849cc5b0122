"""Between Arrow's types and the type names of `core.layout`.

Arrow's own words differ: it prints float64 as "double", date32 as "date32[day]", and a list with its item's name.
"""

from __future__ import annotations

import functools
import re
from typing import Any, TypeAlias

import pyarrow as pa

from estudio.core.layout import VARIABLE, value_bits
from estudio.tables.zones import is_known_zone

Arrow: TypeAlias = Any
"""A pyarrow array, chunked array or type: the stubs do not say which methods those made from buffers have."""

_NAMED: dict[str, Any] = {
    "null": pa.null(), "bool": pa.bool_(),
    "int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64(),
    "uint8": pa.uint8(), "uint16": pa.uint16(), "uint32": pa.uint32(), "uint64": pa.uint64(),
    "float32": pa.float32(), "float64": pa.float64(), "date32": pa.date32(),
    "time32[s]": pa.time32("s"), "time32[ms]": pa.time32("ms"),
    "time64[us]": pa.time64("us"), "time64[ns]": pa.time64("ns"),
    "large_string": pa.large_string(), "large_binary": pa.large_binary(),
}  # fmt: skip
_NAMES = {arrow: name for name, arrow in _NAMED.items()}
_TEMPORAL = re.compile(r"(timestamp|duration)\[(s|ms|us|ns)(?:, tz=(.+))?\]")
_DECIMAL = re.compile(r"decimal(128|256)\((\d+), (-?\d+)\)")


@functools.lru_cache(maxsize=1024)
def type_name(arrow: pa.DataType) -> str:
    """The layout's name of a canonical type: `float64`, `timestamp[ns, tz=UTC]`, `dictionary`, `large_list`."""
    if pa.types.is_dictionary(arrow):
        return "dictionary-ordered" if arrow.ordered else "dictionary"
    if pa.types.is_large_list(arrow):
        return "large_list"
    return _NAMES.get(arrow) or str(arrow)


def scalar_type(name: str) -> Arrow:
    """The Arrow type of a name that is neither a dictionary nor a list.

    Raises:
        KeyError: it is no such name.
    """
    if name in _NAMED:
        return _NAMED[name]
    if temporal := _TEMPORAL.fullmatch(name):
        kind, unit, zone = temporal.groups()
        return pa.timestamp(unit, zone) if kind == "timestamp" else pa.duration(unit)
    if decimal := _DECIMAL.fullmatch(name):
        bits, precision, scale = map(int, decimal.groups())
        return pa.decimal128(precision, scale) if bits == 128 else pa.decimal256(precision, scale)
    raise KeyError(name)


def is_canonical_scalar(arrow: pa.DataType) -> bool:
    """Whether a type is one of the layout's that have no children."""
    name = type_name(arrow)
    if pa.types.is_timestamp(arrow) and not is_known_zone(arrow.tz):
        return False
    return name == "null" or name in VARIABLE or value_bits(name) is not None
