"""Writes JSON Lines: one object per row, with every key. Missing, NaN and infinity are `null`, as JSON has no others.

Times are ISO 8601 with a T, bytes Base64, decimals text, so that nothing is lost; whole numbers are exact.
"""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from estudio.tables import making
from estudio.tables.batches import row_pieces
from estudio.tables.csvwriting import write_lines
from estudio.tables.valuetext import as_text, joined, json_lists

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

_ESCAPED = '[\\x00-\\x1f"\\\\]'


def write_json_lines(table: pa.Table, file: IO[bytes]) -> None:
    """Write a canonical table; rows of a table without columns are `{}`.

    Raises:
        OSError: the stream takes no more.
    """
    keys = [json.dumps(name, ensure_ascii=False) + ": " for name in table.schema.names]
    if not keys:
        file.write(b"{}\n" * table.num_rows)
        return
    for columns in row_pieces(table):
        cells = [joined(key, _values(column)) for key, column in zip(keys, columns, strict=True)]
        cells[0] = joined("{", cells[0])
        cells[-1] = joined(cells[-1], "}")
        write_lines(file, cells, ", ")


def _values(column: Arrow) -> Arrow:
    arrow = column.type
    if pa.types.is_boolean(arrow):
        text = pc.if_else(column, making.text("true"), making.text("false"))
    elif pa.types.is_integer(arrow):
        text = as_text(column)
    elif pa.types.is_floating(arrow):
        text = as_text(pc.if_else(pc.is_finite(column), column, making.missing(arrow)))
    elif pa.types.is_large_list(arrow):
        dumped = [None if cell is None else json.dumps(cell, ensure_ascii=False) for cell in json_lists(column)]
        text = making.texts(dumped)
    elif pa.types.is_dictionary(arrow):
        text = _values(column.dictionary).take(column.indices)
    else:
        text = _strings(column)
    return pc.fill_null(text, making.text("null"))


def _strings(column: Arrow) -> Arrow:
    text = as_text(column)
    if pa.types.is_timestamp(column.type):
        text = pc.replace_substring(text, " ", "T", max_replacements=1)
    if pc.any(pc.match_substring_regex(text, _ESCAPED)).as_py():
        dumped = [None if value is None else json.dumps(value, ensure_ascii=False) for value in text.to_pylist()]
        return making.texts(dumped)
    return joined('"', text, '"')
