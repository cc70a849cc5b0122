"""The script's stdout and stderr: UTF-8 on descriptors 1 and 2, unbuffered, so that both stay in order on one pipe."""

from __future__ import absolute_import, division, print_function, unicode_literals

import ctypes
import io
import os
import sys

from .notes import PY2, flush_streams

_kept = []
_libc = ctypes.CDLL(None)


def open_streams():
    """Replace the interpreter's streams. Characters that cannot be encoded are written as escapes, never refused."""
    stdout, stderr = _open(1), _open(2)
    _kept[:] = [stdout, stderr]  # a stream that is collected would close its descriptor
    sys.stdout = sys.__stdout__ = stdout
    sys.stderr = sys.__stderr__ = stderr


def flush_all():
    """Flush the script's streams and those of compiled code."""
    flush_streams()
    _libc.fflush(None)


def _open(fd):
    if not PY2:
        raw = io.FileIO(fd, "w", closefd=False)
        return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", newline="\n", write_through=True)
    stream = os.fdopen(fd, str("w"), 0)
    ctypes.pythonapi.PyFile_SetEncodingAndErrors(ctypes.py_object(stream), b"utf-8", b"backslashreplace")
    return stream
