"""Statistics of a table's columns, computed over the stored Arrow data without a copy of it.

All columns are looked at in the same way whatever their number of rows; above 262 144 rows some figures are
estimates, and each column says which (`ColumnStatistics.approximate`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.core.statistics import ColumnStatistics, FeatureType, Figure, Lengths, TableStatistics
from estudio.errors import InvalidUsage
from estudio.tables import making
from estudio.tables.columnvalues import look_at_values, shown_values, with_values
from estudio.tables.countedvalues import CountedValues
from estudio.tables.distinct import unique_count
from estudio.tables.inparallel import MAX_THREADS, WORTH_THREADS_BYTES
from estudio.tables.kernels import compute as pc
from estudio.tables.kernels import extremes
from estudio.tables.numbercolumns import number_column
from estudio.tables.typenames import type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.tables.table import Table
    from estudio.tables.typenames import Arrow

BINS = 10
"""As the old system drew them."""
MAX_BINS = 1_000
"""More are no picture."""

_FEATURES = (
    (pa.types.is_null, FeatureType.EMPTY),
    (pa.types.is_boolean, FeatureType.BOOLEAN),
    (pa.types.is_integer, FeatureType.NUMERIC),
    (pa.types.is_floating, FeatureType.NUMERIC),
    (pa.types.is_decimal, FeatureType.NUMERIC),
    (pa.types.is_timestamp, FeatureType.DATETIME),
    (pa.types.is_date, FeatureType.DATETIME),
    (pa.types.is_time, FeatureType.DATETIME),
    (pa.types.is_duration, FeatureType.DURATION),
    (pa.types.is_large_string, FeatureType.TEXT),
    (pa.types.is_large_binary, FeatureType.BINARY),
    (pa.types.is_dictionary, FeatureType.CATEGORY),
    (pa.types.is_large_list, FeatureType.LIST),
)


def table_statistics(table: Table, columns: Sequence[str] | None = None, bins: int = BINS) -> TableStatistics:
    """Look at a table.

    Args:
        table: any number of rows and columns.
        columns: the names of those to look at, in the order wanted; all if None.
        bins: of each histogram, 1 to 1 000.

    Raises:
        InvalidUsage: a column that the table has not, or a number of bins out of range.
    """
    if not 1 <= bins <= MAX_BINS:
        raise InvalidUsage(f"A histogram of {bins} bins cannot be drawn; ask for 1 to {MAX_BINS}.", bins=bins)
    arrow = table.to_arrow()
    names = list(arrow.schema.names if columns is None else columns)
    arrays = [column_of(arrow, name) for name in names]
    order = sorted(range(len(names)), key=lambda place: -_cost(arrays[place]))
    work = [(names[place], arrays[place], bins) for place in order]
    found = dict(zip(order, _look_at_all(work, arrow.get_total_buffer_size()), strict=True))
    return TableStatistics(table.row_count, tuple(found[place] for place in range(len(names))))


def feature_type(arrow: pa.DataType) -> FeatureType:
    """What a column of a canonical type holds, for people."""
    return next(feature for matches, feature in _FEATURES if matches(arrow))


def column_of(arrow: pa.Table, name: str) -> Arrow:
    """The one array of a canonical column.

    Raises:
        InvalidUsage: there is none of that name.
    """
    place = arrow.schema.get_field_index(name)
    if place < 0:
        raise InvalidUsage(
            f"The table has no column {name[:200]!r}. Its columns are {', '.join(arrow.schema.names[:20])[:400]}.",
            column=name,
        )
    column = arrow.column(place)
    return column.chunk(0) if column.num_chunks else pa.nulls(0, column.type)


def _cost(array: Arrow) -> int:
    size: int = array.nbytes
    return 4 * size if pa.types.is_large_string(array.type) else size


def _look_at_all(work: list[tuple[str, Arrow, int]], table_bytes: int) -> list[ColumnStatistics]:
    threads = min(pa.cpu_count(), MAX_THREADS, len(work))
    if table_bytes < WORTH_THREADS_BYTES or threads < 2:
        return [column_statistics(*each) for each in work]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda each: column_statistics(*each), work))


def column_statistics(name: str, array: Arrow, bins: int = BINS) -> ColumnStatistics:
    """Look at one canonical array."""
    feature = feature_type(array.type)
    head = ColumnStatistics(name, type_name(array.type), feature, len(array) - array.null_count, array.null_count)
    if feature is FeatureType.EMPTY:
        return replace(head, unique=0)
    if feature is FeatureType.LIST:
        return _lists(head, array)
    if feature in {FeatureType.NUMERIC, FeatureType.DATETIME, FeatureType.DURATION}:
        return number_column(head, array, bins)
    return _words(head, array)


def _words(head: ColumnStatistics, array: Arrow) -> ColumnStatistics:
    """Text, categories, booleans and bytes."""
    look = look_at_values(array)
    found = with_values(head, look, () if head.feature_type is FeatureType.BINARY else shown_values(look.top))
    if head.feature_type in {FeatureType.TEXT, FeatureType.BINARY}:
        return replace(found, lengths=_lengths(pc.binary_length(array)))
    return found


def _lists(head: ColumnStatistics, array: Arrow) -> ColumnStatistics:
    lengths = _lengths(pc.list_value_length(array))
    if pa.types.is_decimal256(array.type.value_type):  # the engine has no such numbers
        return replace(head, lengths=lengths)
    unique, is_exact = unique_count(array, CountedValues(making.nothing(pa.int64()), making.nothing(pa.int64())))
    return replace(head, unique=unique, lengths=lengths, approximate=frozenset(() if is_exact else {Figure.UNIQUE}))


def _lengths(lengths: Arrow) -> Lengths | None:
    shortest, longest = extremes(lengths)
    return None if shortest is None else Lengths(shortest, longest)
