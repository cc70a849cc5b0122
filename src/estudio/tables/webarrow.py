"""How large an Arrow stream becomes, read from its messages before any buffer is decompressed.

Each compressed buffer begins with the length that it becomes, and Arrow allocates that before it decompresses anything.
The stream's flatbuffers are read by hand: pyarrow shows neither a message's compression nor its buffers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAX_BUFFERS = 1_000_000
"""Of one message: a column has at most three."""
_RECORD_BATCH, _DICTIONARY_BATCH = 3, 2
_CONTINUES = -1


def decompressed_bytes(body: bytes | memoryview, limit: int) -> int:
    """The bytes that the compressed buffers of a stream become; counting ends beyond the limit.

    Raises:
        ValueError: a stream that is cut short or broken.
    """
    view = memoryview(body).cast("B")
    total = at = 0
    try:
        while at + 4 <= len(view) and total <= limit:
            size, at = _number("<i", view, at), at + 4
            if size == _CONTINUES:
                size, at = _number("<i", view, at), at + 4
            if size <= 0:
                break
            message = _Table.root(view[at : at + size])
            at += size
            length = message.number(3, "<q")
            if length < 0 or at + length > len(view):
                raise ValueError("a message is cut short")
            total += _of_message(message, view[at : at + length], limit)
            at += length
    except (struct.error, IndexError, OverflowError) as error:
        raise ValueError("a message is broken") from error
    return total


def _of_message(message: _Table, content: memoryview, limit: int) -> int:
    kind = message.number(1, "<B")
    if kind not in (_RECORD_BATCH, _DICTIONARY_BATCH):
        return 0
    batch = message.table(2)
    if batch is not None and kind == _DICTIONARY_BATCH:
        batch = batch.table(1)
    if batch is None or batch.place(3) is None:
        return 0
    start, count = batch.vector(2)
    if count > MAX_BUFFERS:
        raise ValueError("a message has too many buffers")
    total = 0
    for number in range(count):
        offset, length = struct.unpack_from("<qq", batch.view, start + 16 * number)
        if length > 0:
            becomes = _number("<q", content, offset) if offset >= 0 else 0
            total += length if becomes < 0 else becomes
        if total > limit:
            break
    return total


@dataclass(frozen=True, slots=True)
class _Table:
    """A flatbuffers table: its fields by number."""

    view: memoryview
    at: int

    @classmethod
    def root(cls, view: memoryview) -> _Table:
        return cls(view, _number("<I", view, 0))

    def place(self, field: int) -> int | None:
        """Where a field stands; None where it has its default."""
        vtable = self.at - _number("<i", self.view, self.at)
        entry = 4 + 2 * field
        if entry >= _number("<H", self.view, vtable):
            return None
        offset = _number("<H", self.view, vtable + entry)
        return self.at + offset if offset else None

    def number(self, field: int, form: str) -> int:
        place = self.place(field)
        return 0 if place is None else _number(form, self.view, place)

    def table(self, field: int) -> _Table | None:
        place = self.place(field)
        return None if place is None else _Table(self.view, place + _number("<I", self.view, place))

    def vector(self, field: int) -> tuple[int, int]:
        """Where its first item stands, and how many there are."""
        place = self.place(field)
        if place is None:
            return 0, 0
        start = place + _number("<I", self.view, place)
        return start + 4, _number("<I", self.view, start)


def _number(form: str, view: memoryview, at: int) -> int:
    if at < 0:
        raise IndexError(at)
    (number,) = struct.unpack_from(form, view, at)
    return int(number)
