"""Reads JSON Lines: one object per line, its keys the columns. Text that is an ISO date or time becomes one.

pyarrow's parser crashes the process on values nested 100 000 deep, so depth is looked at first.
"""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pajson

from estudio.errors import InvalidDataset
from estudio.tables import making
from estudio.tables.encoding import not_utf8, without_mark
from estudio.tables.inference import as_time, fine_time

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

MAX_BRACKETS = 200
"""Opening brackets in one line that need no closer look; a table's values are at most two deep."""
MAX_DEPTH = 16
"""Deep enough to name the column that is nested, far from what a parser's stack holds."""
FIRST_BLOCK_BYTES = 1 << 20
"""pyarrow parses blocks of this size side by side; a line longer than a block needs larger ones."""
MAX_BLOCK_BYTES = (1 << 31) - 1
"""pyarrow's own bound, and so the longest line."""

_ROW = re.compile(r" in row (\d+)")
_LARGE = making.number(2.0**63, pa.float64())


def read_json_lines(content: pa.Buffer, where: str) -> pa.Table:
    """Read JSON Lines; a key that a line lacks is missing there.

    Raises:
        InvalidDataset: not UTF-8, nothing in it, no JSON, a column of several types, or nested too deep.
    """
    content = without_mark(content, where)
    if not bytes(memoryview(content)[:1024]).strip() and content.size <= 1024:
        raise InvalidDataset(f"{where} has nothing in it. A JSON Lines file has one object per line.", path=where)
    _check_depth(content, where)
    table = _read(content, where, None)
    for field in table.schema:
        better = _better_type(table.column(field.name), field.type)
        if better is not None:
            table = _read_again(content, where, table, field.name, better)
    try:
        table.validate(full=True)
    except pa.ArrowInvalid as error:
        raise not_utf8(content, where) or _invalid(where, str(error)) from error
    return pa.table([_with_times(column) for column in table.columns], names=table.schema.names)


def _read(content: pa.Buffer, where: str, schema: pa.Schema | None) -> pa.Table:
    block_bytes = FIRST_BLOCK_BYTES
    while True:
        source: Any = pa.BufferReader(content)
        try:
            return pajson.read_json(
                source,
                read_options=pajson.ReadOptions(block_size=block_bytes, use_threads=schema is not None),
                parse_options=pajson.ParseOptions(explicit_schema=schema),
            )
        except pa.ArrowInvalid as error:
            is_too_small = "straddling" in str(error) and block_bytes < min(content.size, MAX_BLOCK_BYTES)
            if not is_too_small:
                raise not_utf8(content, where) or _invalid(where, str(error)) from error
            block_bytes = min(block_bytes * 16, MAX_BLOCK_BYTES)


def _check_depth(content: pa.Buffer, where: str) -> None:
    for number, line in enumerate(io.BytesIO(memoryview(content)), 1):
        if line.count(b"[") + line.count(b"{") > MAX_BRACKETS and _is_deep(line):
            raise InvalidDataset(
                f"{where}, line {number}: a value is nested more than {MAX_DEPTH} deep. A table's values are numbers, "
                "text, booleans, and lists of these; turn nested values into columns of their own.",
                path=where,
                line=number,
            )


def _is_deep(line: bytes) -> bool:
    try:
        values = [json.loads(line)]
    except RecursionError:
        return True
    except ValueError:
        return True  # no JSON either, and not to be tried with the other parser
    for _ in range(MAX_DEPTH):
        lists = [value.values() if isinstance(value, dict) else value for value in values]
        values = [inner for each in lists for inner in each if isinstance(inner, dict | list)]
        if not values:
            return False
    return True


def _better_type(column: Arrow, arrow: Arrow) -> Arrow | None:
    if pa.types.is_floating(arrow) and pc.any(pc.greater_equal(column, _LARGE)).as_py():
        return pa.uint64()
    if pa.types.is_list(arrow):  # pyarrow 26 miscounts values where a missing list comes first and its type is inferred
        return pa.list_(pa.string()) if pa.types.is_null(arrow.value_type) else arrow
    return None


def _read_again(content: pa.Buffer, where: str, table: pa.Table, name: str, better: Arrow) -> pa.Table:
    try:
        column = _read(content, where, pa.schema([(name, better)])).column(name)
    except InvalidDataset:
        return table  # fractions, or numbers beyond uint64: floats are the best there is
    return table.set_column(table.schema.get_field_index(name), name, column)


def _with_times(column: Arrow) -> Arrow:
    if pa.types.is_string(column.type):
        times = as_time(column)
        return column if times is None else times
    return fine_time(column)


def _invalid(where: str, problem: str) -> InvalidDataset:
    found = _ROW.search(problem)
    line = int(found[1]) + 1 if found else None
    place = where if line is None else f"{where}, line {line}"
    what = _ROW.sub("", problem.removeprefix("JSON parse error: "))[:300]
    return InvalidDataset(
        f"{place}: {what.rstrip('.')}. A JSON Lines file has one object per line, and each key has values of one type.",
        path=where,
        line=line,
    )
