"""How tables become arguments of `azureml_main`, and what it returned becomes tables.

The two old systems disagree on the arguments: classic passes the *connected* tables in order, the designer passes port
i as argument i. For returns one rule accepts what either accepted.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import inspect
import numbers

import numpy as np
import pandas as pd

from .notes import PY2, TEXT, AuthorError, note, to_text
from .parameters import signature_of, tables_taken

ENTRY_POINT = "azureml_main"


def find_entry_point(module):
    """Return the callable that the script defines.

    Raises:
        AuthorError: there is none, or it cannot be called, or only awaited.
    """
    entry = getattr(module, ENTRY_POINT, None)
    if entry is None:
        raise AuthorError(
            "no-entry-point",
            "The script defines no function azureml_main: write def azureml_main(dataframe1=None, dataframe2=None).",
        )
    if not callable(entry):
        raise AuthorError(
            "no-entry-point",
            "azureml_main is of type {0}, which cannot be called: make it a function.".format(type(entry).__name__),
        )
    if not PY2 and (inspect.iscoroutinefunction(entry) or inspect.isasyncgenfunction(entry)):
        raise _awaited("an async function")
    return entry


def _awaited(what):
    return AuthorError(
        "wrong-result", "azureml_main is {0}; make it a plain function that returns a table.".format(what)
    )


def arguments(entry, tables, calling, parameters=()):
    """Return the arguments that the entry point gets by position.

    Args:
        entry: the callable.
        tables: a DataFrame or None for each port.
        calling: "classic" or "designer".
        parameters: the names of those that it gets by name.
    """
    signature = signature_of(entry)
    most = tables_taken(signature, parameters)
    given = [table for table in tables if table is not None] if calling == "classic" else list(tables)
    kept = given if most is None else given[:most]
    lost = [table for table in given[len(kept) :] if table is not None]
    if lost:
        _note_lost(len(kept), [table for table in tables if table is not None], lost)
    return kept + [None] * (signature.required - len(kept))


def _note_lost(taken, connected, lost):
    takes = {0: "no table", 1: "one table"}.get(taken, "{0} tables".format(taken))
    if len(lost) > 1:
        which = "the connected tables are" if len(lost) == len(connected) else "the last connected tables are"
    elif len(connected) == 1:
        which = "the connected table is"
    else:
        which = "the {0} connected table is".format({2: "second", 3: "third"}.get(len(connected), "last"))
    note("azureml_main takes {0}; {1} not passed".format(takes, which))


def tables_of(returned):
    """Return [first table, second table or None] of what azureml_main returned.

    Raises:
        AuthorError: nothing that a table can be made of.
    """
    items = _sequence(returned)
    if items is None:
        items = [returned]
    if items and items[0] is None:
        note("azureml_main returned no table; the result is empty")
    if len(items) > 2:
        note("azureml_main returned {0} values; the first two are kept".format(len(items)))
    if not items:
        raise AuthorError("wrong-result", "azureml_main returned an empty tuple: return a DataFrame.")
    first = table_of(items[0])
    return [first, _second(items[1]) if len(items) > 1 else None]


def _second(value):
    if value is None:
        return None
    try:
        return table_of(value)
    except AuthorError:
        note(
            "the second value that azureml_main returned, of type {0}, is no table; it is ignored".format(_kind(value))
        )
        return None


def _sequence(returned):
    """Return the items when the value is a sequence of tables, else None."""
    if isinstance(returned, tuple) and not hasattr(returned, "_fields"):
        return list(returned)
    if isinstance(returned, (list, tuple)) or (isinstance(returned, np.ndarray) and returned.dtype == object):
        if getattr(returned, "ndim", 1) == 1 and any(isinstance(item, pd.DataFrame) for item in returned):
            return list(returned)
    return None


def table_of(value):
    """Return a DataFrame made of one returned value, as the designer does.

    Raises:
        AuthorError: no table can be made of it.
    """
    if isinstance(value, pd.DataFrame):
        return value
    if value is None:
        return pd.DataFrame()
    if isinstance(value, pd.Series):
        return pd.DataFrame({"column" if value.name is None else to_text(value.name): value.reset_index(drop=True)})
    if isinstance(value, np.ndarray):
        return _of_array(value)
    if isinstance(value, dict):
        return _of_dictionary(value)
    if isinstance(value, (list, tuple)):
        return _of_list(value)
    if _is_scalar(value):
        return _one_column([value])
    raise _no_table(value)


def _is_scalar(value):
    if isinstance(value, (TEXT, bytes, numbers.Number, np.generic)):
        return True
    return bool(pd.api.types.is_scalar(value)) if hasattr(pd, "api") else False


def _one_column(items):
    values = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        values[place] = item
    return pd.DataFrame({"column": values})


def _of_list(items):
    wrong = next((item for item in items if item is not None and not _is_scalar(item)), None)
    if wrong is not None:
        raise _no_table(items, " whose elements are of type {0}".format(_kind(wrong)))
    return _one_column(items)


def _of_array(array):
    if array.ndim < 2:
        return pd.DataFrame({"column": array.reshape(-1)})
    if array.ndim > 2:
        raise _no_table(array, " of {0} dimensions".format(array.ndim))
    return pd.DataFrame(array, columns=["column_{0}".format(place) for place in range(array.shape[1])])


def _of_dictionary(content):
    try:
        return pd.DataFrame(content)
    except (ValueError, TypeError) as error:
        raise _no_table(content, " that makes no table ({0})".format(to_text(error)))


def _kind(value):
    kind = type(value)
    module = to_text(kind.__module__)
    name = to_text(kind.__name__)
    return name if module in ("builtins", "__builtin__") else module + "." + name


def _no_table(value, detail=""):
    if inspect.isgenerator(value) or hasattr(value, "__await__") or hasattr(value, "__anext__"):
        return _awaited("a generator" if inspect.isgenerator(value) else "asynchronous")
    return AuthorError(
        "wrong-result",
        "azureml_main returned a value of type {0}{1}: return a DataFrame, or a tuple that starts with one.".format(
            _kind(value), detail
        ),
    )
