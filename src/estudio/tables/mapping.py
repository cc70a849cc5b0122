"""Finds out whether a file is a canonical Arrow file, and where everything lies in it.

Only the file's metadata and one offset per text column are looked at, never the values: what is in them may still
be wrong, so before *this* process uses the values of a file from outside, it reads it with `read_table`.
"""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from estudio.core.layout import MAX_COLUMNS, MAX_NAME_CHARACTERS, BufferSpan, ColumnLayout, TableLayout
from estudio.tables.columns import buffers_of, canonical_type, children_of
from estudio.tables.ipcfile import MARK
from estudio.tables.typenames import Arrow, type_name

if TYPE_CHECKING:
    from pathlib import Path


class _NotCanonicalError(Exception):
    """This file has to be read and written anew."""


def describe_file(file: int | Path | str) -> TableLayout | None:
    """The layout of a canonical Arrow file, offsets counted from the start of the file; `None` for any other file.

    Args:
        file: a path, or an open descriptor whose position does not matter.

    Raises:
        OSError: the file cannot be opened.
    """
    descriptor = file if isinstance(file, int) else os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_size == 0:
            return None
        return _describe(pa.py_buffer(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)))
    except (_NotCanonicalError, pa.ArrowException, ValueError, OverflowError):
        return None
    finally:
        if not isinstance(file, int):
            os.close(descriptor)


def _describe(file: pa.Buffer) -> TableLayout:
    reader = pa.ipc.open_file(pa.BufferReader(file))
    schema = reader.schema
    if schema.metadata != MARK or reader.num_record_batches != 1 or not _has_good_names(schema.names):
        raise _NotCanonicalError
    batch: Any = reader.get_batch(0)
    place = _Place(file.address, file.size)
    columns = zip(schema.names, batch.columns, strict=True)
    return TableLayout(batch.num_rows, tuple(place.describe(name, column) for name, column in columns))


def _has_good_names(names: list[str]) -> bool:
    return (
        len(names) <= MAX_COLUMNS
        and len(set(names)) == len(names)
        and all(len(name) <= MAX_NAME_CHARACTERS for name in names)
    )


class _Place:
    """A file in this process's memory."""

    def __init__(self, address: int, size: int) -> None:
        self._address = address
        self._size = size

    def describe(self, name: str, array: Arrow) -> ColumnLayout:
        if array.offset or canonical_type(array.type) != array.type:
            raise _NotCanonicalError
        spans = tuple(self._span(buffer) for buffer in buffers_of(array))
        children = tuple(self.describe("", child) for child in children_of(array))
        return ColumnLayout(name, type_name(array.type), len(array), array.null_count, spans, children)

    def _span(self, buffer: pa.Buffer | None) -> BufferSpan | None:
        if buffer is None:
            return None
        offset = buffer.address - self._address
        if offset < 0 or offset + buffer.size > self._size:
            raise _NotCanonicalError  # decompressed, so it lies elsewhere
        return BufferSpan(offset, buffer.size)
