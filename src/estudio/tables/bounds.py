"""Bounds on what a file may become in memory: small files can hold enormous tables."""

from __future__ import annotations

import zlib
from typing import IO, TYPE_CHECKING

import pyarrow as pa

from estudio.errors import InvalidDataset

if TYPE_CHECKING:
    from pathlib import Path

MAX_DECODED_BYTES = 16 << 30
"""Bytes that a compressed file or a stream may become: 16 GiB, what a large workstation holds.

10 MB of gzip can become 10 GB of zeros, and 6 KB of zstd 200 MB.
"""
CHUNK_BYTES = 1 << 20
"""Bytes read at a time."""


def read_bounded(stream: IO[bytes], where: str) -> pa.Buffer:
    """Everything that a stream has.

    Raises:
        InvalidDataset: more than MAX_DECODED_BYTES, or broken compression.
    """
    sink = pa.BufferOutputStream()
    try:
        while chunk := stream.read(CHUNK_BYTES):
            sink.write(chunk)
            check_decoded_bytes(sink.tell(), where)
    except (EOFError, zlib.error, OSError) as error:
        raise InvalidDataset(
            f"{where} cannot be read to its end: {error}. If it is compressed, it may be cut short: fetch it again.",
            path=where,
        ) from error
    return sink.getvalue()


def check_decoded_bytes(size: int, where: str | Path) -> None:
    """Refuse what would not fit in memory.

    Raises:
        InvalidDataset: more than MAX_DECODED_BYTES.
    """
    if size > MAX_DECODED_BYTES:
        raise InvalidDataset(
            f"{where} becomes more than {MAX_DECODED_BYTES >> 30} GiB in memory, which is the limit. Split it.",
            path=str(where),
            limit_bytes=MAX_DECODED_BYTES,
        )
