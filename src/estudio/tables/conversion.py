"""Turns columns into other types, and says which value of which row cannot be turned.

Nothing is lost silently: 1.5 is no whole number, and text that is no number is an error, not a missing value.
"""

from __future__ import annotations

import contextlib
import difflib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from estudio.errors import InvalidDataset, InvalidUsage
from estudio.tables import making
from estudio.tables.columns import canonical_column
from estudio.tables.inference import FALSE_TEXTS, TRUE_TEXTS
from estudio.tables.typenames import Arrow, scalar_type, type_name
from estudio.tables.valuetext import as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CATEGORY = "category"
TYPE_WORDS = {
    "text": "large_string", "string": "large_string", "integer": "int64", "number": "float64", "float": "float64",
    "boolean": "bool", "datetime": "timestamp[ns]", "date": "date32", "bytes": "large_binary",
}  # fmt: skip
"""Words for types that people ask for; the names of `core.layout` mean themselves."""
MAX_VALUE_CHARACTERS = 80
"""Of the value in an error."""
_SHOWN = ("text", "integer", "number", "boolean", "datetime", "date", CATEGORY)


def parse_type(text: str) -> Arrow:
    """The canonical Arrow type of a type's name; None for `category`. Raises InvalidUsage."""
    name = text.strip()
    if name == CATEGORY:
        return None
    with contextlib.suppress(KeyError, ValueError, pa.ArrowException):
        return scalar_type(TYPE_WORDS.get(name, name))
    near = difflib.get_close_matches(name, [*TYPE_WORDS, CATEGORY, "int64", "float64", "timestamp[ns]"], 1)
    hint = f"; did you mean {near[0]}?" if near else "."
    raise InvalidUsage(
        f"{text[:MAX_VALUE_CHARACTERS]!r} is no type of a column{hint} Types are {', '.join(_SHOWN)}, and exact ones "
        "such as int32, float32 or timestamp[us].",
        type=text,
    )


def convert_columns(table: pa.Table, types: Mapping[str, str]) -> pa.Table:
    """The table with these columns in other types.

    Raises:
        InvalidUsage: an unknown type.
        InvalidDataset: a column that is not there, or a value that cannot be turned, with its row.
    """
    columns: list[Arrow] = list(table.columns)
    names = table.schema.names
    for name, text in types.items():
        target = parse_type(text)
        number = column_number(names, name)
        columns[number] = convert_column(name, columns[number], target)
    return pa.table(columns, names=names) if columns else table


def column_number(names: list[str], wanted: str) -> int:
    """Where a column stands. Raises InvalidDataset with the near name."""
    if wanted in names:
        return names.index(wanted)
    near = difflib.get_close_matches(wanted, names, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    raise InvalidDataset(
        f"The table has no column {wanted[:MAX_VALUE_CHARACTERS]!r}.{hint} It has: {listed or 'no columns'}.",
        column=wanted,
    )


def convert_column(name: str, column: Arrow, target: Arrow) -> Arrow:
    """One array of the type, or a dictionary where the target is None.

    Args:
        name: for the error.
        column: a ChunkedArray.
        target: from `parse_type`.

    Raises:
        InvalidDataset: with the first value that cannot be turned, and its row.
    """
    array = canonical_column(name, column)
    if array.type == target or (target is None and pa.types.is_dictionary(array.type)):
        return array
    if pa.types.is_dictionary(array.type):
        array = array.dictionary.take(array.indices)
    if target is None:
        return _as_category(name, array)
    convert = _converter(array.type, target)
    try:
        return convert(array)
    except (pa.ArrowException, OverflowError) as error:
        raise _cannot(name, array, target, convert, error) from error


def _as_category(name: str, column: Arrow) -> Arrow:
    try:
        return pc.dictionary_encode(column)
    except pa.ArrowException as error:
        raise InvalidDataset(
            f"The column {name!r} of type {type_name(column.type)} cannot become categories.", column=name
        ) from error


def _converter(given: Arrow, target: Arrow) -> Callable[[Arrow], Arrow]:
    if pa.types.is_large_string(given):
        if pa.types.is_boolean(target):
            return _text_to_boolean
        if pa.types.is_integer(target) or pa.types.is_floating(target) or pa.types.is_decimal(target):
            return lambda column: _plain_number(column).cast(target)
        if pa.types.is_temporal(target):
            return lambda column: pc.utf8_trim_whitespace(column).cast(target)
    if pa.types.is_boolean(target) and not pa.types.is_boolean(given):
        return _number_to_boolean
    if pa.types.is_large_string(target):
        return as_text
    return lambda column: column.cast(target)


def _plain_number(column: Arrow) -> Arrow:
    return pc.replace_substring_regex(pc.utf8_trim_whitespace(column), r"^\+", "")


def _text_to_boolean(column: Arrow) -> Arrow:
    text = pc.utf8_trim_whitespace(column)
    is_true = pc.is_in(text, value_set=making.texts([*TRUE_TEXTS, "1"]))
    is_false = pc.is_in(text, value_set=making.texts([*FALSE_TEXTS, "0"]))
    return _known(column, is_true, is_false)


def _number_to_boolean(column: Arrow) -> Arrow:
    numbers = column.cast(pa.float64())
    one, zero = making.number(1.0, pa.float64()), making.number(0.0, pa.float64())
    return _known(column, pc.equal(numbers, one), pc.equal(numbers, zero))


def _known(column: Arrow, is_true: Arrow, is_false: Arrow) -> Arrow:
    if pc.all(pc.or_(pc.or_(is_true, is_false), pc.is_null(column))).as_py() is False:
        raise pa.ArrowInvalid("neither true nor false")
    return pc.if_else(pc.is_null(column), making.missing(pa.bool_()), is_true)


def _cannot(
    name: str, column: Arrow, target: Arrow, convert: Callable[[Arrow], Arrow], error: Exception
) -> InvalidDataset:
    """Where the conversion fails: the first half that fails, again and again."""
    kind = type_name(target)
    if not _fails(convert, column.slice(0, 0)):
        begin, length = 0, len(column)
        while length > 1:
            half = length // 2
            fails = _fails(convert, column.slice(begin, half))
            begin, length = (begin, half) if fails else (begin + half, length - half)
        value = as_text(column.slice(begin, 1))[0].as_py()[:MAX_VALUE_CHARACTERS]
        return InvalidDataset(
            f"The column {name!r} cannot become {kind}: row {begin + 1} has {value!r}. Mend the value, declare it as "
            "missing, or choose another type.",
            column=name,
            row=begin + 1,
            value=value,
            type=kind,
        )
    return InvalidDataset(
        f"The column {name!r} of type {type_name(column.type)} cannot become {kind}: {str(error)[:200]}.",
        column=name,
        type=kind,
    )


def _fails(convert: Callable[[Arrow], Arrow], column: Arrow) -> bool:
    try:
        convert(column)
    except (pa.ArrowException, OverflowError):
        return True
    return False
