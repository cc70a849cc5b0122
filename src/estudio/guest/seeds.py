"""Random numbers: a guest must not repeat what its siblings of one zygote draw, unless a seed was asked for.

Generators that a library seeds from the operating system itself (`numpy.random.default_rng()`) need nothing.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import ctypes
import os
import random
import struct
import sys

_NUMPY_SEEDS = 2**32
"""numpy's legacy generator takes 32 bits."""
_KEY_BYTES = 624 * 4
"""The key of the Mersenne twister."""
_twister = []
"""The address of numpy's global key, where `warm_up` found it."""


def reseed(seed=None):
    """Seed `random` and numpy's global generator: from the operating system, or identically for every call."""
    random.seed(os.urandom(32) if seed is None else seed)
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is None:
        return
    if seed is None and _twister:
        ctypes.memmove(_twister[0], os.urandom(_KEY_BYTES), _KEY_BYTES)
    else:
        numpy_random.seed(_words() if seed is None else seed % _NUMPY_SEEDS)


def warm_up():
    """Seed once and put everything back, and find out whether numpy's generator can be given its state directly.

    Its own way runs through so much code that a fresh fork pays half a millisecond for it. The generator's memory is
    its key and then its position (numpy's `mt19937.h`); it is only written to where trying it shows that it is so.
    """
    state = random.getstate()
    reseed()
    random.setstate(state)
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is None:
        return
    state = numpy_random.get_state()
    try:
        address = numpy_random.mtrand._rand._bit_generator.ctypes.state_address
        if _is_key(numpy_random, address):
            _twister.append(address)
    except AttributeError:
        pass  # a numpy whose generator shows no address: seeded by its own function
    numpy_random.set_state(state)


def _is_key(numpy_random, address):
    key = os.urandom(_KEY_BYTES)
    words = struct.unpack(str("624I"), key)
    numpy_random.set_state(("MT19937", words, 624))
    expected = numpy_random.random_sample(4).tolist()
    numpy_random.set_state(("MT19937", words[::-1], 624))
    ctypes.memmove(address, key, _KEY_BYTES)
    return numpy_random.random_sample(4).tolist() == expected


def _words():
    """Return 256 random bits as numpy takes them; its own way to get them costs milliseconds in a fresh process."""
    return list(struct.unpack(str("8I"), os.urandom(32)))
