"""Writes one sheet of an XLSX workbook. Text stays text, also where it begins with `=` or looks like a link.

What a spreadsheet cannot hold as it is becomes text: whole numbers beyond 2^53, infinity, times with a zone, times
before 1900, durations, decimals. Its times have milliseconds only. Empty text becomes an empty cell.
"""

from __future__ import annotations

import datetime as dt
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter

from estudio.errors import OutputFailed
from estudio.tables import making
from estudio.tables.batches import row_pieces
from estudio.tables.valuetext import PER_SECOND, as_text

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

MAX_ROWS = 1_048_576
"""Of a sheet, with the header row: the format's own bound."""
MAX_COLUMNS = 16_384
"""The format's own bound."""
MAX_CHARACTERS = 32_767
"""Of a cell: the format's own bound."""

_FIRST, _LAST = -2_177_452_800, 253_402_300_799
"""Seconds from 1970 to 1901-01-01 and to the end of 9999: what a sheet's calendar has, without its false leap year."""
_EXACT = 2**53


def write_excel(table: pa.Table, file: IO[bytes]) -> None:
    """Write a canonical table, names in the first row.

    Raises:
        OutputFailed: more rows, columns or characters in a cell than a sheet can hold.
        OSError: the stream takes no more.
    """
    _check_size(table)
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    try:
        with xlsxwriter.Workbook(file, options) as workbook:
            sheet = workbook.add_worksheet()
            time_format = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
            for number, name in enumerate(table.schema.names):
                sheet.write_string(0, number, _fitting(name, "the header"))
            _write_rows(sheet, table, time_format)
    except xlsxwriter.exceptions.FileCreateError as error:
        cause = error.args[0] if error.args and isinstance(error.args[0], OSError) else OSError(str(error))
        raise cause from error


def _check_size(table: pa.Table) -> None:
    if table.num_rows + 1 > MAX_ROWS or table.num_columns > MAX_COLUMNS:
        raise OutputFailed(
            f"The table has {table.num_rows} rows and {table.num_columns} columns; a sheet of a workbook holds "
            f"{MAX_ROWS - 1} rows under its header and {MAX_COLUMNS} columns. Write .csv or .parquet instead.",
            rows=table.num_rows,
            columns=table.num_columns,
        )


def _write_rows(sheet: Any, table: pa.Table, time_format: Any) -> None:  # noqa: ANN401 - no stubs
    row = 0
    for columns in row_pieces(table):
        cells = [_cells(column) for column in columns]
        for values in zip(*cells, strict=True):
            row += 1
            for number, value in enumerate(values):
                if value is not None:
                    _write_cell(sheet, row, number, value, time_format)


def _write_cell(sheet: Any, row: int, column: int, value: Any, time_format: Any) -> None:  # noqa: ANN401 - no stubs
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, dt.datetime):
        sheet.write_datetime(row, column, value, time_format)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, _fitting(value, f"row {row}, column {column + 1}"))


def _fitting(text: str, where: str) -> str:
    if len(text) > MAX_CHARACTERS:
        raise OutputFailed(
            f"The text in {where} has {len(text)} characters; a cell of a workbook holds {MAX_CHARACTERS}. "
            "Write .csv or .parquet instead.",
            characters=len(text),
        )
    return text


def _cells(column: Arrow) -> list[Any]:
    arrow = column.type
    if pa.types.is_boolean(arrow):
        return _listed(column)
    if pa.types.is_integer(arrow):
        return [str(value) if value is not None and abs(value) > _EXACT else value for value in _listed(column)]
    if pa.types.is_floating(arrow):
        return _either(column, pc.is_finite(column))
    if pa.types.is_timestamp(arrow) and arrow.tz is None:
        return _times(column)
    return _listed(as_text(column))


def _times(column: Arrow) -> list[Any]:
    per_second = PER_SECOND[column.type.unit]
    ticks = column.cast(pa.int64())
    bounds = (max(-(2**63), min(2**63 - 1, second * per_second)) for second in (_FIRST, _LAST))
    first, last = (making.number(bound, pa.int64()) for bound in bounds)
    fits = pc.and_(pc.greater_equal(ticks, first), pc.less_equal(ticks, last))
    milliseconds = pc.if_else(fits, column, making.missing(column.type)).cast(pa.timestamp("ms"), safe=False)
    return [
        time if time is not None else text
        for time, text in zip(_listed(milliseconds), _listed(as_text(column)), strict=True)
    ]


def _either(column: Arrow, fits: Arrow) -> list[Any]:
    plain = pc.if_else(fits, column, making.missing(column.type))
    return [
        value if value is not None else text
        for value, text in zip(_listed(plain), _listed(as_text(column)), strict=True)
    ]


def _listed(column: Arrow) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return values
