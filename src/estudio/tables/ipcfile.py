"""Writes the canonical Arrow IPC file: one record batch, uncompressed, every buffer at a multiple of 64 bytes.

pyarrow aligns buffers to 8 bytes only and offers no other setting. So pyarrow makes the metadata, for one row of
nulls of the same schema, and this module puts the true numbers into it and the buffers at places of its own choice.
Any Arrow reader reads the result. Sources: the Arrow columnar format, "IPC File Format"; Message.fbs, File.fbs.
"""

from __future__ import annotations

import dataclasses
import os
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from estudio.core.layout import BufferSpan, ColumnLayout, TableLayout
from estudio.tables.columns import buffers_of, children_of
from estudio.tables.flatbuffers import FlatTable
from estudio.tables.typenames import Arrow, type_name

if TYPE_CHECKING:
    from collections.abc import Iterable

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector register; recommended by the Arrow format."""
MARK = {b"estudio.canonical": b"1"}
"""Schema metadata saying that the values are canonical too (NaN under null bits): no one can see that in O(columns)."""
MOST_AT_ONCE = 1 << 30
"""Bytes per write call; Linux writes at most 2 GiB at once."""
GATHERED_BYTES = 1 << 18
"""Small buffers are gathered into writes of about this size: a table of 5 000 columns has 10 000 of them."""

_MAGIC = b"ARROW1"
_CONTINUATION = b"\xff\xff\xff\xff"
_MESSAGE_HEADER, _MESSAGE_BODY = 2, 3
_BATCH_ROWS, _BATCH_NODES, _BATCH_BUFFERS = 0, 1, 2
_DICTIONARY_BATCH = 1
_FOOTER_DICTIONARIES, _FOOTER_BATCHES = 2, 3
_BLOCK_BYTES = 24


@dataclass(slots=True)
class _Body:
    """The buffers of one message, and what its metadata has to say about them. `start` is where it lies in the file."""

    start: int
    length: int = 0
    nodes: list[tuple[int, int]] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    pieces: list[tuple[int, Any]] = field(default_factory=list)

    def add(self, name: str, array: Arrow) -> ColumnLayout:
        """Take in an array and its list values; the categories of a dictionary lie in a message of their own."""
        self.nodes.append((len(array), array.null_count))
        spans = tuple(self._place(buffer) for buffer in buffers_of(array))
        inner = () if pa.types.is_dictionary(array.type) else children_of(array)
        children = tuple(self.add("", child) for child in inner)
        return ColumnLayout(name, type_name(array.type), len(array), array.null_count, spans, children)

    def _place(self, buffer: pa.Buffer | None) -> BufferSpan | None:
        offset = self.length
        self.spans.append((offset, 0 if buffer is None else buffer.size))
        if buffer is None:
            return None
        self.pieces.append((self.start + offset, buffer))
        self.length += -(-buffer.size // ALIGNMENT) * ALIGNMENT
        return BufferSpan(self.start + offset, buffer.size)


class _Plan:
    """The file as pieces of bytes at places, made before anything is written."""

    def __init__(self, schema: pa.Schema, dictionaries: int) -> None:
        model = _model_file(schema)
        footer_bytes = int.from_bytes(model[-10:-6], "little")
        self._model = model
        self._footer = bytearray(model[-10 - footer_bytes : -10])
        footer = FlatTable.root(self._footer, 0)
        self._blocks = [
            *(_block(footer, _FOOTER_DICTIONARIES, number) for number in range(dictionaries)),
            _block(footer, _FOOTER_BATCHES, 0),
        ]
        first = min(offset for offset, _ in (self._model_place(block) for block in self._blocks))
        self.pieces: list[tuple[int, Any]] = [(0, model[:first])]
        self._end = first
        self._messages = 0

    def message(self, arrays: Iterable[tuple[str, Any]], rows: int) -> list[ColumnLayout]:
        """Plan the next message: the dictionaries in the schema's order, at last the record batch."""
        block = self._blocks[self._messages]
        offset, size = self._model_place(block)
        padding = -(self._end + size) % ALIGNMENT
        metadata = bytearray(self._model[offset : offset + size]) + bytes(padding)
        struct.pack_into("<i", metadata, 4, len(metadata) - 8)
        body = _Body(self._end + len(metadata))
        layouts = [body.add(name, array) for name, array in arrays]
        _describe(FlatTable.root(metadata, 8), body, rows, is_dictionary=self._messages + 1 < len(self._blocks))
        struct.pack_into("<qi4xq", self._footer, block, self._end, len(metadata), body.length)
        self.pieces += [(self._end, metadata), *body.pieces]
        self._end = body.start + body.length
        self._messages += 1
        return layouts

    def finish(self) -> None:
        """Plan the end of the messages and the footer."""
        tail = _CONTINUATION + bytes(4) + self._footer + len(self._footer).to_bytes(4, "little") + _MAGIC
        self.pieces.append((self._end, tail))

    def _model_place(self, block: int) -> tuple[int, int]:
        offset, size = struct.unpack_from("<qi", self._footer, block)
        return offset, size


def write_ipc_file(table: pa.Table, descriptor: int) -> TableLayout:
    """Write a canonical pyarrow table from position 0 of an open descriptor; returns where everything lies.

    Args:
        table: in canonical form.
        descriptor: a file, open for writing; it is emptied first and not closed.

    Raises:
        OSError: the descriptor takes no more.
    """
    columns: list[Arrow] = [column.chunk(0) for column in table.columns]
    dictionaries = [column.dictionary for column in columns if pa.types.is_dictionary(column.type)]
    plan = _Plan(table.schema, len(dictionaries))
    categories = iter([plan.message([("", values)], len(values))[0] for values in dictionaries])
    layouts = plan.message(zip(table.schema.names, columns, strict=True), table.num_rows)
    plan.finish()
    _write(descriptor, plan.pieces)
    return TableLayout(table.num_rows, tuple(_with_categories(layout, categories) for layout in layouts))


def _with_categories(layout: ColumnLayout, categories: Iterable[ColumnLayout]) -> ColumnLayout:
    if not layout.type.startswith("dictionary"):
        return layout
    return dataclasses.replace(layout, children=(next(iter(categories)),))


def _model_file(schema: pa.Schema) -> bytes:
    arrays = [_one_null(field.type) for field in schema]
    batch = pa.record_batch([*arrays, pa.nulls(1)], [*schema.names, ""]).select(range(len(arrays)))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, schema.with_metadata(MARK)) as writer:
        writer.write_batch(batch.replace_schema_metadata(MARK))
    return sink.getvalue().to_pybytes()


def _one_null(arrow: Arrow) -> Arrow:
    if pa.types.is_dictionary(arrow):
        codes = pa.nulls(1, pa.int32())
        return pa.DictionaryArray.from_arrays(codes, pa.nulls(1, arrow.value_type), ordered=arrow.ordered)
    return pa.nulls(1, arrow)


def _block(footer: FlatTable, kind: int, number: int) -> int:
    start, count = footer.vector(kind)
    if number >= count:
        raise ValueError("the footer has fewer messages than the schema")
    return start + number * _BLOCK_BYTES


def _describe(message: FlatTable, body: _Body, rows: int, *, is_dictionary: bool) -> None:
    message.set_int64(_MESSAGE_BODY, body.length)
    header = message.table(_MESSAGE_HEADER)
    batch = header.table(_DICTIONARY_BATCH) if is_dictionary else header
    batch.set_int64(_BATCH_ROWS, rows)
    for number, pairs in ((_BATCH_NODES, body.nodes), (_BATCH_BUFFERS, body.spans)):
        start, count = batch.vector(number)
        if count != len(pairs):
            raise ValueError("the metadata has another number of buffers than the table")
        struct.pack_into(f"<{2 * count}q", message.data, start, *(value for pair in pairs for value in pair))


def _write(descriptor: int, pieces: list[tuple[int, Any]]) -> None:
    os.ftruncate(descriptor, 0)
    gathered, start = bytearray(), 0
    for place, piece in pieces:
        view = memoryview(piece)
        if gathered and len(gathered) + len(view) > GATHERED_BYTES:
            _write_at(descriptor, start, memoryview(gathered))
            gathered, start = bytearray(), place
        if len(view) > GATHERED_BYTES:
            _write_at(descriptor, place, view)
            start = place + len(view)
            continue
        if not gathered:
            start = place
        gathered += bytes(place - start - len(gathered))
        gathered += view
    _write_at(descriptor, start, memoryview(gathered))


def _write_at(descriptor: int, place: int, view: memoryview) -> None:
    while view:
        written = os.pwrite(descriptor, view[:MOST_AT_ONCE], place)
        view, place = view[written:], place + written
