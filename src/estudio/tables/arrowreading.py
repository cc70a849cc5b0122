"""Reads Arrow and Feather files, in the file format or the stream format, compressed or not.

An uncompressed file is mapped, not read: the table shares its pages, so the file must not be changed while in use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from estudio.errors import InvalidDataset
from estudio.tables.bounds import check_decoded_bytes
from estudio.tables.columns import check_type

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BATCHES = 1_000_000
"""Empty batches cost nothing in the file, and each costs memory here."""

_FILE_MAGIC = b"ARROW1"
_OLD_FEATHER_MAGIC = b"FEA1"


def read_arrow(path: Path) -> pa.Table:
    """Read a file of either format and check every value.

    Raises:
        InvalidDataset: broken, Feather of the first version, or of types that a table cannot hold.
        OSError: it cannot be opened.
    """
    if path.stat().st_size == 0:
        raise _broken(path, "it is empty")
    try:
        with pa.memory_map(str(path)) as mapped:
            content = mapped.read_buffer()
        return _read(content, path)
    except (pa.ArrowException, OSError, MemoryError, ValueError) as error:
        raise _broken(path, str(error)[:300]) from error


def _read(content: pa.Buffer, path: Path) -> pa.Table:
    magic = bytes(memoryview(content)[:6])
    if magic.startswith(_OLD_FEATHER_MAGIC):
        raise InvalidDataset(
            f"{path} is Feather of version 1, which is no longer read. Write it anew with any version of pandas since "
            "1.1: df.to_feather(path).",
            path=str(path),
        )
    is_file = magic == _FILE_MAGIC
    reader: Any = pa.ipc.open_file(content) if is_file else pa.ipc.open_stream(content)
    for field in reader.schema:
        check_type(field.name, field.type)
    batches = []
    decoded_bytes = 0
    for batch in _batches(reader, is_file=is_file):
        decoded_bytes += batch.get_total_buffer_size()  # not nbytes, which believes unchecked offsets and crashes
        check_decoded_bytes(decoded_bytes, path)
        batches.append(batch)
        if len(batches) > MAX_BATCHES:
            raise _broken(path, f"it has more than {MAX_BATCHES} batches")
    table = pa.Table.from_batches(batches, reader.schema)
    table.validate(full=True)
    return table


def _batches(reader: Any, *, is_file: bool) -> Iterator[pa.RecordBatch]:  # noqa: ANN401
    if not is_file:
        yield from reader
        return
    for number in range(reader.num_record_batches):
        yield reader.get_batch(number)


def _broken(path: Path, why: str) -> InvalidDataset:
    return InvalidDataset(
        f"{path} cannot be read as an Arrow file: {why}. Write it anew, or fetch it again.", path=str(path)
    )
