"""Names of result columns: text, unique, in their order.

The two old systems number repeated names differently, and the number never collides with a name that the author gave.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

from .notes import AuthorError, shown, to_text

MAX_COLUMNS = 100000
"""As in core.layout."""
MAX_NAME_CHARACTERS = 4096
"""As in core.layout."""
_SUFFIXES = {"classic": (" ({0})", 1), "designer": ("_{0}", 0)}


def column_names(table, calling):
    """Return the unique names of a DataFrame's columns.

    Raises:
        AuthorError: several levels of names, too many columns, a name that is too long or not Unicode.
    """
    index = table.columns
    if getattr(index, "nlevels", 1) > 1:
        raise AuthorError(
            "wrong-result",
            "The result has column names of {0} levels (a MultiIndex); a table has one: flatten them, for example "
            "df.columns = ['_'.join(map(str, name)) for name in df.columns].".format(index.nlevels),
        )
    if len(index) > MAX_COLUMNS:
        raise AuthorError(
            "wrong-result", "The result has {0} columns; a table has at most {1}.".format(len(index), MAX_COLUMNS)
        )
    names = [name if type(name) is str else to_text(name) for name in index.tolist()]
    names = [to_text(name) for name in names]
    _check(names)
    return unique(names, calling)


def _check(names):
    for name in names:
        if len(name) > MAX_NAME_CHARACTERS:
            raise AuthorError(
                "wrong-result",
                "A result column's name has {0} characters ({1}); at most {2} are allowed.".format(
                    len(name), shown(name), MAX_NAME_CHARACTERS
                ),
            )
    try:
        "".join(names).encode("utf-8")
    except UnicodeEncodeError:
        raise AuthorError("wrong-result", "A result column's name holds half a surrogate pair: rename the column.")


def unique(names, calling):
    """Number the repeated names, by the rule of the calling."""
    taken = set(names)
    if len(taken) == len(names):
        return names
    pattern, start = _SUFFIXES[calling]
    seen, following, result = set(), {}, []
    for name in names:
        if name in seen:
            number = following.get(name, start)
            while name + pattern.format(number) in taken:
                number += 1
            following[name] = number + 1
            name = name + pattern.format(number)
            taken.add(name)
        seen.add(name)
        result.append(name)
    return result
