"""Compares two tables: columns by name, rows by what is in them wherever they stand, columns' values by distribution.

Rows are compared by 64-bit hashes: among ten million rows, two different ones are taken for equal once in some
hundred thousand comparisons.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.core.comparison import ColumnChange, ColumnComparison, TableComparison
from estudio.core.statistics import FeatureType
from estudio.tables.distances import distribution_distance
from estudio.tables.numbercolumns import ticks_of
from estudio.tables.queryengine import query
from estudio.tables.statistics import column_of, feature_type, table_statistics
from estudio.tables.valuetext import as_text

if TYPE_CHECKING:
    from estudio.core.statistics import ColumnStatistics
    from estudio.tables.table import Table
    from estudio.tables.typenames import Arrow

MAX_COMPARED_ROWS = 25_000_000
"""Of both tables together: their hashes fit the engine's memory."""
MAX_COMPARED_CELLS = 500_000_000
"""Of both tables together: hashing them takes about ten seconds."""
_HASHED_AT_ONCE = 100
"""Columns in one call of `hash`: a call with thousands of arguments takes long to plan."""


def compare_tables(before: Table, after: Table) -> TableComparison:
    """Compare; any two tables can be compared, whatever they hold."""
    if before == after:
        return _identical(before)
    types, other_types = _types(before), _types(after)
    shared = [name for name in other_types if name in types]
    alike = [name for name in shared if types[name] == other_types[name]]
    added, lost = _row_difference(before, after, alike)
    return TableComparison(
        identical=False,
        rows_before=before.row_count,
        rows_after=after.row_count,
        rows_added=added,
        rows_lost=lost,
        compared_columns=len(alike),
        columns=_columns(before, after, shared),
        reordered=shared != [name for name in types if name in other_types],
    )


def _identical(table: Table) -> TableComparison:
    rows = table.row_count
    shares = [column.missing / rows if rows else None for column in table.schema.columns]
    columns = tuple(
        ColumnComparison(column.name, ColumnChange.SAME, column.type, column.type, share, share, distance=0.0)
        for column, share in zip(table.schema.columns, shares, strict=True)
    )
    return TableComparison(True, rows, rows, 0, 0, len(columns), columns)


def _columns(before: Table, after: Table, shared: list[str]) -> tuple[ColumnComparison, ...]:
    looks = (table_statistics(table, shared).columns for table in (before, after))
    pairs = dict(zip(shared, zip(*looks, strict=True), strict=True))
    found = []
    for column in after.schema.columns:
        if column.name in pairs:
            arrays = (_array(before, column.name), _array(after, column.name))
            found.append(_shared_column(pairs[column.name], *arrays))
        else:
            share = _share(column.missing, after.row_count)
            found.append(ColumnComparison(column.name, ColumnChange.ADDED, None, column.type, missing_after=share))
    for column in before.schema.columns:
        if column.name not in pairs:
            share = _share(column.missing, before.row_count)
            found.append(ColumnComparison(column.name, ColumnChange.LOST, column.type, None, missing_before=share))
    return tuple(found)


def _shared_column(
    statistics: tuple[ColumnStatistics, ColumnStatistics], before: Arrow, after: Arrow
) -> ColumnComparison:
    one, other = statistics
    change = ColumnChange.RETYPED if before.type != after.type else ColumnChange.CHANGED
    if before.equals(after):
        change = ColumnChange.SAME
    distance, is_exact = (0.0, True) if change is ColumnChange.SAME else distribution_distance(before, after)
    return ColumnComparison(
        one.name,
        change,
        one.type,
        other.type,
        _share(one.missing, len(before)),
        _share(other.missing, len(after)),
        _shift(one.mean, other.mean, one.standard_deviation),
        _shift(one.median, other.median, one.standard_deviation),
        distance,
        not is_exact,
    )


def _shift(before: float | str | None, after: float | str | None, deviation: float | str | None) -> float | None:
    if not (isinstance(before, int | float) and isinstance(after, int | float) and isinstance(deviation, int | float)):
        return None
    if deviation == 0:
        return 0.0 if before == after else None
    shift = (after - before) / deviation
    return shift if math.isfinite(shift) else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _array(table: Table, name: str) -> Arrow:
    return column_of(table.to_arrow(), name)


def _types(table: Table) -> dict[str, pa.DataType]:
    schema = table.to_arrow().schema
    return dict(zip(schema.names, schema.types, strict=True))


def _row_difference(before: Table, after: Table, names: list[str]) -> tuple[int | None, int | None]:
    """Rows of each table that the other has not, by the hash of the named columns; None where that is too much."""
    rows = before.row_count + after.row_count
    if not names or rows > MAX_COMPARED_ROWS or rows * len(names) > MAX_COMPARED_CELLS:
        return None, None
    one, other = (_hashable(table, names) for table in (before, after))
    row_hash = _row_hash(len(names))
    answer = query(
        f"WITH counted AS (SELECT h, sum(n) AS n FROM (SELECT {row_hash} AS h, -1 AS n FROM one "  # noqa: S608 - our own names
        f"UNION ALL SELECT {row_hash} AS h, 1 AS n FROM other) GROUP BY h) "
        "SELECT coalesce(sum(greatest(n, 0)), 0)::BIGINT AS added, coalesce(sum(greatest(-n, 0)), 0)::BIGINT AS lost "
        "FROM counted",
        one=one,
        other=other,
    )
    return int(answer.column("added")[0].as_py()), int(answer.column("lost")[0].as_py())


def _row_hash(columns: int) -> str:
    parts = [
        f"hash({', '.join(f'c{place}' for place in range(start, min(start + _HASHED_AT_ONCE, columns)))})"
        for start in range(0, columns, _HASHED_AT_ONCE)
    ]
    return parts[0] if len(parts) == 1 else f"hash({', '.join(parts)})"


def _hashable(table: Table, names: list[str]) -> pa.Table:
    """The columns as the engine knows them: times as ticks, categories as their values, very long decimals as text."""
    arrays = [_engine_form(_array(table, name)) for name in names]
    return pa.table(arrays, names=[f"c{place}" for place in range(len(names))])


def _engine_form(array: Arrow) -> Arrow:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary.take(array.indices)
    if feature_type(array.type) in {FeatureType.DATETIME, FeatureType.DURATION}:
        return ticks_of(array)
    is_list = pa.types.is_large_list(array.type)
    inner = array.type.value_type if is_list else array.type
    if pa.types.is_decimal256(inner) or (
        is_list and feature_type(inner) in {FeatureType.DATETIME, FeatureType.DURATION}
    ):
        return as_text(array)
    return array
