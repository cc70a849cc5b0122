"""What a sandbox without programs and displays must tell libraries: joblib, multiprocessing, matplotlib.

joblib's default backend (loky) starts programs. Threads are its stand-in, not forked processes: compiled code with
OpenMP (scikit-learn's histogram gradient boosting) hangs for ever in a child that was forked after a parallel section.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import os

from . import figures_pyplot, hooks


_installed = []


def set_environment():
    """Set the variables by which libraries learn the same in processes of their own."""
    os.environ["MPLBACKEND"] = "Agg"
    os.environ["JOBLIB_START_METHOD"] = "fork"


def install():
    """Prepare the libraries, those that are imported and those that will be. The second time nothing is left to do."""
    if _installed:
        return
    _installed.append(True)
    hooks.watch("joblib.parallel", _joblib)
    hooks.watch("sklearn.externals.joblib.parallel", _joblib)  # scikit-learn before 0.21 brings its own
    hooks.watch("multiprocessing.context", _multiprocessing)
    figures_pyplot.install()


def _joblib(parallel):
    backends = getattr(parallel, "BACKENDS", None)
    if not backends or "threading" not in backends:
        return
    backends["loky"] = backends["threading"]
    parallel.DEFAULT_BACKEND = "threading"


def _multiprocessing(context):
    """Fork, also where the default is to start a server program (3.14)."""
    if context._default_context._actual_context is None or context._default_context.get_start_method() != "fork":
        context._default_context.set_start_method("fork", force=True)
