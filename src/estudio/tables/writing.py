"""Writes a table to a file of any known format, whole or not at all.

A file appears under its name only when it is complete: it is written beside its place and then renamed.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import secrets
import shutil
import stat
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import pyarrow as pa

from estudio.errors import OutputFailed
from estudio.tables.arffwriting import write_arff
from estudio.tables.csvwriting import write_csv
from estudio.tables.formats import FileKind, Format, file_kind
from estudio.tables.ipcfile import write_ipc_file
from estudio.tables.jsonwriting import write_json_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.tables.table import Table


def write_table(table: Table, target: Path | str | IO[bytes], format: str | None = None) -> None:  # noqa: A002 - the field's word
    """Write a table to a path, by its suffix, or to a binary stream, as CSV unless `format` says otherwise.

    CSV and TSV: missing is an empty place, empty text is `""`; True and False; times as ISO 8601 with all their
    decimals; bytes as Base64; lists as JSON. Nothing is changed to please spreadsheet programs.
    Arrow and Feather: the canonical form. Parquet: zstd; categories that are no text become their values, seconds
    milliseconds. JSON Lines: missing, NaN and infinity are `null`.

    Raises:
        InvalidUsage: `format` is unknown.
        OutputFailed: an unknown suffix, a missing folder, no permission, a full disk, or a table that the format
            cannot hold.
    """
    if not isinstance(target, str | Path):
        _write_stream(table, target, file_kind(Path("-.csv"), format, OutputFailed))
        return
    path = Path(target)
    kind = file_kind(path, format, OutputFailed)
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):  # such as /dev/stdout or a named pipe
            with path.open("wb", buffering=0) as stream:
                _write_stream(table, stream, kind)
        else:
            _write_whole(table, path, kind)
    except OSError as error:
        raise _failed(path, error) from error


def _write_whole(table: Table, path: Path, kind: FileKind) -> None:
    beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.tmp")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(beside, flags, 0o666), "r+b") as file:
            _write_file(table, file, kind)
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def _write_stream(table: Table, stream: IO[bytes], kind: FileKind) -> None:
    try:
        with tempfile.TemporaryFile() as file:
            _write_file(table, cast("IO[bytes]", file), kind)
            file.seek(0)
            shutil.copyfileobj(file, stream, 1 << 20)
        stream.flush()
    except OSError as error:
        raise _failed("the output stream", error) from error


def _write_file(table: Table, file: IO[bytes], kind: FileKind) -> None:
    writer = _WRITERS[kind.format]
    if kind.gzip:
        with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0, compresslevel=6) as packed:
            writer(table.to_arrow(), cast("IO[bytes]", packed))
    else:
        writer(table.to_arrow(), file)
    file.flush()


def _write_arrow(table: pa.Table, file: IO[bytes]) -> None:
    write_ipc_file(table, file.fileno())
    file.seek(0, os.SEEK_END)


def _write_excel(table: pa.Table, file: IO[bytes]) -> None:
    from estudio.tables.excelwriting import write_excel  # noqa: PLC0415 - loads a library of its own, as that below

    write_excel(table, file)


def _write_parquet(table: pa.Table, file: IO[bytes]) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        pq.write_table(table, file, compression="zstd")
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise OutputFailed(f"Parquet cannot hold this table: {str(error)[:300]}. Write .arrow instead.") from error


def _failed(target: Path | str, error: OSError) -> OutputFailed:
    reason = error.strerror or str(error)
    return OutputFailed(
        f"{target} cannot be written: {reason}. Check the folder, its permissions and the free space.",
        path=str(target),
        reason=reason,
    )


_WRITERS: dict[Format, Callable[[pa.Table, IO[bytes]], None]] = {
    Format.CSV: write_csv,
    Format.TSV: lambda table, file: write_csv(table, file, delimiter="\t"),
    Format.HEADERLESS_CSV: lambda table, file: write_csv(table, file, has_header=False),
    Format.HEADERLESS_TSV: lambda table, file: write_csv(table, file, delimiter="\t", has_header=False),
    Format.ARFF: write_arff,
    Format.PARQUET: _write_parquet,
    Format.ARROW: _write_arrow,
    Format.JSON_LINES: write_json_lines,
    Format.XLSX: _write_excel,
}
