"""Makes what a zygote holds immortal (PEP 683), so that guests which only read an object do not copy its page.

CPython counts references inside the object: using a module's function writes to the page that it lies on, and a fresh
fork pays for each such page once. From 3.12 on, an object whose count has a certain value is left alone. Nothing that
a zygote holds can end before its guests do, so nothing is lost; before 3.12 nothing is done.
"""

from __future__ import absolute_import, division, print_function

import ctypes
import gc
import struct
import sys
import types

_c_uint32 = ctypes.c_uint32
_COUNTS = {(3, 12): 0xFFFFFFFF, (3, 13): 0xFFFFFFFF, (3, 14): 3 << 30}
"""The lower half of an immortal object's reference count, as each version's `refcount.h` (3.12: `object.h`) has it."""
LEVELS = 3
"""From the objects that the collector knows to those that only they hold: attributes, their tuples, texts in those."""


def make_immortal():
    """Make all objects of this process immortal; returns how many there are, 0 where this Python has no such thing."""
    count = _COUNTS.get(sys.version_info[:2])
    if count is None or not _is_usual_build():
        return 0
    marked, level = 0, gc.get_objects()
    for _ in range(LEVELS):
        level = [held for held in level if _mark(id(held), count)]
        marked += len(level)
        codes = [held for held in level if isinstance(held, types.CodeType)]
        level = gc.get_referents(*level)
        for code in codes:
            level += (code.co_consts, code.co_names, code.co_code) + code.co_consts
    ctypes.CDLL(None).malloc_trim(0)  # the lists above: pages that every fork would copy the entries of
    return marked


def _mark(address, count):
    """Make one object immortal. False where it was before."""
    references = _c_uint32.from_address(address)
    if references.value == count:
        return False
    references.value = count
    return True


def _is_usual_build():
    """64 bits, little-endian, one interpreter lock, no extra header before the count."""
    if struct.calcsize("P") != 8 or sys.byteorder != "little" or hasattr(sys, "gettotalrefcount"):
        return False
    return getattr(sys, "_is_gil_enabled", lambda: True)()
