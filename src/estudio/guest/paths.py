r"""Old Windows paths on Linux: `open('.\\Script Bundle\\x.csv')` finds the file that it means.

A path with a backslash is taken literally when such a file exists; otherwise with slashes, when that exists or the call
creates something. So folders never fill with files whose names contain backslashes, and error messages about missing
files show what the author wrote.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import functools
import glob
import io
import os
import sys

from .notes import PY2, TEXT

_READING = (
    "stat", "lstat", "listdir", "scandir", "remove", "unlink", "rmdir", "access", "chdir", "chmod", "utime", "readlink",
    "truncate",
)  # fmt: skip
_CREATING = ("mkdir", "mkfifo")
_PAIRS = ("rename", "replace", "link", "symlink")
_raw_lstat = os.lstat


def translate(path, creates=False):
    """Return the path to use for the one that the script wrote."""
    kind = type(path)
    if kind is not str and kind is not TEXT:
        path, kind = _plain(path)
        if kind is None:
            return path
    backslash, slash = (str("\\"), str("/")) if kind is str else ("\\", "/")  # bytes on Python 2
    if backslash not in path or _exists(path):
        return path
    slashed = path.replace(backslash, slash)
    return slashed if creates or _exists(slashed) else path


def _plain(path):
    fspath = getattr(os, "fspath", None)
    if fspath is None or not hasattr(type(path), "__fspath__"):
        return path, None
    plain = fspath(path)
    return (plain, str) if isinstance(plain, str) and "\\" in plain else (path, None)


def _exists(path):
    try:
        _raw_lstat(path)
    except (OSError, ValueError, TypeError, UnicodeError):
        return False
    return True


def install():
    """Wrap the functions through which scripts and libraries reach files. The second time nothing is left to do."""
    if hasattr(os.stat, "estudio_original"):
        return
    for name in _READING:
        _wrap(os, name, _first(False))
    for name in _CREATING:
        _wrap(os, name, _first(True))
    for name in _PAIRS:
        _wrap(os, name, _both)
    _wrap(os, "open", _flagged)
    for name in ("glob", "iglob"):
        _wrap(glob, name, _pattern)
    _wrap_readers()
    _wrap_open()


def _wrap(module, name, maker):
    original = getattr(module, name, None)
    if original is None or hasattr(original, "estudio_original"):
        return
    wrapper = functools.wraps(original)(maker(original))
    wrapper.estudio_original = original
    setattr(module, name, wrapper)
    for capability in ("supports_dir_fd", "supports_fd", "supports_follow_symlinks", "supports_effective_ids"):
        functions = getattr(os, capability, ())
        if original in functions:
            functions.add(wrapper)


def _first(creates):
    def maker(original):
        def call(*args, **kwargs):
            if args:
                args = (translate(args[0], creates),) + args[1:]
            elif "path" in kwargs:
                kwargs["path"] = translate(kwargs["path"], creates)
            return original(*args, **kwargs)

        return call

    return maker


def _both(original):
    def call(*args, **kwargs):
        if len(args) > 1:
            args = (translate(args[0]), translate(args[1], True)) + args[2:]
        return original(*args, **kwargs)

    return call


def _flagged(original):
    def call(path, flags, *args, **kwargs):
        return original(translate(path, bool(flags & os.O_CREAT)), flags, *args, **kwargs)

    return call


def _pattern(original):
    def call(pathname, *args, **kwargs):
        if type(pathname) in (str, TEXT):
            pathname = pathname.replace(str("\\"), str("/"))
        return original(pathname, *args, **kwargs)

    return call


def _opener(original):
    def call(*args, **kwargs):
        if args:
            mode = args[1] if len(args) > 1 else kwargs.get("mode", "r")
            creates = isinstance(mode, (str, TEXT)) and any(letter in mode for letter in "wax")
            args = (translate(args[0], creates),) + args[1:]
        return original(*args, **kwargs)

    return call


def _wrap_readers():
    """Before 1.2 pandas opens files in compiled code."""
    pandas = sys.modules.get("pandas")
    if pandas is None or tuple(int(part) for part in pandas.__version__.split(".")[:2]) >= (1, 2):
        return
    for name in ("read_csv", "read_table"):
        _wrap(pandas, name, _first(False))


def _wrap_open():
    if not PY2:
        import builtins

        if not hasattr(builtins.open, "estudio_original"):
            _wrap(builtins, "open", _opener)
            io.open = builtins.open
        return
    import __builtin__

    if hasattr(__builtin__.open, "estudio_original"):
        return
    _wrap(io, "open", _opener)
    _wrap(__builtin__, "open", _opener)
    __builtin__.file = _file_class(__builtin__.file)


def _file_class(original):
    """Return a stand-in for Python 2's `file`, which is a type: scripts call it and ask `isinstance(x, file)`."""

    class Meta(type):
        def __instancecheck__(cls, instance):
            return isinstance(instance, original)

        def __call__(cls, *args, **kwargs):
            return sys.modules["__builtin__"].open(*args, **kwargs)

    return Meta(str("file"), (object,), {})
