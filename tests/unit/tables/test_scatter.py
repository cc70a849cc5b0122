from __future__ import annotations

import math

import pandas as pd
import pyarrow as pa
import pytest

from estudio.core.statistics import Scatter
from estudio.errors import InvalidUsage
from estudio.tables.scatter import MAX_POINTS, scatter_of
from estudio.tables.table import Table


def test_points_are_rows_with_both_values() -> None:
    table = Table.from_arrow(pa.table({"a": [1, 2, None, 4], "b": [0.5, math.inf, 1.0, -1.5]}))
    assert scatter_of(table, "a", "b") == Scatter("a", "b", ((1.0, 0.5), (4.0, -1.5)), (1, 4), (-1.5, 0.5), 2)
    assert scatter_of(table, "a", "a").points == ((1.0, 1.0), (2.0, 2.0), (4.0, 4.0))


def test_many_rows_are_thinned_evenly_and_always_the_same() -> None:
    table = Table.from_arrow(pa.table({"a": pa.array(range(10_001)), "b": pa.array(range(10_001))}))
    found = scatter_of(table, "a", "b")
    assert (len(found.points), found.row_count) == (MAX_POINTS, 10_001)
    assert found.points[:3] == ((0.0, 0.0), (5.0, 5.0), (10.0, 10.0))
    assert found == scatter_of(table, "a", "b")


def test_times_stand_on_an_axis_with_their_words() -> None:
    table = Table.from_pandas(pd.DataFrame({"when": pd.to_datetime(["2020-01-01", "2020-01-03"]), "b": [1, 2]}))
    found = scatter_of(table, "when", "b")
    assert found.x_ends == ("2020-01-01 00:00:00", "2020-01-03 00:00:00")
    assert found.points[0][0] < found.points[1][0]


def test_what_has_no_place_on_an_axis_is_refused() -> None:
    table = Table.from_arrow(pa.table({"a": ["x"], "b": [1], "none": pa.array([None], pa.float64())}))
    with pytest.raises(InvalidUsage, match="'a' holds text; a scatter plot needs two columns of numbers or times"):
        scatter_of(table, "b", "a")
    with pytest.raises(InvalidUsage, match="has no column 'c'"):
        scatter_of(table, "b", "c")
    assert scatter_of(table, "b", "none") == Scatter("b", "none")
