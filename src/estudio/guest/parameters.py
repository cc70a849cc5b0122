"""Script parameters: values from outside that `azureml_main` takes by name.

On Python 3 they are the keyword-only arguments. Python 2 has none, so there they are the arguments with a default, and
one that is given by name takes no table.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import inspect
import types

from .notes import PY2, AuthorError, shown, to_text

MAX_LISTED = 20
"""Names in a message: enough for any script that people wrote by hand."""


class Signature(object):
    """What an entry point takes: `required` and `most` tables (None: any number), parameters by name.

    `positional` are the names in front of the parameters; `open`: it takes any name (`**kwargs`).
    """

    __slots__ = ("most", "named", "open", "positional", "required")

    def __init__(self, required, most, positional=(), named=(), open=False):
        self.required, self.most, self.open = required, most, open
        self.positional, self.named = tuple(positional), tuple(named)


def signature_of(entry):
    """Return the signature of a callable; compiled code that does not say takes anything."""
    if type(entry) is types.FunctionType and not hasattr(entry, "__wrapped__") and not hasattr(entry, "__signature__"):
        return _of_code(entry.__code__, len(entry.__defaults__ or ()))
    try:
        return _inspected_2(entry) if PY2 else _inspected(inspect.signature(entry))
    except (TypeError, ValueError):
        return Signature(0, None, open=True)


def _of_code(code, defaults):
    count = code.co_argcount
    positional = code.co_varnames[:count]
    named = positional[count - defaults :] if PY2 else code.co_varnames[count : count + code.co_kwonlyargcount]
    most = None if code.co_flags & inspect.CO_VARARGS else count
    return Signature(count - defaults, most, positional, named, bool(code.co_flags & inspect.CO_VARKEYWORDS))


def _inspected(signature):
    required, positional, named, variable, any_name = 0, [], [], False, False
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            positional.append(parameter.name)
            required += parameter.default is parameter.empty
        elif parameter.kind == parameter.KEYWORD_ONLY:
            named.append(parameter.name)
        variable = variable or parameter.kind == parameter.VAR_POSITIONAL
        any_name = any_name or parameter.kind == parameter.VAR_KEYWORD
    return Signature(required, None if variable else len(positional), positional, named, any_name)


def _inspected_2(entry):
    bound = 0
    if inspect.isclass(entry):
        entry, bound = entry.__init__, 1
    elif not inspect.isroutine(entry):
        entry = entry.__call__
    bound = bound or int(inspect.ismethod(entry) and entry.__self__ is not None)
    spec = inspect.getargspec(entry)
    names = spec.args[bound:]
    defaults = len(spec.defaults or ())
    most = None if spec.varargs else len(names)
    return Signature(len(names) - defaults, most, names, names[len(names) - defaults :], bool(spec.keywords))


def tables_taken(signature, parameters):
    """Return how many tables go in at most (None: any number), given the parameters that are passed by name."""
    taken = [place for place, name in enumerate(signature.positional) if PY2 and name in parameters]
    return min(taken) if taken else signature.most


def named_arguments(entry, parameters):
    """Return the values that the entry point gets by name, as this Python writes them.

    Raises:
        AuthorError: the function has no parameter of that name.
    """
    if not parameters:
        return {}
    signature = signature_of(entry)
    for name in sorted(parameters):
        if name not in signature.named and not (signature.open and name not in signature.positional):
            raise AuthorError("wrong-parameter", _wrong(name, signature))
    return dict((_native(name), _native(value)) for name, value in parameters.items())


def _native(value):
    """Text as `str`; on Python 2 what is not ASCII stays Unicode."""
    if isinstance(value, list):
        return [_native(item) for item in value]
    if isinstance(value, dict):
        return dict((_native(name), _native(item)) for name, item in value.items())
    if PY2 and not isinstance(value, (bool, int, float)):
        try:
            return value.encode("ascii")
        except (UnicodeEncodeError, AttributeError):
            return value
    return value


def _wrong(name, signature):
    if name in signature.positional:
        mend = "give it a default" if PY2 else "write *, in front of it to make it a parameter"
        return "azureml_main takes {0} by position, as a table: {1}.".format(shown(name), mend)
    message = "azureml_main has no parameter {0}".format(shown(name))
    known = [to_text(each) for each in signature.named]
    near = _near(name, known)
    if near:
        message += "; did you mean {0}?".format(" or ".join(near))
    if not known:
        where = "after the tables, with a default" if PY2 else "after *, as in (dataframe1=None, *, {0}=0)".format(name)
        return "{0}. It has none: write parameters {1}.".format(message, where)
    listed = ", ".join(known[:MAX_LISTED]) + (", ..." if len(known) > MAX_LISTED else "")
    return "{0}{1} It has: {2}.".format(message, "" if near else ".", listed)


def _near(name, known):
    import difflib

    return difflib.get_close_matches(name, known, 2, 0.6)
