"""Writes CSV and TSV as RFC 4180 asks: quotes only where they are needed, lines end in LF as pandas writes them.

Text that would read as missing (`NA`, the empty text) is quoted, so that it stays text; missing is an empty place.
Only in a table of one column, where an empty place would be a blank line, missing is written as NA.
"""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from estudio.tables import making
from estudio.tables.batches import row_pieces
from estudio.tables.inference import MISSING_TEXTS
from estudio.tables.valuetext import as_text, joined

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

_MISSING = "|".join(re.escape(text) for text in MISSING_TEXTS if text)


def write_csv(table: pa.Table, file: IO[bytes], *, delimiter: str = ",", has_header: bool = True) -> None:
    """Write a canonical table.

    Args:
        table: a table without columns is written as no line at all.
        file: a binary stream.
        delimiter: one character.
        has_header: whether the names stand in the first line.

    Raises:
        OSError: the stream takes no more.
    """
    if not table.num_columns:
        return
    if has_header:
        names = _quoted(making.texts(table.schema.names), delimiter).to_pylist()
        file.write((delimiter.join(names) + "\n").encode())
    missing = making.text("NA" if table.num_columns == 1 else "")
    for columns in row_pieces(table):
        cells = [pc.fill_null(_cells(column, delimiter), missing) for column in columns]
        write_lines(file, cells, delimiter)


def write_lines(file: IO[bytes], cells: list[Arrow], delimiter: str) -> None:
    """Write text columns without missing values as lines: joined, their bytes *are* the file's."""
    *others, last = cells
    lines = joined(*others, joined(last, "\n"), by=delimiter)
    if isinstance(lines, pa.ChunkedArray):
        lines = lines.combine_chunks()
    start, end = (memoryview(lines.buffers()[1]).cast("q")[at] for at in (lines.offset, lines.offset + len(lines)))
    if end > start:
        file.write(memoryview(lines.buffers()[2])[start:end])


def _cells(column: Arrow, delimiter: str) -> Arrow:
    text = as_text(column)
    kinds = (pa.types.is_large_string, pa.types.is_dictionary, pa.types.is_large_list, pa.types.is_large_binary)
    return _quoted(text, delimiter) if any(matches(column.type) for matches in kinds) else text


def _quoted(text: Arrow, delimiter: str) -> Arrow:
    needs_quotes = pc.match_substring_regex(text, f'[{delimiter}"\\r\\n]|^\\s|\\s$|^(?:{_MISSING})?$')
    if not pc.any(needs_quotes).as_py():
        return text
    doubled = pc.replace_substring(text, '"', '""')
    return pc.if_else(needs_quotes, joined('"', doubled, '"'), text)
