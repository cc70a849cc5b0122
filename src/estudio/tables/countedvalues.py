"""Different values of a column with the number of rows of each.

For a column of few different values this is all there is to know; for others it is asked of a sample only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.tables import making
from estudio.tables.kernels import compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estudio.tables.typenames import Arrow

CHUNK_ROWS = 1 << 17
"""Rows looked at in one go: a megabyte of numbers, which stays in a core's cache."""


@dataclass(frozen=True, slots=True)
class CountedValues:
    """`values` are all different and none is missing; `counts` (int64) is as long. In no order."""

    values: Arrow
    counts: Arrow

    @property
    def unique(self) -> int:
        """How many different values."""
        return len(self.values)

    @property
    def rows(self) -> int:
        """How many rows have one."""
        return pc.sum(self.counts).as_py() or 0

    def of_count(self, count: int) -> int:
        """How many values occur exactly that often."""
        matches: Arrow = pc.equal(self.counts, making.number(count, pa.int64()))
        return int(matches.true_count)


def counted_values(column: Arrow) -> CountedValues:
    """Count every value of an array of any type but lists; -0.0 is 0.0."""
    if pa.types.is_dictionary(column.type):
        codes = counted_values(column.indices)
        return CountedValues(column.dictionary.take(codes.values), codes.counts)
    if pa.types.is_null(column.type):
        return CountedValues(column.slice(0, 0), making.nothing(pa.int64()))
    parts = [_counted(chunk) for chunk in chunks_of(column)]
    if len(parts) <= 1:
        return parts[0] if parts else CountedValues(column.slice(0, 0), making.nothing(pa.int64()))
    return _together(parts)


def chunks_of(column: Arrow) -> Iterator[Arrow]:
    """Slices of an array that stay in cache."""
    for start in range(0, len(column), CHUNK_ROWS):
        yield column.slice(start, CHUNK_ROWS)


def _counted(chunk: Arrow) -> CountedValues:
    if pa.types.is_floating(chunk.type):
        chunk = pc.add(chunk, making.number(0.0, chunk.type))
    values, counts = chunk.value_counts().flatten()
    if chunk.null_count:
        present = values.is_valid()
        values, counts = values.filter(present), counts.filter(present)
    return CountedValues(values, counts)


def _together(parts: list[CountedValues]) -> CountedValues:
    values = pa.chunked_array([part.values for part in parts])
    counts = pa.chunked_array([part.counts for part in parts])
    summed = pa.table([values, counts], names=["value", "count"]).group_by("value", use_threads=False)
    table = summed.aggregate([("count", "sum")]).combine_chunks()
    columns = (table.column("value"), table.column("count_sum"))
    return CountedValues(*(column.chunk(0) if column.num_chunks else column.combine_chunks() for column in columns))
