"""The first lines of a zygote: load this folder under a private name, so that a script's own modules never meet it."""

import sys
import types

NAME = "_estudio_guest"


def load(folder, name):
    """Make the package importable as `_estudio_guest`, and return one of its modules."""
    package = types.ModuleType(NAME)
    package.__path__ = [folder]
    sys.modules[NAME] = package
    __import__(NAME + "." + name)
    return sys.modules[NAME + "." + name]


if __name__ == "__main__":
    sys.path[:] = sys.path[1:]
    load(sys.argv[1], "zygote").main(int(sys.argv[2]))
