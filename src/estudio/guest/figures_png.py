"""Checks a PNG's structure without decoding it: signature, header, every chunk's checksum, the end."""

from __future__ import absolute_import, division, print_function, unicode_literals

import struct
import zlib

from .notes import PY2

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_SIDE = 100000
"""Pixels; matplotlib itself refuses 2**16."""
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Allowed bit depths by colour type (PNG specification, 11.2.1)."""


def size(content):
    """Return (width, height) of a checked PNG."""
    return struct.unpack(str(">II"), content[16:24])


def fault(content):
    """Return what is wrong with a PNG, or None."""
    if content[:8] != SIGNATURE:
        return "it is no PNG"
    if len(content) < 33 or content[8:16] != b"\0\0\0\rIHDR":
        return "its header is broken"
    width, height = size(content)
    depth, colour = bytearray(content[24:26])
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE) or depth not in _DEPTHS.get(colour, ()):
        return "its header has impossible sizes or colours"
    return _chunk_fault(content)


def _chunk_fault(content):
    place, pixels = 8, False
    view = content if PY2 else memoryview(content)
    while place + 12 <= len(content):
        (length,) = struct.unpack(str(">I"), content[place : place + 4])
        end = place + 12 + length
        if end > len(content):
            return "it is cut off"
        kind = content[place + 4 : place + 8]
        (stored,) = struct.unpack(str(">I"), content[end - 4 : end])
        if zlib.crc32(view[place + 4 : end - 4]) & 0xFFFFFFFF != stored:
            return "a checksum is wrong"
        pixels = pixels or kind == b"IDAT"
        if kind == b"IEND":
            return None if pixels else "it has no pixels"
        place = end
    return "it is cut off"
