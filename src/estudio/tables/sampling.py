"""Rows of a large table that stand for all of it, in two ways; the same number of rows gives the same places.

Even samples are for shares and ranks: they cover sorted data better than chance. Random ones are for repeated values:
in sorted data equal values are neighbours, of which an even sample never takes two.
"""

from __future__ import annotations

import functools
import random
from array import array
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

SAMPLE_ROWS = 1 << 18
"""262 144: a share of the rows is told to within 0.2 points with 95 % certainty, however large the table.

Up to here everything is exact: counting every value of twenty columns takes half a second.
"""
RANDOM_ROWS = 1 << 16
"""65 536, to count values: few different values show in as many rows as well as in more."""
_SEED = 20_240_831
_JITTERS = 1 << 12
"""Different places within stretches, repeated: enough to have no rhythm of its own."""


def sample_of(column: Arrow) -> Arrow:
    """One row out of every stretch of rows, in order; the array itself where it has no more than SAMPLE_ROWS."""
    return column if len(column) <= SAMPLE_ROWS else column.take(_even_places(len(column)))


def random_rows_of(column: Arrow) -> Arrow:
    """Rows chosen by chance, each once, in order; the array itself where it has no more than SAMPLE_ROWS."""
    return column if len(column) <= SAMPLE_ROWS else column.take(_random_places(len(column)))


@functools.lru_cache(maxsize=4)
def _even_places(rows: int) -> Arrow:
    """A fixed step would lie about data with a rhythm, such as one row per hour: chance picks within the stretch."""
    chance = random.Random(_SEED)  # noqa: S311 - which rows to look at is no secret
    jitters = [chance.random() for _ in range(_JITTERS)]
    step = rows / SAMPLE_ROWS
    places = (int((number + jitters[number % _JITTERS]) * step) for number in range(SAMPLE_ROWS))
    return _whole_numbers(array("q", places))


@functools.lru_cache(maxsize=4)
def _random_places(rows: int) -> Arrow:
    chance = random.Random(_SEED)  # noqa: S311 - the same
    return _whole_numbers(array("q", sorted(chance.sample(range(rows), RANDOM_ROWS))))


def _whole_numbers(numbers: array[int]) -> Arrow:
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])
