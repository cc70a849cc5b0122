"""Writes the canonical Arrow IPC file: one record batch, uncompressed, every buffer at a multiple of 64 bytes.

pyarrow aligns buffers to 8 bytes only and offers no other setting. So pyarrow makes the metadata, for one row of
nulls of the same schema, and this module puts the true numbers into it and the buffers at places of its own choice.
Any Arrow reader reads the result. Sources: the Arrow columnar format, "IPC File Format"; Message.fbs, File.fbs.
"""

from __future__ import annotations

import dataclasses
import functools
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
REMEMBERED_MODELS = 64
"""Schemas whose metadata is kept: the tables of a chain often have one schema, and making it takes half the time."""
REMEMBERED_COLUMNS = 256
"""Of a schema that is kept: some 50 kB each."""

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


@dataclass(frozen=True, slots=True)
class _Message:
    """The metadata of one message of a model file, and where the numbers lie in it that differ from table to table.

    `block`: where the footer says where the message is. `nodes` and `buffers`: where the vector begins and how many
    it has. `length` is None where the body has no bytes whatever the rows.
    """

    metadata: bytes
    block: int
    length: int | None
    rows: int
    nodes: tuple[int, int]
    buffers: tuple[int, int]

    def filled(self, body: _Body, rows: int, padding: int) -> bytearray:
        """The metadata for a message with this body."""
        metadata = bytearray(self.metadata) + bytes(padding)
        struct.pack_into("<i", metadata, 4, len(metadata) - 8)
        struct.pack_into("<q", metadata, self.rows, rows)
        if self.length is not None:
            struct.pack_into("<q", metadata, self.length, body.length)
        elif body.length:
            raise ValueError("the metadata has no place for the length of the body")
        for (start, count), pairs in ((self.nodes, body.nodes), (self.buffers, body.spans)):
            if count != len(pairs):
                raise ValueError("the metadata has another number of buffers than the table")
            struct.pack_into(f"<{2 * count}q", metadata, start, *(value for pair in pairs for value in pair))
        return metadata


@dataclass(frozen=True, slots=True)
class _Model:
    """What files of one schema have in common: `head` comes before the messages, the dictionaries' and the batch."""

    head: bytes
    messages: tuple[_Message, ...]
    footer: bytes


class _Plan:
    """The file as pieces of bytes at places, made before anything is written."""

    def __init__(self, model: _Model) -> None:
        self._model = model
        self._footer = bytearray(model.footer)
        self.pieces: list[tuple[int, Any]] = [(0, model.head)]
        self._end = len(model.head)
        self._messages = iter(model.messages)

    def message(self, arrays: Iterable[tuple[str, Any]], rows: int) -> list[ColumnLayout]:
        """Plan the next message: the dictionaries in the schema's order, at last the record batch."""
        message = next(self._messages)
        size = len(message.metadata)
        padding = -(self._end + size) % ALIGNMENT
        body = _Body(self._end + size + padding)
        layouts = [body.add(name, array) for name, array in arrays]
        struct.pack_into("<qi4xq", self._footer, message.block, self._end, size + padding, body.length)
        self.pieces += [(self._end, message.filled(body, rows, padding)), *body.pieces]
        self._end = body.start + body.length
        return layouts

    def finish(self) -> None:
        """Plan the end of the messages and the footer."""
        tail = _CONTINUATION + bytes(4) + self._footer + len(self._footer).to_bytes(4, "little") + _MAGIC
        self.pieces.append((self._end, tail))


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
    plan = _Plan((_remembered_model if len(columns) <= REMEMBERED_COLUMNS else _model)(table.schema))
    categories = iter([plan.message([("", values)], len(values))[0] for values in dictionaries])
    layouts = plan.message(zip(table.schema.names, columns, strict=True), table.num_rows)
    plan.finish()
    _write(descriptor, plan.pieces)
    return TableLayout(table.num_rows, tuple(_with_categories(layout, categories) for layout in layouts))


def _with_categories(layout: ColumnLayout, categories: Iterable[ColumnLayout]) -> ColumnLayout:
    if not layout.type.startswith("dictionary"):
        return layout
    return dataclasses.replace(layout, children=(next(iter(categories)),))


def _model(schema: pa.Schema) -> _Model:
    """The model for a schema, taken from a file that pyarrow makes of one row of nulls."""
    file = _model_file(schema)
    footer_bytes = int.from_bytes(file[-10:-6], "little")
    footer = bytearray(file[-10 - footer_bytes : -10])
    root = FlatTable.root(footer, 0)
    dictionaries = sum(1 for field in schema if pa.types.is_dictionary(field.type))
    blocks = [_block(root, _FOOTER_DICTIONARIES, number) for number in range(dictionaries)]
    blocks.append(_block(root, _FOOTER_BATCHES, 0))
    places = [struct.unpack_from("<qi", footer, block) for block in blocks]
    messages = [
        _message(file[offset : offset + size], block, is_dictionary=number < dictionaries)
        for number, (block, (offset, size)) in enumerate(zip(blocks, places, strict=True))
    ]
    return _Model(file[: min(offset for offset, _ in places)], tuple(messages), bytes(footer))


_remembered_model = functools.lru_cache(maxsize=REMEMBERED_MODELS)(_model)


def _message(metadata: bytes, block: int, *, is_dictionary: bool) -> _Message:
    message = FlatTable.root(bytearray(metadata), 8)
    header = message.table(_MESSAGE_HEADER)
    batch = header.table(_DICTIONARY_BATCH) if is_dictionary else header
    return _Message(
        metadata,
        block,
        message.field(_MESSAGE_BODY),
        batch.wanted(_BATCH_ROWS),
        batch.vector(_BATCH_NODES),
        batch.vector(_BATCH_BUFFERS),
    )


def _model_file(schema: pa.Schema) -> bytes:
    """A file of one row of nulls. Metadata of fields is left out: equal schemas have one model."""
    arrays = [_one_null(field.type) for field in schema]
    batch = pa.record_batch([*arrays, pa.nulls(1)], [*schema.names, ""]).select(range(len(arrays)))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, pa.schema([each.remove_metadata() for each in schema]).with_metadata(MARK)) as writer:
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
