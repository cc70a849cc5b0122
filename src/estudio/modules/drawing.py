"""Chooses rows by chance: exactly as many as asked for, the same for one seed on every machine and in every version.

Every row gets a number from its place and the seed alone (splitmix64's finalizer, after Steele, Lea and Flood, 2014);
the rows with the smallest numbers are chosen. The function is a bijection of 64 bits, so no two rows tie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.tables.typenames import Arrow

MANY_CLASSES = 100_000
"""From here on one sort of all rows is quicker than a look at each class."""
BLOCK_ROWS = 1 << 17
"""Numbers of so many rows at a time stay in a core's cache: five times faster than all at once."""
_arrow: Any = pa
_compute: Any = pc
"""The stubs do not know all of their functions."""
_MASK = 2**64 - 1
_GAMMA = 0x9E3779B97F4A7C15
_STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LAST_SHIFT = 31


def row_places(begin: int, end: int) -> Arrow:
    """The whole numbers from `begin` up to below `end`, as uint64."""
    return _arrow.arange(begin, end).cast(pa.uint64())


def row_numbers(rows: int, seed: int) -> Arrow:
    """For each row a number (uint64) that looks random; no two are equal."""
    start = _scrambled(seed & _MASK)
    blocks = [_mixed(row_places(begin, min(begin + BLOCK_ROWS, rows)), start) for begin in range(0, rows, BLOCK_ROWS)]
    return pa.concat_arrays(blocks) if blocks else pa.nulls(0, pa.uint64())


def _mixed(places: Arrow, start: int) -> Arrow:
    mixed = pc.add(pc.multiply(places, _number(_GAMMA)), _number(start))
    for shift, factor in _STEPS:
        mixed = pc.multiply(pc.bit_wise_xor(mixed, pc.shift_right(mixed, _number(shift))), _number(factor))
    return pc.bit_wise_xor(mixed, pc.shift_right(mixed, _number(_LAST_SHIFT)))


def _scrambled(seed: int) -> int:
    """The same function of one number: seeds that are near one another begin far apart."""
    mixed = (seed + _GAMMA) & _MASK
    for shift, factor in _STEPS:
        mixed = ((mixed ^ (mixed >> shift)) * factor) & _MASK
    return mixed ^ (mixed >> _LAST_SHIFT)


def _number(value: int) -> Arrow:
    return pa.Array.from_buffers(pa.uint64(), 1, [None, pa.py_buffer(value.to_bytes(8, "little"))])[0]


def smallest(numbers: Arrow, count: int) -> Arrow:
    """A mask of the `count` smallest of numbers that are all different."""
    if count <= 0:
        return pc.less(numbers, _number(0))
    if count >= len(numbers):
        return pc.greater_equal(numbers, _number(0))
    pivot: int = pc.partition_nth_indices(numbers, pivot=count)[count].as_py()
    return pc.less(numbers, numbers[pivot])


def smallest_of_classes(numbers: Arrow, codes: Arrow, counts: Sequence[int]) -> Arrow:
    """A mask of the smallest numbers of each class.

    Args:
        numbers: all different.
        codes: int32, the class of each row, from 0; none is missing.
        counts: how many rows are chosen of each class.
    """
    order = pc.sort_indices(codes)
    if len(counts) > MANY_CLASSES:
        by_both = [("class", "ascending"), ("number", "ascending")]
        order = _compute.sort_indices(pa.table([codes, numbers], names=["class", "number"]), by_both)
    sorted_numbers = numbers.take(order)
    masks = []
    begin = 0
    for size, count in zip(class_sizes(codes, len(counts)), counts, strict=True):
        masks.append(smallest(sorted_numbers.slice(begin, size), count))
        begin += size
    chosen = pa.concat_arrays(masks) if masks else pa.nulls(0, pa.bool_())
    return _compute.scatter(chosen, order.view(pa.int64()))


def class_sizes(codes: Arrow, classes: int) -> list[int]:
    """How many rows each class has."""
    counted: Arrow = pc.value_counts(codes)
    sizes = [0] * classes
    for code, size in zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True):
        sizes[code] = size
    return sizes
