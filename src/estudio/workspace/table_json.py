"""A look or a comparison as a JSON document: strict JSON, with field names that stay.

JSON has no infinities: they are the texts "Infinity" and "-Infinity". There is no NaN: what is missing is null.
Whole numbers are exact; a reader that has only floats must not be given them as such.
"""

from __future__ import annotations

import base64
import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from estudio.core.statistics import Figure

if TYPE_CHECKING:
    from estudio.core.comparison import TableComparison
    from estudio.core.outcome import Image
    from estudio.core.statistics import ColumnStatistics, Scatter
    from estudio.tables.preview import Preview
    from estudio.workspace.looks import Look

VERSION = 1
"""Of the documents; fields may be added without raising it."""


def look_json(look: Look) -> str:
    """A look as one line of JSON, pure ASCII."""
    return json_line(look_document(look))


def comparison_json(comparison: TableComparison) -> str:
    """A comparison as one line of JSON, pure ASCII."""
    return json_line(comparison_document(comparison))


def json_line(document: dict[str, Any]) -> str:
    """A document as one line."""
    return json.dumps(document, allow_nan=False)


def look_document(look: Look) -> dict[str, Any]:
    """A look as plain values that JSON has."""
    document: dict[str, Any] = {"version": VERSION, "title": look.title}
    if look.statistics is not None:
        document["row_count"] = look.statistics.row_count
        document["columns"] = [column_document(column) for column in look.statistics.columns]
    if look.preview is not None:
        document["first_rows"] = _preview_document(look.preview)
    if look.scatter is not None:
        document["scatter"] = _scatter_document(look.scatter)
    if look.statistics is None:
        document["log"] = look.log
        document["images"] = [_image_document(image) for image in look.images]
    return document


def column_document(column: ColumnStatistics) -> dict[str, Any]:
    """One column; every field is always there."""
    document = {name: strict(value) for name, value in asdict(column).items()}
    document["approximate"] = [figure.value for figure in Figure if column.is_approximate(figure)]
    return document


def comparison_document(comparison: TableComparison) -> dict[str, Any]:
    """A comparison as plain values that JSON has."""
    return {"version": VERSION, **{name: strict(value) for name, value in asdict(comparison).items()}}


def strict(value: Any) -> Any:  # noqa: ANN401 - any value of ours
    """The same without what JSON has not: infinities become texts, NaN and half surrogates cannot come out."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {name: strict(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(value)
    return value


def _preview_document(preview: Preview) -> dict[str, Any]:
    return {
        "columns": [column.name for column in preview.columns],
        "rows": [list(row) for row in preview.rows],
        "column_count": preview.column_count,
    }


def _scatter_document(scatter: Scatter) -> dict[str, Any]:
    document: dict[str, Any] = strict(asdict(scatter))
    return document


def _image_document(image: Image) -> dict[str, Any]:
    return {
        "name": image.name,
        "width": image.width,
        "height": image.height,
        "png": base64.b64encode(image.png).decode("ascii"),
    }
