"""Reads a table from a file of any known format.

The format follows from the suffix, never from the content: a CSV file named `.xlsx` is refused, not guessed.
"""

from __future__ import annotations

import errno
import gzip
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import pyarrow as pa

from estudio.errors import InvalidDataset, InvalidUsage
from estudio.tables.arrowreading import read_arrow
from estudio.tables.bounds import read_bounded
from estudio.tables.conversion import convert_columns
from estudio.tables.csvreading import read_csv
from estudio.tables.encoding import decoded
from estudio.tables.formats import TEXT_FORMATS, FileKind, Format, file_kind
from estudio.tables.table import Table
from estudio.tables.tablefile import TableFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How a file is read, otherwise than its suffix and its values say.

    Attributes:
        header: whether the first row holds the names; only for CSV and TSV.
        delimiter: what stands between values, one character; only for CSV and TSV.
        encoding: of a text format that is not UTF-8, as Python names it: `latin-1`, `cp1252`, `utf-16`.
        columns: types of columns by name, see `tables.conversion`; in CSV and TSV they are made from the text as it
            stands in the file, so that `text` keeps leading zeros.
    """

    header: bool | None = None
    delimiter: str | None = None
    encoding: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


def read_table(path: Path | str, *, format: str | None = None) -> Table:  # noqa: A002 - the field's word
    """Read a file as a table.

    Args:
        path: its suffix says the format; text formats may end in `.gz`.
        format: overrides the suffix: `csv`, `nh.csv`, `parquet`, …

    Raises:
        InvalidUsage: `format` is unknown.
        InvalidDataset: the file is missing, unreadable, of an unknown suffix, broken, or holds what a table cannot.
    """
    return read_table_as(path, ReadingOptions(), format=format)


def read_table_as(path: Path | str, options: ReadingOptions, *, format: str | None = None) -> Table:  # noqa: A002
    """Read a file as a table, otherwise than it says itself.

    Raises:
        InvalidUsage: as `read_table`; a type that is unknown, or an option that the format does not have.
        InvalidDataset: as `read_table`; a column that is not there, or a value that is not of its type.
    """
    place = Path(path)
    kind = file_kind(place, format, InvalidDataset)
    _check_options(options, kind)
    try:
        if kind.format in _FILE_READERS:
            arrow = _FILE_READERS[kind.format](place)
        else:
            content = decoded(_content(place, kind), options.encoding, str(place))
            arrow = _read_text(content, str(place), kind.format, options)
    except FileNotFoundError as error:
        raise InvalidDataset(f"There is no file {place}. Check the path.", path=str(place)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidDataset(f"{place} cannot be read: {reason}.", path=str(place)) from error
    table = _from_outside(_with_types(arrow, options, place), place)
    if kind.format is Format.ARROW and not options.columns:
        table.file = TableFile.on_disk(place)
    return table


def read_text_table(text: str, where: str, *, format: Format, options: ReadingOptions | None = None) -> Table:  # noqa: A002
    """Read a table from text in memory.

    Args:
        text: of a text format.
        where: what the errors call it.
        format: one of TEXT_FORMATS.
        options: how to read it; the encoding means nothing.

    Raises:
        InvalidUsage, InvalidDataset: as `read_table`.
    """
    chosen = options or ReadingOptions()
    _check_options(chosen, FileKind(format))
    arrow = _read_text(pa.py_buffer(text.encode("utf-8", "replace")), where, format, chosen)
    return _from_outside(_with_types(arrow, chosen, where), where)


def read_csv_stream(stream: IO[bytes]) -> Table:
    """Read CSV with a header row from a binary stream to its end, such as standard input.

    Raises:
        InvalidDataset: as `read_table`.
    """
    where = "standard input"
    return _from_outside(read_csv(read_bounded(stream, where), where), where)


def _check_options(options: ReadingOptions, kind: FileKind) -> None:
    given = {"header": options.header, "delimiter": options.delimiter, "encoding": options.encoding}
    known = {"encoding"} if kind.format in TEXT_FORMATS else set()
    known |= {"header", "delimiter"} if kind.format in _SEPARATED else set()
    for name, value in given.items():
        if value is not None and name not in known:
            raise InvalidUsage(f"The option {name} means nothing for {kind.format} files. Leave it out.", option=name)
    delimiter = options.delimiter
    if delimiter is not None and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0'):
        raise InvalidUsage(
            f"The delimiter {delimiter!r} cannot be; give one ASCII character, such as ';' or a tab.",
            option="delimiter",
        )


def _read_text(content: pa.Buffer, where: str, format_: Format, options: ReadingOptions) -> pa.Table:
    if format_ not in _SEPARATED:
        return _TEXT_READERS[format_](content, where)
    delimiter, has_header = _SEPARATED[format_]
    return read_csv(
        content,
        where,
        delimiter=options.delimiter or delimiter,
        has_header=has_header if options.header is None else options.header,
        as_text=options.columns,
    )


def _with_types(arrow: pa.Table, options: ReadingOptions, where: Path | str) -> pa.Table:
    if not options.columns:
        return arrow
    try:
        return convert_columns(arrow, options.columns)
    except InvalidDataset as error:
        raise InvalidDataset(f"{where}: {error.message}", **{**error.facts, "path": str(where)}) from error


def _content(path: Path, kind: FileKind) -> pa.Buffer:
    if kind.gzip:
        with gzip.open(path) as stream:
            return read_bounded(cast("IO[bytes]", stream), str(path))
    if stat.S_ISDIR(path.stat().st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if path.stat().st_size == 0:
        return pa.py_buffer(b"")
    with pa.memory_map(str(path)) as mapped:
        content: pa.Buffer = mapped.read_buffer()
    return content


def _from_outside(arrow: pa.Table, where: Path | str) -> Table:
    try:
        return Table.from_arrow(arrow)
    except InvalidDataset as error:
        raise InvalidDataset(f"{where}: {error.message}", **{**error.facts, "path": str(where)}) from error


def _read_parquet(path: Path) -> pa.Table:
    from estudio.tables.parquetreading import read_parquet  # noqa: PLC0415 - loads a library of its own, as those below

    return read_parquet(path)


def _read_excel(path: Path) -> pa.Table:
    from estudio.tables.excelreading import read_excel  # noqa: PLC0415

    return read_excel(path)


def _read_arff(content: pa.Buffer, where: str) -> pa.Table:
    from estudio.tables.arffreading import read_arff  # noqa: PLC0415

    return read_arff(content, where)


def _read_json_lines(content: pa.Buffer, where: str) -> pa.Table:
    from estudio.tables.jsonreading import read_json_lines  # noqa: PLC0415

    return read_json_lines(content, where)


_FILE_READERS: dict[Format, Callable[[Path], pa.Table]] = {
    Format.PARQUET: _read_parquet,
    Format.ARROW: read_arrow,
    Format.XLSX: _read_excel,
}
_SEPARATED = {
    Format.CSV: (",", True), Format.TSV: ("\t", True), Format.HEADERLESS_CSV: (",", False),
    Format.HEADERLESS_TSV: ("\t", False),
}  # fmt: skip
"""What stands between the values, and whether the first row holds the names."""
_TEXT_READERS: dict[Format, Callable[[pa.Buffer, str], pa.Table]] = {
    Format.ARFF: _read_arff,
    Format.JSON_LINES: _read_json_lines,
}
