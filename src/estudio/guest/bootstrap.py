"""The first lines of a zygote: load this folder under a private name, so that a script's own modules never meet it.

The code is read into memory before the walls go up: behind them the folder is out of sight, and most of it can be
run only there, where the environment's packages are.
"""

from __future__ import absolute_import, division, print_function

import os
import sys
import types

NAME = "_estudio_guest"


class MemoryImporter(object):
    """Imports the package's modules from code that was read before; works on every Python."""

    def __init__(self, folder):
        self.folder = folder
        self.codes = {}
        for file_name in sorted(os.listdir(folder)):
            if file_name.endswith(".py"):
                full_name = NAME + "." + file_name[:-3]
                self.codes[full_name] = _read_code(full_name, os.path.join(folder, file_name))

    def find_spec(self, name, path=None, target=None):
        """The module's spec, or None where it is not ours."""
        if name not in self.codes:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self)

    def create_module(self, spec):
        """The interpreter's ordinary module object."""

    def exec_module(self, module):
        """Run the module's code."""
        module.__file__ = self.codes[module.__name__].co_filename
        exec(self.codes[module.__name__], module.__dict__)

    def find_module(self, name, path=None):
        """The same question as Python 2.7 asks it."""
        return self if name in self.codes else None

    def load_module(self, name):
        """The same answer as Python 2.7 takes it."""
        module = sys.modules[name] = types.ModuleType(name)
        module.__package__ = NAME
        self.exec_module(module)
        return module


def _read_code(full_name, path):
    """The compiled code, from the bytecode beside it where that is up to date."""
    try:
        from importlib.machinery import SourceFileLoader
    except ImportError:
        with open(path, "rb") as stream:
            return compile(stream.read(), path, "exec")
    return SourceFileLoader(full_name, path).get_code(full_name)


def load(folder, name):
    """Make the package importable as `_estudio_guest`, and return one of its modules."""
    package = types.ModuleType(NAME)
    package.__path__ = []
    sys.modules[NAME] = package
    sys.meta_path.insert(0, MemoryImporter(folder))
    __import__(NAME + "." + name)
    return sys.modules[NAME + "." + name]


if __name__ == "__main__":
    sys.path[:] = sys.path[1:]
    load(sys.argv[1], "zygote").main(int(sys.argv[2]))
