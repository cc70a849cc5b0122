"""Points of two columns for a picture: few enough to draw, spread evenly over the rows, always the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.core.statistics import FeatureType, Scatter, Value
from estudio.errors import InvalidUsage
from estudio.tables import making
from estudio.tables.kernels import as_floats, extremes
from estudio.tables.kernels import compute as pc
from estudio.tables.numbercolumns import ticks_of, time_texts
from estudio.tables.statistics import column_of, feature_type

if TYPE_CHECKING:
    from estudio.tables.table import Table
    from estudio.tables.typenames import Arrow

MAX_POINTS = 2_000
"""What a page draws at once and an eye tells apart."""
_DRAWN = {FeatureType.NUMERIC, FeatureType.DATETIME, FeatureType.DURATION}


def scatter_of(table: Table, x: str, y: str) -> Scatter:
    """The points of two columns of numbers or times; rows where one is missing or infinite have none.

    Raises:
        InvalidUsage: a column that the table has not, or of a type that has no place on an axis.
    """
    arrays = [_axis(table, name) for name in (x, y)]
    drawn = pc.and_kleene(*(pc.is_finite(as_floats(array)) for array in arrays))
    places = pc.indices_nonzero(drawn)
    if len(places) > MAX_POINTS:
        chosen = [number * len(places) // MAX_POINTS for number in range(MAX_POINTS)]
        chosen_places = places.take(making.numbers(chosen, pa.int64()))
    else:
        chosen_places = places
    columns = [array.take(chosen_places) for array in arrays]
    points = zip(*(as_floats(column).to_pylist() for column in columns), strict=True)
    ends = [_ends(column, column_of(table.to_arrow(), name).type) for column, name in zip(columns, (x, y), strict=True)]
    return Scatter(x, y, tuple(points), ends[0], ends[1], len(places))


def _axis(table: Table, name: str) -> Arrow:
    array = column_of(table.to_arrow(), name)
    feature = feature_type(array.type)
    if feature not in _DRAWN:
        raise InvalidUsage(
            f"The column {name[:200]!r} holds {feature.value}; a scatter plot needs two columns of numbers or times.",
            column=name,
            type=str(array.type)[:200],
        )
    return array if feature is FeatureType.NUMERIC else ticks_of(array)


def _ends(column: Arrow, arrow: pa.DataType) -> tuple[Value, Value]:
    if not len(column):
        return (0, 0)
    least, most = extremes(column)
    if feature_type(arrow) is not FeatureType.NUMERIC:
        first, last = time_texts([least, most], arrow)
        return first, last
    return (float(least), float(most)) if pa.types.is_decimal(arrow) else (least, most)
