"""Reads a struct in Thrift's compact protocol: field numbers to numbers, and to structs inside; bounded.

Only what page headers of Parquet have; texts, lists and the like are passed over.
"""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 4
"""A page header holds one struct, which holds statistics."""
MAX_FIELDS = 64
"""Of a struct: page headers have eight."""
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 0, 1, 2, 3, 7, 8, 12
_INTEGERS = frozenset({4, 5, 6})


class ThriftReader:
    """Reads from `at`, which is behind the struct afterwards; never at or beyond `end`."""

    def __init__(self, content: bytes, at: int, end: int) -> None:
        self._content = content
        self._end = end
        self.at = at

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """A struct's numbers and structs by field number.

        Raises:
            ValueError: broken, too deep, with too many fields, or of a type that page headers do not have.
        """
        if depth > MAX_DEPTH:
            raise ValueError("a page header is nested too deep")
        found: dict[int, Any] = {}
        number = 0
        for _ in range(MAX_FIELDS):
            head = self._byte()
            kind = head & 15
            if kind == _STOP:
                return found
            number = number + (head >> 4) if head >> 4 else _unzigzag(self._varint())
            found[number] = self._value(kind, depth)
        raise ValueError("a page header has too many fields")

    def _value(self, kind: int, depth: int) -> Any:  # noqa: ANN401 -- a number, a struct or nothing
        if kind in (_TRUE, _FALSE):
            return int(kind == _TRUE)
        if kind in _INTEGERS:
            return _unzigzag(self._varint())
        if kind == _STRUCT:
            return self.struct(depth + 1)
        sizes = {_BYTE: 1, _DOUBLE: 8}
        if kind != _BINARY and kind not in sizes:
            raise ValueError("a page header is broken")
        size = self._varint() if kind == _BINARY else sizes[kind]
        self.at += size
        return None

    def _byte(self) -> int:
        if self.at >= self._end:
            raise ValueError("a page header is cut short")
        byte = self._content[self.at]
        self.at += 1
        return byte

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("a page header has a number that does not end")


def _unzigzag(number: int) -> int:
    return (number >> 1) ^ -(number & 1)
