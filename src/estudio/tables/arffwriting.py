"""Writes ARFF: numbers as numbers, booleans and categories as nominal attributes, all else as strings.

The ARFF package's own encoder writes the texts `?` and "" so that they read back as missing; here all text is quoted.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from estudio.errors import OutputFailed
from estudio.tables import making
from estudio.tables.batches import row_pieces
from estudio.tables.csvwriting import write_lines
from estudio.tables.valuetext import as_text, joined

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

_LINE_ENDS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
"""What Python, and with it the ARFF package, takes for the end of a line, apart from LF and CR."""
_ESCAPES = (
    *(("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")),
    *((character, f"\\u{ord(character):04x}") for character in _LINE_ENDS),
)


def write_arff(table: pa.Table, file: IO[bytes]) -> None:
    """Write a canonical table; missing is `?`.

    Raises:
        OutputFailed: no columns, which ARFF cannot say.
        OSError: the stream takes no more.
    """
    if not table.num_columns:
        raise OutputFailed("ARFF cannot hold a table without columns. Write .arrow or .parquet instead.")
    attributes = zip(table.schema.names, table.columns, strict=True)
    lines = [f"@ATTRIBUTE {_name(name)} {_kind(column.chunk(0))}" for name, column in attributes]
    file.write("\n".join(["@RELATION table", "", *lines, "", "@DATA", ""]).encode())
    for columns in row_pieces(table):
        write_lines(file, [pc.fill_null(_cells(column), making.text("?")) for column in columns], ",")


def _name(name: str) -> str:
    one_line = " ".join(name.splitlines()).replace("\t", " ")
    quote = '"' if "'" in one_line else "'"
    return f"{quote}{one_line}{quote}"


def _kind(column: Arrow) -> str:
    arrow = column.type
    if pa.types.is_integer(arrow):
        return "INTEGER"
    if pa.types.is_floating(arrow) or pa.types.is_decimal(arrow):
        return "REAL"
    if pa.types.is_boolean(arrow):
        return "{'False','True'}"
    if pa.types.is_dictionary(arrow) and len(column.dictionary):
        return "{" + ",".join(_quoted(as_text(column.dictionary)).to_pylist()) + "}"
    return "STRING"


def _cells(column: Arrow) -> Arrow:
    text = as_text(column)
    arrow = column.type
    is_number = pa.types.is_integer(arrow) or pa.types.is_floating(arrow) or pa.types.is_decimal(arrow)
    return text if is_number else _quoted(text)


def _quoted(text: Arrow) -> Arrow:
    for character, escape in _ESCAPES:
        text = pc.replace_substring(text, character, escape)
    return joined("'", text, "'")
