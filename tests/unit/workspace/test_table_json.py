from __future__ import annotations

import json
import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings

from estudio.core.outcome import Image, Visualization
from estudio.core.statistics import ColumnStatistics
from estudio.tables.comparison import compare_tables
from estudio.tables.table import Table
from estudio.workspace.looks import look_at_table, look_at_visualization
from estudio.workspace.table_json import comparison_json, look_json
from tests.unit.tables.arrowtables import arrow_tables


def refuse(token: str) -> Any:
    raise AssertionError(token)


def parsed(text: str) -> dict[str, Any]:
    """A document of strict JSON, pure ASCII, one line."""
    assert text.isascii()
    assert "\n" not in text
    document: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return document


def test_a_look_as_json() -> None:
    table = Table.from_arrow(pa.table({"a": [1, 2**63 - 1], "b": [math.inf, None]}))
    document = parsed(look_json(look_at_table(table, "rank.results", scatter=("a", "a"))))
    assert list(document) == ["version", "title", "row_count", "columns", "first_rows", "scatter"]
    assert (document["version"], document["title"], document["row_count"]) == (1, "rank.results", 2)
    whole, floating = document["columns"]
    assert set(whole) == set(ColumnStatistics.__dataclass_fields__)
    assert whole["max"] == 9223372036854775807
    assert whole["histogram"]["counts"] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert whole["top_values"][0] == {"value": 1, "count": 1, "cut": False}
    assert (floating["min"], floating["max"], floating["mean"]) == ("Infinity", "Infinity", None)
    assert (floating["infinite"], floating["missing"], floating["approximate"]) == (1, 1, [])
    assert floating["feature_type"] == "numeric"
    assert document["first_rows"] == {
        "columns": ["a", "b"], "rows": [["1", "inf"], ["9223372036854775807", None]], "column_count": 2,
    }  # fmt: skip
    assert document["scatter"]["points"][0] == [1.0, 1.0]


def test_a_visualization_as_json() -> None:
    look = look_at_visualization(Visualization("<b>\0", (Image("p", b"\x89PNG", 4, 3),)), "rank")
    assert parsed(look_json(look)) == {
        "version": 1,
        "title": "rank",
        "log": "<b>\0",
        "images": [{"name": "p", "width": 4, "height": 3, "png": "iVBORw=="}],
    }


def test_a_comparison_as_json() -> None:
    found = compare_tables(*(Table.from_arrow(pa.table({"a": values})) for values in ([1, 2], [1, 3])))
    document = parsed(comparison_json(found))
    assert document == {
        "version": 1, "identical": False, "rows_before": 2, "rows_after": 2, "rows_added": 1, "rows_lost": 1,
        "compared_columns": 1, "reordered": False,
        "columns": [{
            "name": "a", "change": "changed", "type_before": "int64", "type_after": "int64",
            "missing_before": 0.0, "missing_after": 0.0, "distance": 0.5, "approximate": False,
            "mean_shift": pytest.approx(0.7071067811865475), "median_shift": pytest.approx(0.7071067811865475),
        }],
    }  # fmt: skip


@settings(max_examples=30)
@given(arrow_tables(), arrow_tables())
def test_every_table_and_comparison_is_strict_json(one: pa.Table, other: pa.Table) -> None:
    first, second = Table.from_arrow(one), Table.from_arrow(other)
    document = parsed(look_json(look_at_table(first, "any")))
    assert [column["name"] for column in document["columns"]] == list(first.schema.names)
    parsed(comparison_json(compare_tables(first, second)))
