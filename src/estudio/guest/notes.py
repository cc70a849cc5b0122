"""Words between the contract and the author: text on every Python, notes in the log, and the author's errors.

Notes are written straight to descriptor 2, after the script's own streams were flushed: a script may have replaced
`sys.stderr`, and the log must stay in order.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import os
import sys

PY2 = sys.version_info[0] == 2
TEXT = type("")
MAX_SHOWN_CHARACTERS = 80
"""A name or value inside a message: enough to recognise it."""
MAX_NOTES = 200
"""Notes of one call: a result of 100 000 odd columns must not flood the log."""

_written = [0]


class AuthorError(Exception):
    """Something that the script's author can mend. `code` as in `core.outcome.ScriptError`."""

    def __init__(self, code, message):
        Exception.__init__(self, message)
        self.code = code
        self.message = message


class OutputTooLarge(Exception):
    """The result needs more room than the call has."""

    def __init__(self, needed, room):
        Exception.__init__(self, needed, room)
        self.message = "The result needs {0} bytes, the call may write {1}: return less, or raise output_bytes.".format(
            needed, room
        )


def to_text(value):
    """Return any value as Unicode text, whatever its `__str__` does. Never raises an Exception."""
    try:
        if isinstance(value, TEXT):
            return TEXT(value)
        if isinstance(value, bytes) and PY2:
            return value.decode("utf-8", "replace")
        return TEXT(value)
    except UnicodeError:
        return str(value).decode("utf-8", "replace") if PY2 else repr(value)
    except Exception:
        return "<{0} without text>".format(type(value).__name__)


def shown(value):
    """Return a short, printable form of a name or value for a message."""
    try:
        text = to_text(value) if isinstance(value, (TEXT, bytes)) and PY2 else to_text(repr(value))
    except Exception:
        text = "<{0}>".format(type(value).__name__)
    if PY2 and isinstance(value, (TEXT, bytes)):
        text = "'" + text + "'"
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "..."


def flush_streams():
    """Flush the script's streams; what a script did to them is no error of ours."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: S112 - the script may have closed or replaced it
            continue


def note(message):
    """Write one line for the author into the log."""
    _written[0] += 1
    if _written[0] > MAX_NOTES:
        return
    flush_streams()
    line = "estudio: " + " ".join(message.split("\n")) + "\n"
    try:
        os.write(2, line.encode("utf-8", "replace"))
    except OSError:
        _written[0] = MAX_NOTES  # nobody reads the log any more


def start_notes():
    """Forget the count of an earlier call (the warm-up's)."""
    _written[0] = 0
