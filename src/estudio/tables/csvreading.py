"""Reads CSV and TSV as pandas' `read_csv` would, with ISO dates as dates, and at pyarrow's speed.

Otherwise than in pandas, quoted text is never missing: `""` is the empty text, and only an empty place is missing.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from estudio.core.counted_words import counted
from estudio.errors import InvalidDataset
from estudio.tables.encoding import not_utf8, without_mark
from estudio.tables.inference import (
    FALSE_TEXTS,
    MISSING_TEXTS,
    TRUE_TEXTS,
    fine_time,
    infer_text,
    needs_second_look,
)
from estudio.tables.names import header_names, numbered_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from estudio.tables.typenames import Arrow

MAX_HEADER_BYTES = 64 << 20
"""The header row has at most 100 000 names; this is plenty for them, and little to look at."""
FIRST_BLOCK_BYTES = 1 << 20
"""pyarrow parses blocks of this size side by side; a row longer than a block needs larger ones."""
MAX_BLOCK_BYTES = (1 << 31) - 1
"""pyarrow's own bound, and so the longest row."""


def read_csv(
    content: pa.Buffer,
    where: str,
    *,
    delimiter: str = ",",
    has_header: bool = True,
    as_text: Collection[str] = (),
) -> pa.Table:
    """Read separated values. Missing is what stands in MISSING_TEXTS, unquoted.

    Args:
        content: UTF-8 with or without a byte order mark; lines end in LF, CR LF or CR; blank lines are skipped.
        where: the file's name for errors.
        delimiter: one character.
        has_header: whether the first row holds the names; otherwise they are Col1 … ColN.
        as_text: names of columns that stay the text that they are; names that are not there mean nothing.

    Raises:
        InvalidDataset: not UTF-8, nothing in it, or a row with more or fewer values than the first.
    """
    content = without_mark(content, where)
    cells, header_bytes = _first_row(content, where, delimiter)
    names = header_names(cells) if has_header else numbered_names(len(cells))
    body = content.slice(header_bytes) if has_header else content
    kept = frozenset(str(number) for number, name in enumerate(names) if name in as_text)
    return _Reader(content, body, where, delimiter, len(cells), kept).table(names)


def _first_row(content: pa.Buffer, where: str, delimiter: str) -> tuple[list[str], int]:
    """The cells of the first row that is not blank, and where the next one begins."""
    start = content.slice(0, min(content.size, MAX_HEADER_BYTES))
    used = 0

    def lines() -> Iterator[str]:
        nonlocal used
        for line in io.TextIOWrapper(io.BytesIO(memoryview(start)), encoding="utf-8", newline=""):
            used += len(line.encode())
            yield line

    try:
        for row in csv.reader(lines(), delimiter=delimiter):
            if row:
                return row, used
    except UnicodeDecodeError as error:
        raise not_utf8(content, where) or _unreadable(where, str(error)) from error
    except csv.Error as error:
        raise _unreadable(where, f"the first row: {error}") from error
    raise InvalidDataset(
        f"{where} has nothing in it. The first line of a table is the names of its columns (or its first row, "
        "in files named .nh.csv and .nh.tsv).",
        path=where,
    )


class _Reader:
    def __init__(
        self, content: pa.Buffer, body: pa.Buffer, where: str, delimiter: str, width: int, as_text: frozenset[str]
    ) -> None:
        self._content = content
        self._body = body
        self._where = where
        self._delimiter = delimiter
        self._numbers = [str(number) for number in range(width)]
        self._has_quotes = _contains(body, '"')
        self._as_text = as_text

    def table(self, names: tuple[str, ...]) -> pa.Table:
        """The rows, each column with its final type."""
        if not _contains(self._body, "[^\r\n]", regex=True):
            return pa.table([pa.nulls(0)] * len(names), names=list(names))
        first = self._read(self._numbers, dict.fromkeys(self._as_text, pa.large_string()))
        may_be_hexadecimal = _contains(self._body, "0[xX]", regex=True)
        again = [
            number
            for number in self._numbers
            if needs_second_look(first.column(number), may_be_hexadecimal=may_be_hexadecimal)
        ]
        texts = self._read(again, dict.fromkeys(again, pa.large_string())) if again else None
        columns = [
            infer_text(texts.column(number)) if texts is not None and number in again else self._final(first, number)
            for number in self._numbers
        ]
        return pa.table(columns, names=list(names))

    def _final(self, table: pa.Table, number: str) -> Arrow:
        column: Arrow = table.column(number)
        if pa.types.is_binary(column.type):  # pyarrow's last resort
            raise not_utf8(self._content, self._where) or _unreadable(self._where, "text that is not UTF-8")
        if number in self._as_text:
            return column
        if self._has_quotes and pa.types.is_string(column.type):
            return infer_text(column, missing=MISSING_TEXTS)
        return fine_time(column)

    def _read(self, numbers: list[str], types: dict[str, pa.DataType]) -> pa.Table:
        block_bytes = FIRST_BLOCK_BYTES
        while True:
            try:
                return self._read_blocks(numbers, types, block_bytes)
            except pa.ArrowInvalid as error:
                is_too_small = "straddling" in str(error) and block_bytes < min(self._body.size, MAX_BLOCK_BYTES)
                if not is_too_small:
                    raise self._why(error) from error
                block_bytes = min(block_bytes * 16, MAX_BLOCK_BYTES)

    def _read_blocks(self, numbers: list[str], types: dict[str, pa.DataType], block_bytes: int) -> pa.Table:
        source: Any = pa.BufferReader(self._body)
        return pacsv.read_csv(
            source,
            read_options=pacsv.ReadOptions(column_names=self._numbers, block_size=block_bytes),
            parse_options=pacsv.ParseOptions(delimiter=self._delimiter, newlines_in_values=self._has_quotes),
            convert_options=pacsv.ConvertOptions(
                null_values=list(MISSING_TEXTS),
                true_values=list(TRUE_TEXTS),
                false_values=list(FALSE_TEXTS),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                include_columns=numbers,
                column_types=types,
            ),
        )

    def _why(self, error: Exception) -> InvalidDataset:
        """Look for the first row of another length, which pyarrow reports without its line."""
        found = not_utf8(self._content, self._where)
        if found is not None:
            return found
        width = len(self._numbers)
        line = 1
        reader = csv.reader(
            io.TextIOWrapper(pa.BufferReader(self._content), encoding="utf-8", newline=""),  # type: ignore[type-var]
            delimiter=self._delimiter,
        )
        try:
            for row in reader:
                if row and len(row) != width:
                    return _ragged(self._where, line, len(row), width)
                line = reader.line_num + 1
        except csv.Error as problem:
            return _unreadable(self._where, f"line {line}: {problem}")
        return _unreadable(self._where, str(error)[:300])


def _contains(content: pa.Buffer, pattern: str, *, regex: bool = False) -> bool:
    ends = pa.py_buffer(bytes(8) + content.size.to_bytes(8, "little"))
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, content])
    matches = pc.match_substring_regex(whole, pattern) if regex else pc.match_substring(whole, pattern)
    return bool(matches[0].as_py())


def _ragged(where: str, line: int, found: int, expected: int) -> InvalidDataset:
    return InvalidDataset(
        f"{where}, line {line}: the row has {counted(found, 'value')}, the first row has {expected}. "
        "Every row needs as many values as the first; a value that contains a separator, a quote or a line break "
        "stands in double quotes.",
        path=where,
        line=line,
        found=found,
        expected=expected,
    )


def _unreadable(where: str, why: str) -> InvalidDataset:
    return InvalidDataset(f"{where} cannot be read as separated values: {why}.", path=where)
