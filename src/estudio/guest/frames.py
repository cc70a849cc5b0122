"""Builds the DataFrames that a script receives, from layouts, without copying the values.

pandas copies a dictionary of arrays into one block per type unless told otherwise, and before 1.3 it cannot be told:
there the blocks are made by hand, as pyarrow does. Which way works is decided once, by `choose_builder`.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import warnings
from collections import OrderedDict

import numpy as np
import pandas as pd

from . import columns as reading
from .buffers import address_of
from .notes import PY2

MANY_COLUMNS = 64
"""From here on columns of one type are copied into one block each: pandas is slow with thousands of blocks."""
FEW_BYTES = 64 * 1024 * 1024
"""... unless the table is so large that the copy costs more than the blocks."""


class Origin(object):
    """Where an input column's values lie: to recognise it when it comes back untouched."""

    __slots__ = ("column", "held", "number", "port")

    def __init__(self, port, number, column, held):
        self.port, self.number, self.column, self.held = port, number, column, held


def build_table(layout, held):
    """Return a DataFrame with the index 0...n-1 (int64) over the memory of `held`."""
    names = [column_name(column["name"]) for column in layout["columns"]]
    values = [reading.hand_over(column, held) for column in layout["columns"]]
    return _builder[0](names, values, layout["rows"])


def origins(layouts, held_files):
    """Return {address of an input column's values: Origin} for the mapped inputs."""
    found = {}
    for port, (layout, held) in enumerate(zip(layouts, held_files)):
        if layout is None or not held.mapped:
            continue
        for number, column in enumerate(layout["columns"]):
            spans = column["buffers"]
            span = spans[1] if len(spans) > 1 else None
            if span is not None:
                found[held.address + span[0]] = Origin(port, number, column, held)
    return found


def column_name(name):
    """Return a column's name as scripts of this Python write it: on 2.7 byte strings where they are ASCII."""
    if not PY2:
        return name
    try:
        return name.encode("ascii")
    except UnicodeEncodeError:
        return name


def choose_builder():
    """Try the quick ways on a small table and keep the first that gives what pandas' public way gives."""
    names = ["i", "f", "o", "m", "i2"]
    values = [np.arange(3), np.ones(3), np.array([b"x", None, b"y"], object), np.zeros(3, str("M8[ns]")), np.arange(3)]
    for builder in (_from_blocks, _from_made_blocks):
        try:
            table = builder(names, values, 3)
            expected = _from_dictionary(names, values, 3)
            same = (
                table.equals(expected) and list(table.columns) == names and list(table.dtypes) == list(expected.dtypes)
            )
            shared = builder(names[:1], values[:1], 3).iloc[:, 0].values
            if same and address_of(shared) == address_of(values[0]):
                _builder[0] = builder
                return
        except Exception:  # noqa: S112 - a pandas without this way: the next one is tried
            continue
    _builder[0] = _from_dictionary


def _from_dictionary(names, values, rows):
    content = OrderedDict(zip(names, values))
    options = {str("copy"): False} if reading.PANDAS >= (1, 3) else {}
    table = pd.DataFrame(content, index=pd.RangeIndex(rows), **options)
    if not names:
        table.columns = _names_index(names)
    return table


def _from_blocks(names, values, rows):
    from pandas.api.internals import create_dataframe_from_blocks

    blocks = _blocks(values)
    return create_dataframe_from_blocks(blocks, index=pd.RangeIndex(rows), columns=_names_index(names))


def _from_made_blocks(names, values, rows):
    from pandas.core import internals

    plain = [number for number, value in enumerate(values) if isinstance(value, np.ndarray)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blocks = [internals.make_block(array, placement=place) for array, place in _blocks([values[n] for n in plain])]
        axes = [_names_index([names[n] for n in plain]), pd.RangeIndex(rows)]
        table = pd.DataFrame(internals.BlockManager(blocks, axes))
    if len(plain) < len(values):
        for number, value in enumerate(values):
            if not isinstance(value, np.ndarray):
                table.insert(number, names[number], value)
    return table


def _names_index(names):
    if reading.TEXT_DTYPE is None or not reading.ARROW_TEXT:
        return pd.Index(names) if names else pd.Index([], dtype=reading.TEXT_DTYPE or object)
    return pd.Index(reading.TEXT_DTYPE.__from_arrow__(reading.pa.array(names, reading.pa.large_string())))


def _blocks(values):
    """Return [(values as a block, places)]: one block per column, or one per type for wide tables."""
    if len(values) < MANY_COLUMNS:
        return [(_as_block(value), np.array([place])) for place, value in enumerate(values)]
    groups = OrderedDict()
    blocks = []
    total = sum(value.nbytes for value in values if isinstance(value, np.ndarray))
    for place, value in enumerate(values):
        if isinstance(value, np.ndarray) and total <= FEW_BYTES:
            groups.setdefault(value.dtype, []).append(place)
        else:
            blocks.append((_as_block(value), np.array([place])))
    for places in groups.values():
        blocks.append((np.array([values[place] for place in places]), np.array(places)))
    return blocks


def _as_block(value):
    if not isinstance(value, np.ndarray):
        return value
    block = value.reshape(1, -1)
    if reading.PANDAS >= (3, 0) and value.dtype.kind == "M":  # spares pandas a long look for the same
        return pd.arrays.DatetimeArray._simple_new(block, dtype=block.dtype)
    return block


_builder = [_from_dictionary]
