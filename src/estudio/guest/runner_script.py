"""Compiles and executes the author's script as the module `azuremod`, under the author's own file name in tracebacks.

Compiling comes before anything of the author's runs. What stops it is always a syntax error of theirs, even where the
interpreter says ValueError, MemoryError or RecursionError (NUL bytes, endless brackets).
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import os
import re
import sys
import types

from . import tracebacks
from .notes import PY2, note, to_text

MODULE = str("azuremod")
FILE = str("azuremod.py")
_COOKIE = re.compile(b"^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)")
_BOM = b"\xef\xbb\xbf"
_NO_BREAK_SPACE = b"\xc2\xa0"


class NotCompiled(Exception):
    """The script is no Python that this interpreter reads; `error` is the report's."""

    def __init__(self, error):
        Exception.__init__(self, error["message"])
        self.error = error


def native_name(script_name):
    """Return the author's file name as tracebacks hold it."""
    name = script_name.replace("\0", "")
    return name.encode("utf-8") if PY2 else name


def compile_script(source, script_name):
    """Compile the script's bytes.

    Raises:
        NotCompiled: a syntax error, or what amounts to one.
    """
    source = _decodable(source)
    tracebacks.prime(script_name, _lines(source))
    try:
        return compile(source, script_name, "exec", 0, True)
    except SyntaxError:
        failure = sys.exc_info()
    except (ValueError, TypeError, MemoryError, RuntimeError, OverflowError, UnicodeError):
        failure = sys.exc_info()
    mended = source.replace(_NO_BREAK_SPACE, b" ")
    if mended != source:
        try:
            code = compile(mended, script_name, "exec", 0, True)
        except Exception:  # noqa: S110 - the first failure is the one to tell
            pass
        else:
            note("the script has no-break spaces (pasted from a web page?); they are read as spaces")
            return code
    raise NotCompiled(_error(failure, script_name))


def _error(failure, script_name):
    kind, value, _ = failure
    error = tracebacks.describe(kind, value, None, script_name)
    error["code"] = "syntax-error"
    where = " in line {0}".format(error["line"]) if error["line"] else ""
    reason = getattr(value, "msg", None) or to_text(value) or "too many nested brackets"
    error["message"] = tracebacks.bounded(
        "The script cannot be compiled{0}: {1}: {2}".format(where, kind.__name__, to_text(reason)),
        tracebacks.MAX_MESSAGE_CHARACTERS,
    )
    return error


def _decodable(source):
    """On Python 2 a script without a coding line is ASCII; read it as UTF-8 when it is that."""
    if PY2 and not source.startswith(_BOM) and _encoding(source) is None:
        try:
            source.decode("ascii")
        except UnicodeDecodeError:
            try:
                source.decode("utf-8")
            except UnicodeDecodeError:
                return source
            return _BOM + source
    return source


def _encoding(source):
    for line in source.split(b"\n", 2)[:2]:
        match = _COOKIE.match(line[3:] if line.startswith(_BOM) else line)
        if match:
            return match.group(1).decode("ascii")
    return None


def _lines(source):
    body = source[3:] if source.startswith(_BOM) else source
    if not PY2:
        try:
            body = body.decode(_encoding(source) or "utf-8", "replace")
        except LookupError:
            body = body.decode("utf-8", "replace")
        return (body.replace("\r\n", "\n").replace("\r", "\n")).splitlines(True)
    return body.replace(b"\r\n", b"\n").splitlines(True)


def write_script(source):
    """Put the script's file into the working directory, where old scripts look for it."""
    descriptor = os.open(FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(descriptor, source)
    finally:
        os.close(descriptor)


def new_module():
    """Return the module `azuremod`, registered, with nothing executed yet."""
    module = types.ModuleType(MODULE)
    module.__file__ = FILE
    module.__dict__[str("__builtins__")] = sys.modules["builtins" if not PY2 else "__builtin__"]
    sys.modules[MODULE] = module
    return module


def execute(code, module):
    """Run the script's top level."""
    exec(code, module.__dict__)
