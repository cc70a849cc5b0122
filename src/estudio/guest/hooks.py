"""Calls back when a module has been imported, or at once if it already is: for the few libraries that need a nudge.

Works from Python 2.7 (`find_module`) to those that know `find_spec` only. A callback that fails is told in the log and
never breaks the script's import.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import sys

from .notes import PY2, note, to_text


def watch(name, callback):
    """Call `callback(module)` once the module of that name is there."""
    module = sys.modules.get(name)
    if module is not None:
        _call(callback, module)
        return
    _finder.callbacks[str(name)] = callback
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def _call(callback, module):
    try:
        callback(module)
    except Exception as error:
        note("{0} could not be prepared for this sandbox: {1}".format(module.__name__, to_text(error)))


class _Finder(object):
    """Finds nothing itself: lets the others find a watched module and calls back after it was executed."""

    def __init__(self):
        self.callbacks = {}
        self.busy = set()

    def _wanted(self, name):
        return name in self.callbacks and name not in self.busy

    def find_spec(self, name, path=None, target=None):
        if not self._wanted(name):
            return None
        self.busy.add(name)
        try:
            spec = next((found for found in self._ask(name, path, target) if found is not None), None)
        finally:
            self.busy.discard(name)
        if spec is None or not hasattr(spec.loader, "exec_module"):
            return spec
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            callback = self.callbacks.pop(name, None)
            if callback is not None:
                _call(callback, module)

        spec.loader.exec_module = exec_module
        return spec

    def _ask(self, name, path, target):
        for finder in list(sys.meta_path):
            if finder is not self and hasattr(finder, "find_spec"):
                yield finder.find_spec(name, path, target)

    if PY2:

        def find_module(self, name, path=None):
            return self if self._wanted(name) else None

        def load_module(self, name):
            self.busy.add(name)
            try:
                __import__(name)
            finally:
                self.busy.discard(name)
            callback = self.callbacks.pop(name, None)
            if callback is not None:
                _call(callback, sys.modules[name])
            return sys.modules[name]


_finder = _Finder()
