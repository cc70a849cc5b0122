"""Tables as the JSON of web service answers: records, split, the old system's ColumnNames with Values, row objects.

Infinity and NaN are null, as JSON has no others; whole numbers of 64 bits stay numbers, exact beyond 2**53.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from estudio.tables.webjson_reading import Orient
from estudio.tables.webvalues import classic_texts, classic_type, json_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from estudio.tables.table import Table
    from estudio.tables.typenames import Arrow

FEW_ROWS = 8
"""Up to here objects are made and written at once; a template of keys pays off only with more rows."""
_ESCAPED = re.compile(r'[\x00-\x1f"\\]')


def write_json_table(table: Table, orient: Orient) -> bytes:
    """A table as JSON, UTF-8 without blanks. CLASSIC is `{"ColumnNames", "Values"}`."""
    if orient is Orient.RECORDS:
        return _records(table.to_arrow())
    if orient is Orient.SPLIT:
        arrow = table.to_arrow()
        return orjson.dumps({"columns": arrow.schema.names, "data": _rows(arrow, map(json_values, _arrays(arrow)))})
    return orjson.dumps(classic_value(table, details=False))


def classic_value(table: Table, *, details: bool) -> dict[str, object]:
    """A table as the old system's `value`: names, with `details` types too, and cells as text; for orjson."""
    arrow = table.to_arrow()
    value: dict[str, object] = {"ColumnNames": arrow.schema.names}
    if details:
        value["ColumnTypes"] = [classic_type(field.type) for field in arrow.schema]
    value["Values"] = _rows(arrow, map(classic_texts, _arrays(arrow)))
    return value


def classic_records(table: Table) -> list[dict[str, str | None]]:
    """A table as the old system's row objects of `format=swagger`: cells as text; for orjson."""
    arrow = table.to_arrow()
    names = arrow.schema.names
    return [dict(zip(names, row, strict=True)) for row in _rows(arrow, map(classic_texts, _arrays(arrow)))]


def _arrays(arrow: pa.Table) -> list[Arrow]:
    return [column.chunk(0) for column in arrow.columns]


def _rows(arrow: pa.Table, columns: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    if not arrow.num_columns:
        return [()] * arrow.num_rows
    return list(zip(*columns, strict=True))


def _records(arrow: pa.Table) -> bytes:
    """Each row by one template that has all keys: half the time of making objects only to write them."""
    if not arrow.num_columns:
        return b"[" + b",".join([b"{}"] * arrow.num_rows) + b"]"
    if arrow.num_rows <= FEW_ROWS:
        names = arrow.schema.names
        rows = zip(*map(json_values, _arrays(arrow)), strict=True)
        return orjson.dumps([dict(zip(names, row, strict=True)) for row in rows])
    template = _template(tuple(arrow.schema.names))
    fragments = [_fragments(array) for array in _arrays(arrow)]
    return ("[" + ",".join([template % row for row in zip(*fragments, strict=True)]) + "]").encode()


@functools.lru_cache(maxsize=256)
def _template(names: tuple[str, ...]) -> str:
    return "{" + ",".join(orjson.dumps(name).decode().replace("%", "%%") + ":%s" for name in names) + "}"


def _fragments(array: Arrow) -> list[str]:
    """The JSON of each value."""
    values = json_values(array)
    if not values:
        return []
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_boolean(array.type):
        return orjson.dumps(values)[1:-1].decode("ascii").split(",")
    if pa.types.is_large_string(array.type) and not array.null_count and not _ESCAPED.search("".join(values)):
        return [f'"{value}"' for value in values]
    return [orjson.dumps(value).decode() for value in values]
