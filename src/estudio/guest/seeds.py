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
    random.seed(os.urandom(32) if seed is None else seed)
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed(_words() if seed is None else seed % _NUMPY_SEEDS)


def warm_up():
    """Seed once and put everything back: the first time costs ten times the second."""
    state = random.getstate()
    numpy_random = sys.modules.get("numpy.random")
    numpy_state = None if numpy_random is None else numpy_random.get_state()
    reseed()
    random.setstate(state)
    if numpy_random is not None:
        numpy_random.set_state(numpy_state)


def _words():
    """Return 256 random bits as numpy takes them; its own way to get them costs milliseconds in a fresh process."""
    return list(struct.unpack(str("8I"), os.urandom(32)))
