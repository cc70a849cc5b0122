"""Tables as whole HTTP bodies other than JSON: CSV, Arrow streams, Parquet; read, checked and written in memory.

What a body may become is bounded before it is decoded, as far as its metadata can be believed; nothing that was sent is
used before full validation.
"""

from __future__ import annotations

import io
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from estudio.errors import CallProblem, InvalidCall, InvalidDataset
from estudio.tables.columns import check_type
from estudio.tables.csvreading import read_csv
from estudio.tables.csvwriting import write_csv
from estudio.tables.webarrays import read_column
from estudio.tables.webarrow import decompressed_bytes
from estudio.tables.webfitting import MAX_CALL_BYTES, check_columns, fit_column, fit_table
from estudio.tables.webjson_reading import MAX_CALL_ROWS, Expected, expect, table_of_arrays
from estudio.tables.webparquet import DELTA_BYTE_ARRAY, flat_texts, page_sizes
from estudio.tables.webproblems import Place, Problems, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.core.schema import Column
    from estudio.tables.table import Table
    from estudio.tables.typenames import Arrow

MAX_CALL_BATCHES = 10_000
"""Of an Arrow stream: empty batches cost little in the body, and each costs memory here."""


class BodyFormat(StrEnum):
    """How a whole table is an HTTP body; the value is the media type."""

    CSV = "text/csv"
    ARROW = "application/vnd.apache.arrow.stream"
    PARQUET = "application/vnd.apache.parquet"


def read_body_table(
    body: bytes, format_: BodyFormat, columns: Sequence[Column], place: Place, problems: Problems
) -> Table | None:
    """A table from a whole body.

    Returns:
        None where something is wrong that `problems` was told.

    Raises:
        InvalidCall: of kind `syntax` where the body is not of the format, `encoding` for text that is not UTF-8,
            `too-large` for what would become too large in memory.
    """
    expected = expect(tuple(columns))
    try:
        return _READERS[format_](body, expected, place, problems)
    except InvalidDataset as error:
        kind = "encoding" if "encoding" in error.facts or "not UTF-8" in error.message else "syntax"
        raise InvalidCall(error.message, kind=kind) from error
    except (pa.ArrowException, OSError, MemoryError, ValueError, KeyError, NotImplementedError, OverflowError) as error:
        words = f"The body cannot be read as {format_}: {str(error)[:300] or type(error).__name__}."
        raise InvalidCall(words, kind="syntax") from error


def write_body_table(table: Table, format_: BodyFormat) -> bytes:
    """A table as a whole body: CSV with a header, one Arrow stream of one batch, Parquet.

    Raises:
        InvalidCall: of kind `not-acceptable`, where Parquet cannot hold the table's types.
    """
    arrow = table.to_arrow()
    if format_ is BodyFormat.CSV:
        file = io.BytesIO()
        write_csv(arrow, file)
        return file.getvalue()
    sink = pa.BufferOutputStream()
    if format_ is BodyFormat.ARROW:
        with pa.ipc.new_stream(sink, arrow.schema) as writer:
            writer.write_table(arrow)
    else:
        _write_parquet(arrow, sink)
    return sink.getvalue().to_pybytes()


def _write_parquet(arrow: pa.Table, sink: Any) -> None:  # noqa: ANN401
    import pyarrow.parquet as pq  # noqa: PLC0415 - loads a library of its own

    try:
        pq.write_table(arrow, sink, compression="snappy")
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise InvalidCall(
            f"Parquet cannot hold this table: {str(error)[:300]}. Ask for Arrow or JSON instead.", kind="not-acceptable"
        ) from error


def _read_arrow(body: bytes, expected: Expected, place: Place, problems: Problems) -> Table | None:
    _check_size(0, decompressed_bytes(body, MAX_CALL_BYTES), place)
    with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
        schema: Any = reader.schema
        if not _check_schema(schema, expected, place, problems):
            return None
        batches, rows, size = [], 0, 0
        for batch in reader:
            rows += batch.num_rows
            size += batch.get_total_buffer_size()
            _check_size(rows, size, place)
            batches.append(batch)
            if len(batches) > MAX_CALL_BATCHES:
                raise ValueError(f"it has more than {MAX_CALL_BATCHES} batches")
    table = pa.Table.from_batches(batches, schema)
    table.validate(full=True)
    _check_size(rows, table.nbytes, place)  # counts buffers that columns share once for each
    return fit_table(table, expected, place, problems)


def _read_parquet(body: bytes, expected: Expected, place: Place, problems: Problems) -> Table | None:
    import pyarrow.parquet as pq  # noqa: PLC0415 - loads a library of its own

    source: Any = pa.BufferReader(body)
    metadata = pq.read_metadata(source)
    with pq.ParquetFile(source, metadata=metadata, read_dictionary=flat_texts(metadata)) as file:
        schema: Any = file.schema_arrow
        if not _check_schema(schema, expected, place, problems):
            return None
        _check_pages(body, metadata, place)
        table = file.read()
    table.validate(full=True)
    _check_size(table.num_rows, table.nbytes, place)
    return fit_table(table, expected, place, problems)


def _check_pages(body: bytes, metadata: Any, place: Place) -> None:  # noqa: ANN401
    groups = range(metadata.num_row_groups)
    rows = max(metadata.num_rows, sum(metadata.row_group(number).num_rows for number in groups))
    _check_size(rows, 0, place)
    sizes = page_sizes(body, metadata, MAX_CALL_BYTES)
    _check_size(rows, max(sizes.bytes, sizes.repeats), place)
    if DELTA_BYTE_ARRAY in sizes.encodings:
        raise ValueError("it uses the encoding DELTA_BYTE_ARRAY, whose size is not known beforehand; use another")


def _check_schema(schema: Any, expected: Expected, place: Place, problems: Problems) -> bool:  # noqa: ANN401
    if not check_columns(schema.names, expected, place, problems):
        return False
    for field in schema:
        check_type(field.name, field.type)
    return True


def _check_size(rows: int, size: int, place: Place) -> None:
    if rows > MAX_CALL_ROWS:
        words = (
            f"The table {place.input!r} has more than {MAX_CALL_ROWS} rows, the most of one call. Send a job instead."
        )
        raise InvalidCall(words, kind="too-large", limit_rows=MAX_CALL_ROWS)
    if size > MAX_CALL_BYTES:
        words = f"The table {place.input!r} becomes more than {MAX_CALL_BYTES >> 20} MiB in memory. Send a job instead."
        raise InvalidCall(words, kind="too-large", limit_bytes=MAX_CALL_BYTES)


def _read_csv(body: bytes, expected: Expected, place: Place, problems: Problems) -> Table | None:
    content = pa.py_buffer(body)
    kept = [name for name, kind in zip(expected.names, expected.types, strict=True) if not _is_inferred(kind)]
    table = read_csv(content, "The body", as_text=kept)
    if not check_columns(table.schema.names, expected, place, problems):
        return None
    _check_size(table.num_rows, 0, place)
    texts: pa.Table | None = None
    arrays: list[Arrow] = []
    for name, wanted in zip(expected.names, expected.types, strict=True):
        array = fit_column(name, table.column(name), wanted, place, Problems()) if _is_inferred(wanted) else None
        if array is None:
            texts = texts if texts is not None else read_csv(content, "The body", as_text=expected.names)
            array = _from_text(name, texts.column(name), wanted, place, problems)
        if array is not None:
            arrays.append(array)
    return table_of_arrays(expected, arrays, table.num_rows) if len(arrays) == len(expected.names) else None


def _is_inferred(wanted: str) -> bool:
    """Whether the CSV reader's own inference finds the values of a type, at its speed."""
    return wanted.startswith(("int", "uint", "float", "bool", "timestamp")) or wanted == "null"


def _from_text(name: str, column: Arrow, wanted: str, place: Place, problems: Problems) -> Arrow | None:
    values = column.to_pylist()

    def report(row: int, words: str) -> bool:
        what = f"Row {row} of {place.input!r}, column {shown(name)}: {shown(values[row])} {words}."
        problems.add(CallProblem("wrong-type", what, place.pointer, place.input, row, name))
        return not problems.is_full

    return read_column(wanted, values, report, classic=True)


_READERS = {BodyFormat.CSV: _read_csv, BodyFormat.ARROW: _read_arrow, BodyFormat.PARQUET: _read_parquet}
