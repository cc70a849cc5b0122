"""Turns whatever a script raised into the error of the report: the author's frames only, bounded, never failing.

Exceptions are the script's objects: their `__str__` may raise, loop or return nonsense, so every touch is guarded.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import linecache
import os
import sys
import traceback

from .notes import PY2, TEXT, to_text

MAX_TRACEBACK_CHARACTERS = 64 * 1024
"""Enough for a recursion of a thousand levels; the middle is cut."""
MAX_MESSAGE_CHARACTERS = 2000
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LIBRARIES = sorted(set(path for path in sys.path if path), key=len, reverse=True)
"""Where libraries lie, the deepest first: their frames are shown without the folders of this machine above them."""
_HEADER = "Traceback (most recent call last):\n"


def prime(script_name, source_lines):
    """Let tracebacks show the script's source lines, which are on no disk under that name."""
    size = sum(len(line) for line in source_lines)
    linecache.cache[script_name] = (size, None, source_lines, script_name)


def forget(script_name):
    """Take a primed script out again."""
    linecache.cache.pop(script_name, None)


def describe(kind, value, trace, script_name):
    """Return the `error` of the report for an exception.

    Args:
        kind: its type.
        value: the exception.
        trace: its traceback, beginning in our frames.
        script_name: the author's file name, native text.
    """
    trace = _authors(trace)
    text = _without_folders(_format(kind, value, trace))
    code = "script-exited" if issubclass(kind, SystemExit) else "script-raised"
    words = summary(kind, value)
    verb = "The script ended itself with" if code == "script-exited" else "The script raised"
    return {
        "code": code,
        "message": bounded("{0} {1}".format(verb, words), MAX_MESSAGE_CHARACTERS),
        "traceback": bounded(text, MAX_TRACEBACK_CHARACTERS),
        "line": _line(value, trace, script_name),
        "type": bounded(to_text(kind.__name__), MAX_MESSAGE_CHARACTERS),
    }


def bounded(text, most):
    """Cut the middle out of a text that is too long, and make it valid Unicode."""
    if len(text) > most:
        half = most // 2 - 40
        text = "{0}\n... {1} characters left out ...\n{2}".format(text[:half], len(text) - 2 * half, text[-half:])
    return text if PY2 else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _without_folders(text):
    """Name the files of libraries from `site-packages` or `python3.x` on."""
    for path in _LIBRARIES:
        text = text.replace('  File "{0}/'.format(path), '  File "{0}/'.format(os.path.basename(path)))
    return text


def _authors(trace):
    """Drop the leading frames that are ours."""
    current = trace
    while current is not None and _is_ours(current.tb_frame.f_code.co_filename):
        current = current.tb_next
    return current


def _is_ours(filename):
    return os.path.abspath(to_text(filename)).startswith(_OURS)


def _line(value, trace, script_name):
    line = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == script_name:
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(value, SyntaxError) and getattr(value, "filename", None) == script_name:
        line = value.lineno
    return line if isinstance(line, int) and line > 0 else None


def summary(kind, value):
    """Return `Type: message` of an exception, whatever its `__str__` does."""
    name, text = to_text(kind.__name__), _words(value)
    return "{0}: {1}".format(name, text) if text else name


def _words(value):
    """Return the exception's message; on Python 2 an exception's `str` refuses what is not ASCII."""
    try:
        if PY2:
            parts = getattr(value, "args", ())
            if type(value).__str__ is BaseException.__str__ or type(value).__str__ is Exception.__str__:
                return " ".join(to_text(part) for part in parts) if len(parts) < 2 else to_text(repr(parts))
            try:
                return TEXT(value)
            except UnicodeError:
                return str(value).decode("utf-8", "replace")
        return TEXT(value)
    except BaseException:
        return "<the exception's message cannot be shown>"


def _format(kind, value, trace):
    try:
        if PY2:
            return _format_2(kind, value, trace)
        lines = traceback.format_exception(kind, value, trace)
    except BaseException:
        try:
            lines = [_HEADER] + traceback.format_tb(trace) + [summary(kind, value) + "\n"]
        except BaseException:
            lines = [summary(kind, value) + "\n"]
    return "".join(lines)


def _format_2(kind, value, trace):
    lines = traceback.format_tb(trace)
    if lines:
        lines.insert(0, _HEADER)
    if isinstance(value, SyntaxError):
        lines += traceback.format_exception_only(kind, value)
    else:
        lines.append(summary(kind, value) + "\n")
    return "".join(to_text(line) for line in lines)
