"""Random numbers: a guest must not repeat what its siblings of one zygote draw, unless a seed was asked for.

Generators that a library seeds from the operating system itself (`numpy.random.default_rng()`) need nothing.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import os
import random
import struct
import sys

_NUMPY_SEEDS = 2**32
"""numpy's legacy generator takes 32 bits."""


def reseed(seed=None):
    """Seed `random` and numpy's global generator: from the operating system, or identically for every call."""
    random.seed(seed)
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed(_fresh_numbers() if seed is None else seed % _NUMPY_SEEDS)


def _fresh_numbers():
    """256 bits as numpy's legacy generator takes them: half a millisecond quicker than letting it ask itself."""
    return list(struct.unpack("=8I", os.urandom(32)))
