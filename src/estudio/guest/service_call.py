"""Loads a service's script once, and runs its calls: the same steps as `runner`'s, cut in two at the top level's end.

Results stay in memory until their size is known: most of them go into the answer itself.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import os

import numpy as np

from . import figures_pyplot, frames, notes, results, runner, runner_streams, seeds
from .buffers import InputFile, write_at


class InlineInput(InputFile):
    """Input tables that came with the message: private memory, never compared on the way back."""

    def __init__(self, content):
        self.fd, self.size, self.mapped, self.memory = -1, len(content), False, content
        self.address, self._original, self._arrow = 0, None, None


class _Piecewise(runner.Call):
    """A call whose result is kept in pieces: [(offset, bytes or array)]."""

    def __init__(self, job, script, bundle_fd):
        runner.Call.__init__(self, job, script, [], bundle_fd, None)
        self.pieces = []

    def _write(self, encoded):
        layouts, plan = results.plan_tables(encoded)
        if plan.used > self.job["output_bytes"]:
            raise notes.OutputTooLarge(plan.used, self.job["output_bytes"])
        self.pieces = plan.pieces
        return layouts, plan.used

    def _put(self, content, offset):
        self.pieces.append((offset, content))


class _Load(_Piecewise):
    """Everything up to the end of the script's top level."""

    entry = None

    def run(self):
        notes.start_notes()
        if self._step("hand_over", self._prepare_script):
            self._step("script", self._top_level)
            self.ran = True

    def _top_level(self):
        self.entry = self._guarded(self._entry_point)
        if self.entry is not None:
            self.report["state"] = "finished"

    def finish(self):
        """Pictures of a script that failed are told at once; others are found by each call."""
        if self.entry is None:
            _Piecewise.finish(self)


class _Serve(_Piecewise):
    """One call of a loaded script."""

    def __init__(self, loaded, job, payload, descriptors):
        _Piecewise.__init__(self, dict(loaded.job, **job), b"", None)
        self.folder, self.entry = loaded.folder, loaded.entry
        self.payload, self.descriptors = payload, descriptors

    def _hand_over(self):
        inline, by_file = None, iter(self.descriptors)
        held = []
        for layout, is_file in zip(self.job["inputs"], self.job["by_file"]):
            if layout is not None and not is_file and inline is None:
                inline = InlineInput(self.payload)
            held.append(None if layout is None else InputFile(next(by_file)) if is_file else inline)
        layouts = self.job["inputs"]
        self.origins = frames.origins(layouts, held)
        if self.job["seed"] is not None:
            seeds.reseed(self.job["seed"])
        return [None if layout is None else frames.build_table(layout, each) for layout, each in zip(layouts, held)]

    def _entry_point(self):
        return self.entry


class Loaded(object):
    """A script that has run its top level."""

    def __init__(self, job, entry):
        self.job, self.entry, self.folder = job, entry, os.getcwd()

    def call(self, job, payload, descriptors):
        """Run one call; return its report and the pieces of its result. Never raises for what the script does."""
        return _finished(_Serve(self, job, payload, descriptors))

    def forget_figures(self):
        """Close what the last call drew and left open: the next one would show it again."""
        figures_pyplot.close_figures()


def load(job, script, bundle_fd):
    """Run the script's top level with its bundle in place.

    Returns:
        (Loaded, or None where the script failed; the report; the pieces of its pictures).
    """
    loading = _Load(dict(job, inputs=[], seed=None, parameters={}), script, bundle_fd)
    report, pieces = _finished(loading)
    if loading.entry is None or report["state"] != "finished":
        return None, report, pieces
    return Loaded(job, loading.entry), report, pieces


def _finished(call):
    runner.complete(call)
    runner_streams.flush_all()
    return call.report, call.pieces


def rehearse():
    """Go the way of a small call. What a script did to its libraries may stop that; its calls will tell."""
    try:
        runner.rehearse()
    except Exception:  # noqa: S110 - nothing is lost but time
        pass


def joined(pieces, used):
    """Return the pieces at their places in `used` bytes."""
    content = bytearray(used)
    for offset, data in pieces:
        data = data.tobytes() if isinstance(data, np.ndarray) else data
        content[offset : offset + len(data)] = data
    return bytes(content)


def write_pieces(pieces, descriptor):
    """Write the pieces at their places in a file."""
    for offset, data in pieces:
        write_at(descriptor, data, offset)
