"""One script call inside the sandbox: tables in, the author's function, tables and images out, one report.

`warm_up` runs once in the zygote, `prepare_guest` once in each guest, `run_call` once in its life. The script can
change anything in this process, this module included, and so only its own result: the host believes nothing unchecked.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import gc
import os
import sys
import time

from . import (
    bundle, calling, figures, figures_pyplot, frames, hooks_libraries, notes, parameters, paths, results, runner_script,
    runner_streams, runner_warming, seeds, tracebacks,
)  # fmt: skip
from .buffers import InputFile, write_at

_clock = getattr(time, "perf_counter", time.time)


def set_up():
    """Put in place, once in the zygote, what every guest needs in the same form: a fork copies each page it changes.

    That is argv, streams on descriptors 1 and 2, variables, watched libraries and the old system's paths.
    """
    frames.choose_builder()
    sys.argv = [runner_script.FILE]
    sys.dont_write_bytecode = True
    runner_streams.open_streams()
    hooks_libraries.set_environment()
    hooks_libraries.install()
    paths.install()


def warm_up():
    """Run every path once, in the zygote, so that guests find all imports done and all caches filled.

    Starts no thread and leaves no file, warning filter or open figure behind.
    """
    runner_warming.run_paths()
    runner_warming.rehearse()
    figures_pyplot.draw_once()
    seeds.warm_up()


def prepare_guest():
    """Make a fresh fork ready for one script: what differs from guest to guest."""
    seeds.reseed()
    gc.enable()
    if not hasattr(gc, "freeze"):
        gc.set_threshold(10000, 50, 1000)  # a full collection would copy all of the zygote's pages


def rehearse():
    """Touch, while nobody waits, what the first call would touch; see `runner_warming.rehearse`."""
    runner_warming.rehearse()


def run_call(job, script, input_fds, bundle_fd, result_fd):
    """Run one script call and return its report; never raises for what the script does.

    Args:
        job: {"format": 1, "script_name", "calling", "inputs": [layout or None, ...], "parameters": {name: value},
            "seed", "output_bytes"}.
        script: the source, bytes.
        input_fds: for each input the descriptor of its file, or None.
        bundle_fd: the zip's descriptor, or None.
        result_fd: a file of fixed size that takes the buffers of tables and images.

    Returns:
        A JSON-able dict: state, tables, images, concatenated, error, timings, used_bytes.
    """
    call = Call(job, script, input_fds, bundle_fd, result_fd)
    complete(call)
    runner_streams.flush_all()
    return call.report


def complete(call):
    """Take a call to its end, whatever memory it finds; its report says how it ended."""
    try:
        call.run()
    except MemoryError:
        call.fail("out-of-memory", "out-of-memory", "The script ran out of memory.", *sys.exc_info())
    call.finish()


class Call(object):
    """The steps of one call and what they found."""

    def __init__(self, job, script, input_fds, bundle_fd, result_fd):
        self.job, self.script, self.input_fds = job, script, input_fds
        self.bundle_fd, self.result_fd = bundle_fd, result_fd
        self.folder = os.getcwd()
        self.script_name = runner_script.native_name(job["script_name"])
        self.started = _clock()
        self.ran = False
        self.report = {
            "state": "failed", "tables": [], "images": [], "concatenated": None, "error": None,
            "timings": {"hand_over": 0.0, "script": 0.0, "result": 0.0}, "used_bytes": 0,
        }  # fmt: skip

    def run(self):
        """Take the tables in, call the author's code, give the result back."""
        notes.start_notes()
        tables = self._step("hand_over", self._hand_over)
        if tables is None:
            return
        returned = self._step("script", self._author, tables)
        del tables
        self.ran = True
        if returned is not None:
            self._step("result", self._give_back, returned)

    def finish(self):
        """Collect the images, also of a script that failed."""
        if not self.ran:
            return
        started = _clock()
        try:
            self._images()
        except MemoryError:
            self.fail("out-of-memory", "out-of-memory", "Collecting the images ran out of memory.")
        except notes.OutputTooLarge as error:
            self.fail("output-too-large", "output-too-large", error.message)
        except Exception as error:  # what a script did to the interpreter must not cost it its table
            notes.note("the images cannot be collected: {0}".format(tracebacks.summary(type(error), error)))
        self.report["timings"]["result"] += _clock() - started

    def fail(self, state, code, message, kind=None, value=None, trace=None):
        """Make this the call's outcome."""
        error = {"code": code, "message": message, "traceback": "", "line": None, "type": ""}
        if kind is not None:
            error = tracebacks.describe(kind, value, trace, self.script_name)
            error["code"], error["message"] = code, message
        self.report["state"], self.report["error"], self.report["tables"] = state, error, []

    def _step(self, name, function, *args):
        started = _clock()
        try:
            return function(*args)
        finally:
            self.report["timings"][name] += _clock() - started

    def _prepare_script(self):
        """Compile the script and put it and its bundle in their places; False where that failed."""
        try:
            self.code = runner_script.compile_script(self.script, self.script_name)
        except runner_script.NotCompiled as failure:
            self.report["error"] = failure.error
            return False
        runner_script.write_script(self.script)
        sys.path.insert(0, self.folder)
        sys.path_importer_cache.pop(self.folder, None)
        return self._unpack()

    def _hand_over(self):
        if not self._prepare_script():
            return None
        layouts = self.job["inputs"]
        held = [None if layout is None else InputFile(fd) for layout, fd in zip(layouts, self.input_fds)]
        self.origins = frames.origins(layouts, held)
        if self.job["seed"] is not None:
            seeds.reseed(self.job["seed"])
        return [None if layout is None else frames.build_table(layout, file) for layout, file in zip(layouts, held)]

    def _unpack(self):
        folder = os.path.join(self.folder, bundle.FOLDER)
        names = []
        if self.bundle_fd is not None:
            try:
                names = bundle.unpack(self.bundle_fd, folder)
            except bundle.BadBundle as error:
                self.fail("bad-bundle", "bad-bundle", tracebacks.bounded(error.message, 2000))
                return False
        bundle.install(folder, names)
        return True

    def _author(self, tables):
        """Run the author's code; return [what it returned], or None when it failed."""
        return self._guarded(self._call_author, tables)

    def _call_author(self, tables):
        entry = self._entry_point()
        named = parameters.named_arguments(entry, self.job["parameters"])
        given = calling.arguments(entry, tables, self.job["calling"], self.job["parameters"])
        del tables[:]
        return [entry(*given, **named)]

    def _entry_point(self):
        """Run the script's top level, and return the function that it defines."""
        module = runner_script.new_module()
        runner_script.execute(self.code, module)
        return calling.find_entry_point(module)

    def _guarded(self, function, *args):
        """Return what a function that runs the author's code returns, or None when that failed."""
        try:
            return function(*args)
        except notes.AuthorError as error:
            self.fail("failed", error.code, error.message)
        except MemoryError:
            raise
        except:  # noqa: E722 - whatever a script raises, old-style instances on Python 2 included
            kind, value, trace = sys.exc_info()
            self.report["error"] = tracebacks.describe(kind, value, trace, self.script_name)
        return None

    def _give_back(self, returned):
        try:
            tables = [table for table in calling.tables_of(returned.pop()) if table is not None]
            encoded = [results.encode_table(table, self.job["calling"], self.origins) for table in tables]
            layouts, used = self._write(encoded)
        except notes.AuthorError as error:
            self.fail("failed", error.code, tracebacks.bounded(error.message, tracebacks.MAX_MESSAGE_CHARACTERS))
            return
        except notes.OutputTooLarge as error:
            self.fail("output-too-large", "output-too-large", error.message)
            return
        except MemoryError:
            raise
        except:  # noqa: E722 - the author's objects answer here: names, values, subclasses of DataFrame
            kind, value, trace = sys.exc_info()
            self.fail("failed", "wrong-result", "The result cannot be read: ", kind, value, trace)
            self.report["error"]["message"] += tracebacks.summary(kind, value)
            return
        self.report["tables"], self.report["used_bytes"], self.report["state"] = layouts, used, "finished"

    def _write(self, encoded):
        return results.write_tables(encoded, self.result_fd, self.job["output_bytes"])

    def _put(self, content, offset):
        write_at(self.result_fd, content, offset)

    def _images(self):
        found = figures.collect(self.folder)
        for name, content in found:
            self.report["images"].append(dict(self._place(content), name=name))
        together = figures.concatenate(found)
        if together is not None:
            self.report["concatenated"] = self._place(together)

    def _place(self, content):
        offset = self.report["used_bytes"]
        if offset + len(content) > self.job["output_bytes"]:
            raise notes.OutputTooLarge(offset + len(content), self.job["output_bytes"])
        self._put(content, offset)
        self.report["used_bytes"] = offset + len(content) + (-len(content) % results.ALIGNMENT)
        return {"offset": offset, "length": len(content)}
