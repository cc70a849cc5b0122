"""Just enough of the FlatBuffers format to find numbers inside Arrow's own metadata.

Positions are absolute in the bytes given. Only for metadata that pyarrow itself has made or already accepted.
Source: the FlatBuffers internals document (a table starts with the distance back to its list of field places).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FlatTable:
    """A table inside a FlatBuffer."""

    data: bytearray
    place: int

    @classmethod
    def root(cls, data: bytearray, start: int) -> FlatTable:
        """The table that the buffer starting at `start` is about."""
        return cls(data, start + _number("<I", data, start))

    def field(self, number: int) -> int | None:
        """Where field `number` lies, or `None` if it has its default value."""
        fields = self.place - _number("<i", self.data, self.place)
        if 4 + 2 * number >= _number("<H", self.data, fields):
            return None
        distance = _number("<H", self.data, fields + 4 + 2 * number)
        return self.place + distance if distance else None

    def table(self, number: int) -> FlatTable:
        """The table that field `number` points to."""
        place = self.wanted(number)
        return FlatTable(self.data, place + _number("<I", self.data, place))

    def vector(self, number: int) -> tuple[int, int]:
        """Where the elements of a vector field lie, and how many there are."""
        if self.field(number) is None:
            return 0, 0
        place = self.wanted(number)
        start = place + _number("<I", self.data, place)
        return start + 4, _number("<I", self.data, start)

    def wanted(self, number: int) -> int:
        """Where field `number` lies. Raises ValueError where it has its default value, which takes no place."""
        place = self.field(number)
        if place is None:
            raise ValueError(f"the field {number} is not in the metadata")
        return place


def _number(form: str, data: bytearray, place: int) -> int:
    return int(struct.unpack_from(form, data, place)[0])
