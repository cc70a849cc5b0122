"""The files of jobs: a table in, checked against the version; the parts' tables out, one file in the format asked for.

What lies in the store between both is canonical Arrow. Parts are written out one after the other, so that a result of
any size takes the memory of one part; only XLSX and ARFF are made from the whole table.
"""

from __future__ import annotations

import gzip
import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

import pyarrow as pa
import pyarrow.compute as pc

from estudio.core.job import JobResult
from estudio.errors import CallProblem, InvalidCall, InvalidDataset, OutputFailed
from estudio.tables.arrowreading import read_arrow
from estudio.tables.canonical import write_canonical
from estudio.tables.csvwriting import write_csv
from estudio.tables.formats import GZIP, Format, file_kind
from estudio.tables.jsonwriting import write_json_lines
from estudio.tables.reading import ReadingOptions, read_table_as
from estudio.tables.table import Table
from estudio.tables.webarrays import read_column
from estudio.tables.webfitting import check_columns, fit_column, fit_table
from estudio.tables.webjson_reading import expect, table_of_arrays
from estudio.tables.webproblems import Place, Problems, shown
from estudio.tables.writing import write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from estudio.core.service import ServicePort
    from estudio.store.protocols import ObjectStore
    from estudio.tables.formats import FileKind
    from estudio.tables.typenames import Arrow
    from estudio.tables.webjson_reading import Expected

_SEPARATED = frozenset({Format.CSV, Format.TSV, Format.HEADERLESS_CSV, Format.HEADERLESS_TSV})
_HEADERLESS = frozenset({Format.HEADERLESS_CSV, Format.HEADERLESS_TSV})
_READ_AS_TEXT = "text"
PARTS_FORMAT = Format.ARROW.value


class WorkspaceFiles(Protocol):
    """Where files of the workspace lie; what is outside of it or its own is refused."""

    def path_to_read(self, place: str) -> Path:
        """Raises InvalidCall."""
        ...

    def path_to_write(self, place: str) -> Path:
        """Raises OutputFailed."""
        ...


def check_format(format_: str) -> FileKind:
    """What a format's name means. Raises InvalidUsage."""
    return file_kind(Path("-"), format_, InvalidDataset)


def format_name(kind: FileKind) -> str:
    """The one name of a format: `csv`, `nh.tsv.gz`."""
    return f"{kind.format.value}{GZIP if kind.gzip else ''}"


def read_job_table(path: Path, format_: str, port: ServicePort) -> Table:
    """The table of an input: the version's columns, found by name in any order, with its types.

    Args:
        path: of the file.
        format_: of the file, as `tables.formats` names it.
        port: the input.

    Raises:
        InvalidCall: columns or values that do not fit; `problems` has each with its row and column.
        InvalidDataset: it cannot be read at all.
    """
    kind, expected, place = check_format(format_), expect(port.columns), Place(port.name)
    problems = Problems()
    found = _named(read_table_as(path, ReadingOptions(), format=format_).to_arrow(), kind, expected)
    if check_columns(found.schema.names, expected, place, problems):
        if kind.format in _SEPARATED:
            table = _from_text(_Text(path, format_, kind, found), expected, place, problems)
        else:
            table = fit_table(found, expected, place, problems)
        if table is not None:
            return table
    problems.check()
    raise InvalidCall(f"The table of the input {port.name!r} does not fit the service.")


def _named(found: pa.Table, kind: FileKind, expected: Expected) -> pa.Table:
    """A file without a header has the columns in the version's order."""
    if kind.format in _HEADERLESS and found.num_columns == len(expected.names):
        return found.rename_columns(list(expected.names))
    return found


class _Text:
    """A file of separated values: read by inference first, as text where that lost something."""

    def __init__(self, path: Path, format_: str, kind: FileKind, inferred: pa.Table) -> None:
        self.inferred = inferred
        self._path = path
        self._format = format_
        self._kind = kind
        self._texts: pa.Table | None = None

    def column(self, name: str, expected: Expected) -> Arrow:
        """A column as it stands in the file."""
        if self._texts is None:
            names = read_table_as(self._path, ReadingOptions(), format=self._format).schema.names
            options = ReadingOptions(columns=dict.fromkeys(names, _READ_AS_TEXT))
            read = read_table_as(self._path, options, format=self._format).to_arrow()
            self._texts = _named(read, self._kind, expected)
        return self._texts.column(name)


def _from_text(text: _Text, expected: Expected, place: Place, problems: Problems) -> Table | None:
    arrays: list[Arrow] = []
    for name, wanted in zip(expected.names, expected.types, strict=True):
        column = text.inferred.column(name)
        array = None if _lost_its_text(column, wanted) else fit_column(name, column, wanted, place, Problems())
        if array is None:
            cells = text.column(name, expected).to_pylist()
            array = read_column(wanted, cells, _teller(name, cells, place, problems), classic=True)
        if array is not None:
            arrays.append(array)
        elif problems.is_full:
            return None
    return table_of_arrays(expected, arrays, text.inferred.num_rows) if len(arrays) == len(expected.names) else None


def _lost_its_text(column: Arrow, wanted: str) -> bool:
    """Whether inference took for numbers or times what is to be text: `007` must stay what it is."""
    is_text = pa.types.is_large_string(column.type) or pa.types.is_null(column.type)
    return wanted.startswith(("large_string", "dictionary", "decimal")) and not is_text


def _teller(name: str, cells: Sequence[object], place: Place, problems: Problems) -> Callable[[int, str], bool]:
    def tell(row: int, words: str) -> bool:
        what = f"Row {row} of {place.input!r}, column {shown(name)}: {shown(cells[row])} {words}."
        problems.add(CallProblem("wrong-type", what, "", place.input, row, name))
        return not problems.is_full

    return tell


def keep_part(objects: ObjectStore, table: Table) -> JobResult:
    """Keep what one part gave for one output. Raises StoreFailed."""

    def write(descriptor: int) -> None:
        write_canonical(table, descriptor)

    digest = objects.put_file(write)
    return JobResult(digest, PARTS_FORMAT, objects.path_of(digest).stat().st_size, table.row_count)


def keep_result(objects: ObjectStore, parts: Sequence[JobResult], format_: str) -> JobResult:
    """Put the parts of one output together into one file of this format, and keep that.

    Raises:
        OutputFailed: the format cannot hold the table.
        InvalidCall: parts have different columns.
        StoreFailed: a part is gone, or there is no room.
    """
    kind = check_format(format_)
    rows = sum(part.row_count for part in parts)
    if len(parts) == 1 and kind.format is Format.ARROW:
        return JobResult(parts[0].digest, format_, parts[0].size_bytes, rows)
    paths = [objects.path_of(part.digest) for part in parts]

    def write(descriptor: int) -> None:
        with os.fdopen(os.dup(descriptor), "r+b") as file:
            _write(paths, file, kind, format_)

    digest = objects.put_file(write)
    return JobResult(digest, format_, objects.path_of(digest).stat().st_size, rows)


def _write(paths: Sequence[Path], file: IO[bytes], kind: FileKind, format_: str) -> None:
    if len(paths) == 1:
        write_table(Table.from_arrow(read_arrow(paths[0])), file, format_)
        return
    schema = _common_schema(paths)
    if kind.format in _SEPARATED:
        with _packed(file, kind) as target:
            for number, table in enumerate(_tables(paths, schema)):
                has_header = number == 0 and kind.format not in _HEADERLESS
                delimiter = "\t" if kind.format in {Format.TSV, Format.HEADERLESS_TSV} else ","
                write_csv(table, target, delimiter=delimiter, has_header=has_header)
    elif kind.format is Format.JSON_LINES:
        with _packed(file, kind) as target:
            for table in _tables(paths, schema):
                write_json_lines(table, target)
    elif kind.format is Format.PARQUET:
        _write_parquet(paths, schema, file)
    elif kind.format is Format.ARROW:
        with pa.ipc.new_file(cast("Any", file), schema) as writer:
            for table in _tables(paths, schema):
                writer.write_table(table)
    else:
        write_table(Table.from_arrow(pa.concat_tables(_tables(paths, schema))), file, format_)


@contextmanager
def _packed(file: IO[bytes], kind: FileKind) -> Iterator[Any]:
    if not kind.gzip:
        yield file
        return
    with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0, compresslevel=6) as packed:
        yield packed


def _write_parquet(paths: Sequence[Path], schema: pa.Schema, file: IO[bytes]) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415 - loads a library of its own

    try:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for table in _tables(paths, schema):
                writer.write_table(table)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise OutputFailed(f"Parquet cannot hold this table: {str(error)[:300]}. Ask for arrow instead.") from error


def _tables(paths: Sequence[Path], schema: pa.Schema) -> Iterator[pa.Table]:
    """The parts, one at a time, all with the same types."""
    for path in paths:
        yield _plain(read_arrow(path)).cast(schema).combine_chunks()


def _common_schema(paths: Sequence[Path]) -> pa.Schema:
    """What all parts have: an empty or half-empty part may have made another type of a column than the others."""
    schemas = []
    for path in paths:
        with pa.memory_map(str(path)) as mapped:
            schema: Any = pa.ipc.open_file(mapped).schema
        schemas.append(_plain(schema.empty_table()).schema)
    names = schemas[0].names
    different = next((number for number, schema in enumerate(schemas) if schema.names != names), None)
    if different is not None:
        raise InvalidCall(
            f"Part {different + 1} of the job gave other columns than part 1: a row-wise service gives every row the "
            "same columns. Publish it without row_wise; then its jobs are scored whole.",
            part=different + 1,
        )
    try:
        return pa.unify_schemas(schemas, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InvalidCall(
            f"The parts of the job gave columns of types that have nothing in common: {str(error)[:200]}. Publish the "
            "service without row_wise, or let the script convert its columns.",
        ) from error


def _plain(table: pa.Table) -> pa.Table:
    """Categories as their values: each part has its own, and a file has room for one set."""
    for number, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            decoded: Any = pc.cast(table.column(number), field.type.value_type)
            table = table.set_column(number, field.name, decoded)
    return table
