"""Reads a table from a file of any known format.

The format follows from the suffix, never from the content: a CSV file named `.xlsx` is refused, not guessed.
"""

from __future__ import annotations

import errno
import gzip
import os
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import pyarrow as pa

from estudio.errors import InvalidDataset
from estudio.tables.arrowreading import read_arrow
from estudio.tables.bounds import read_bounded
from estudio.tables.csvreading import read_csv
from estudio.tables.formats import FileKind, Format, file_kind
from estudio.tables.table import Table
from estudio.tables.tablefile import TableFile

if TYPE_CHECKING:
    from collections.abc import Callable


def read_table(path: Path | str, *, format: str | None = None) -> Table:  # noqa: A002 - the field's word
    """Read a file as a table.

    Args:
        path: its suffix says the format; text formats may end in `.gz`.
        format: overrides the suffix: `csv`, `nh.csv`, `parquet`, …

    Raises:
        InvalidUsage: `format` is unknown.
        InvalidDataset: the file is missing, unreadable, of an unknown suffix, broken, or holds what a table cannot.
    """
    place = Path(path)
    kind = file_kind(place, format, InvalidDataset)
    try:
        if kind.format in _FILE_READERS:
            arrow = _FILE_READERS[kind.format](place)
        else:
            arrow = _TEXT_READERS[kind.format](_content(place, kind), str(place))
    except FileNotFoundError as error:
        raise InvalidDataset(f"There is no file {place}. Check the path.", path=str(place)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidDataset(f"{place} cannot be read: {reason}.", path=str(place)) from error
    table = _from_outside(arrow, place)
    if kind.format is Format.ARROW:
        table.file = TableFile.on_disk(place)
    return table


def read_csv_stream(stream: IO[bytes]) -> Table:
    """Read CSV with a header row from a binary stream to its end, such as standard input.

    Raises:
        InvalidDataset: as `read_table`.
    """
    where = "standard input"
    return _from_outside(read_csv(read_bounded(stream, where), where), where)


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
_TEXT_READERS: dict[Format, Callable[[pa.Buffer, str], pa.Table]] = {
    Format.CSV: read_csv,
    Format.TSV: lambda content, where: read_csv(content, where, delimiter="\t"),
    Format.HEADERLESS_CSV: lambda content, where: read_csv(content, where, has_header=False),
    Format.HEADERLESS_TSV: lambda content, where: read_csv(content, where, delimiter="\t", has_header=False),
    Format.ARFF: _read_arff,
    Format.JSON_LINES: _read_json_lines,
}
