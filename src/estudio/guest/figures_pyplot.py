"""matplotlib without a display: Agg always, `show()` in silence, and figures left open become images.

A figure counts as saved once the script called its `savefig`, to whatever target; only the others are captured.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import functools
import io
import sys

from . import hooks
from .notes import note, shown, to_text

HEADLESS = frozenset(["agg", "cairo", "pdf", "pgf", "ps", "svg", "template"])
"""Backends that draw without a display."""
MAX_OPEN_FIGURES = 100
"""A loop that forgets to close its figures must not draw for hours."""


def install():
    """Prepare matplotlib, imported or not yet."""
    hooks.watch("matplotlib", _prepare_use)
    hooks.watch("matplotlib.figure", _prepare_figure)
    hooks.watch("matplotlib.pyplot", _prepare_pyplot)
    hooks.watch("matplotlib.pylab", _prepare_pyplot)


def _replace(owner, name, maker):
    original = getattr(owner, name, None)
    if original is not None and not hasattr(original, "estudio_original"):
        original = getattr(original, "__func__", original)  # Python 2's unbound methods
        wrapper = functools.wraps(original)(maker(original))
        wrapper.estudio_original = original
        setattr(owner, name, wrapper)


def _prepare_use(matplotlib):
    _replace(matplotlib, "use", _with_agg)


def _prepare_pyplot(pyplot):
    _replace(pyplot, "switch_backend", _with_agg)
    _replace(pyplot, "show", _silent)


def _prepare_figure(module):
    _replace(module.Figure, "savefig", _remembering)
    _replace(module.Figure, "show", _silent)


def _with_agg(original):
    def call(*args, **kwargs):
        name = next((key for key in ("backend", "newbackend", "arg") if key in kwargs), None)
        wanted = args[0] if args else kwargs.get(name)
        if wanted is not None and to_text(wanted).lower() not in HEADLESS:
            note("matplotlib's backend {0} needs a display; Agg draws instead".format(shown(wanted)))
            args = (str("agg"),) + args[1:] if args else args
            if name:
                kwargs[name] = str("agg")
        return original(*args, **kwargs)

    return call


def _silent(original):
    def call(*args, **kwargs):
        return None

    return call


def _remembering(original):
    def savefig(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        self._estudio_saved = True
        return result

    return savefig


def open_figures():
    """Yield the PNG of each figure that the script left open and unsaved, in order of creation."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    numbers = list(pyplot.get_fignums())
    if len(numbers) > MAX_OPEN_FIGURES:
        note("{0} figures were left open; the first {1} are shown".format(len(numbers), MAX_OPEN_FIGURES))
    for number in numbers[:MAX_OPEN_FIGURES]:
        figure = pyplot.figure(number)
        if getattr(figure, "_estudio_saved", False):
            continue
        target = io.BytesIO()
        try:
            figure.savefig(target, format=str("png"))
        except Exception as error:
            note("the open figure {0} cannot be drawn: {1}: {2}".format(number, type(error).__name__, to_text(error)))
            continue
        yield target.getvalue()


def close_figures():
    """Forget all open figures."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


def draw_once():
    """Draw and forget one small figure, so that fonts and the renderer are loaded."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    figure = pyplot.figure(figsize=(1, 1))
    figure.add_subplot(111).plot([0, 1], [1, 0], label="x")
    figure.savefig(io.BytesIO(), format=str("png"))
    pyplot.close("all")
