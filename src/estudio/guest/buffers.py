"""Bytes under the tables: input files mapped privately, bitmaps, and comparing what came back with what went in.

A map is private and *writable*: the script may change its tables in place, the kernel copies only the touched pages,
and the file never changes.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import ctypes
import mmap
import os

import numpy as np

SMALL_FILE_BYTES = 64 * 1024
"""Up to here one read is cheaper than a map and its page faults."""

_memcmp = ctypes.CDLL(None).memcmp
_memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_memcmp.restype = ctypes.c_int

_LITTLE = tuple(int(part) for part in np.__version__.split(".")[:2]) >= (1, 17)
_REVERSED = np.array([int("{0:08b}".format(value)[::-1], 2) for value in range(256)], dtype="u1")


def address_of(array):
    """Return the address of an array's first byte."""
    return array.__array_interface__["data"][0]


def pack_bits(mask):
    """Pack booleans into a bitmap, least significant bit first."""
    if _LITTLE:
        return np.packbits(mask, bitorder="little")
    return _REVERSED[np.packbits(mask)]


def unpack_bits(bitmap, count, skip=0):
    """Unpack a bitmap into `count` booleans, after `skip` bits."""
    if _LITTLE:
        bits = np.unpackbits(bitmap, bitorder="little")
    else:
        bits = np.unpackbits(_REVERSED[bitmap])
    return bits[skip : skip + count].view(bool)


class InputFile(object):
    """The buffers of one input table, writable and private to this process.

    Small files are read instead of mapped; they are never compared on the way back (`mapped` is False).
    """

    def __init__(self, fd):
        self.fd = fd
        self.size = os.fstat(fd).st_size
        self.mapped = self.size > SMALL_FILE_BYTES
        if self.mapped:
            self.memory = mmap.mmap(fd, self.size, access=mmap.ACCESS_COPY)
        else:
            self.memory = bytearray(_read_all(fd, self.size))
        self.address = address_of(np.frombuffer(self.memory, "u1")) if self.size else 0
        self._original = None
        self._arrow = None

    def array(self, dtype, count, span):
        """Return `count` values at a span as a writable array over the memory."""
        if not count or span is None:
            return np.zeros(count, dtype)
        return np.frombuffer(self.memory, dtype, count, span[0])

    def content(self, span):
        """Return the bytes of a span (a copy)."""
        if span is None:
            return b""
        return bytes(self.memory[span[0] : span[0] + span[1]])

    def arrow(self, pyarrow):
        """Return the whole memory as one Arrow buffer."""
        if self._arrow is None:
            self._arrow = pyarrow.py_buffer(self.memory)
        return self._arrow

    def present(self, column):
        """Return a column's validity as booleans, or None where nothing is missing."""
        if not column["missing"] or column["buffers"][0] is None:
            return None
        rows = column["rows"]
        return unpack_bits(self.array("u1", (rows + 7) // 8, column["buffers"][0]), rows)

    def unchanged(self, offset, length):
        """Say whether the bytes of a span still are those of the file."""
        if not length:
            return True
        if self._original is None:
            self._original = mmap.mmap(self.fd, self.size, mmap.MAP_SHARED, mmap.PROT_READ)
        original = address_of(np.frombuffer(self._original, "u1"))
        return _memcmp(self.address + offset, original + offset, length) == 0


class MemoryFile(InputFile):
    """An input that exists in memory only: what the warm-up hands over."""

    def __init__(self, content):
        self.fd, self.size, self.mapped = -1, len(content), True
        self.memory = mmap.mmap(-1, max(1, len(content)))
        self.memory[: len(content)] = content
        self.address = address_of(np.frombuffer(self.memory, "u1"))
        self._arrow = None

    def unchanged(self, offset, length):
        """Nobody else can have written here."""
        return True


def _read_all(fd, size):
    if hasattr(os, "pread"):
        return os.pread(fd, size, 0)
    os.lseek(fd, 0, os.SEEK_SET)
    return os.read(fd, size)


def write_at(fd, data, offset):
    """Write all of `data` (bytes or a contiguous array) at `offset`."""
    view = memoryview(data.reshape(-1).view("u1") if isinstance(data, np.ndarray) else data)
    done, total = 0, len(view)
    while done < total:
        piece = view[done : done + (1 << 30)]  # Linux writes at most 2 GiB - 4 KiB at once
        if hasattr(os, "pwrite"):
            done += os.pwrite(fd, piece, offset + done)
        else:
            os.lseek(fd, offset + done, os.SEEK_SET)
            done += os.write(fd, piece)
