"""Reads ARFF, Weka's text format: named, typed attributes and then rows; `?` is missing.

Nominal attributes become categories in their declared order; dates become times if they are ISO 8601, else text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import arff
import pyarrow as pa

from estudio.errors import InvalidDataset
from estudio.tables import making
from estudio.tables.encoding import not_utf8, without_mark
from estudio.tables.inference import as_time, infer_text
from estudio.tables.names import unique_names

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

_OWN = re.compile(
    r"^(\s*@attribute\s+(?:'[^'\n]*'|\"[^\"\n]*\"|\S+)\s+)(date\b.*|integer[ \t\r]*)$", re.IGNORECASE | re.MULTILINE
)
_NOMINAL = re.compile(
    r"^(\s*@attribute\s+)(?P<name>'[^'\n]*'|\"[^\"\n]*\")(?=\s+\{[^\n]*\}[ \t\r]*$)", re.IGNORECASE | re.MULTILINE
)
_NAMELESS = "\0{}"
"""Stands for a name that is kept apart; a text file has no such names."""
_DATA = re.compile(r"^\s*@data\b", re.IGNORECASE | re.MULTILINE)


def read_arff(content: pa.Buffer, where: str) -> pa.Table:
    """Read ARFF, dense or sparse.

    Raises:
        InvalidDataset: not UTF-8, or not ARFF; with the line where that is known.
    """
    content = without_mark(content, where)
    try:
        text = str(memoryview(content), "utf-8")
    except UnicodeDecodeError as error:
        raise not_utf8(content, where) or _invalid(where, str(error), None) from error
    text, own = _own_types_as_text(text)
    text, names = _names_apart(text)
    try:
        return _table(arff.loads(text), own, names)
    except (arff.ArffException, pa.ArrowException, ValueError, IndexError, KeyError, OverflowError) as error:
        line = getattr(error, "line", None)
        raise _invalid(where, str(error)[:300], line if line != -1 else None) from error


def _table(document: dict[str, Any], own: dict[int, str], names: dict[str, str]) -> pa.Table:
    attributes = document["attributes"]
    columns = zip(*document["data"], strict=True) if document["data"] else [()] * len(attributes)
    arrays = [
        _array(own.get(number, kind), list(values))
        for number, ((_, kind), values) in enumerate(zip(attributes, columns, strict=True))
    ]
    return pa.table(arrays, names=list(unique_names(names.get(name, name) for name, _ in attributes)))


def _own_types_as_text(text: str) -> tuple[str, dict[int, str]]:
    """The ARFF package knows no dates, and reads whole numbers through floats; so it gets both as text."""
    data = _DATA.search(text)
    head = text[: data.start()] if data else text
    attributes = [line for line in head.splitlines() if line.lstrip().lower().startswith("@attribute")]
    own = {number: found[2].split()[0].upper() for number, line in enumerate(attributes) if (found := _OWN.match(line))}
    return _OWN.sub(r"\1STRING", head) + text[len(head) :], own


def _names_apart(text: str) -> tuple[str, dict[str, str]]:
    """The ARFF package takes `'a' {'` for the quoted name in `'a' {' b'}`: before categories it gets other names."""
    data = _DATA.search(text)
    end = data.start() if data else len(text)
    names: dict[str, str] = {}

    def apart(found: re.Match[str]) -> str:
        nameless = _NAMELESS.format(len(names))
        names[nameless] = found["name"][1:-1]
        return found[1] + nameless

    return _NOMINAL.sub(apart, text[:end]) + text[end:], names


def _array(kind: str | list[str], values: list[Any]) -> Arrow:
    if isinstance(kind, list):
        places = {category: number for number, category in enumerate(kind)}
        codes = [None if value is None else places[value] for value in values]
        return pa.DictionaryArray.from_arrays(making.numbers(codes, pa.int32()), making.texts(kind))
    if kind == "DATE":
        column: Arrow = pa.chunked_array([making.texts(values)])
        times = as_time(column)
        return column if times is None else times
    if kind == "INTEGER":
        return _whole(values)
    return making.texts(values) if kind.upper() == "STRING" else making.numbers(values, pa.float64())


def _whole(values: list[Any]) -> Arrow:
    numbers = infer_text(pa.chunked_array([making.texts(map(_text, values))]))
    if numbers.null_count == len(numbers):
        return numbers.cast(pa.int64())
    if not pa.types.is_integer(numbers.type) and not pa.types.is_floating(numbers.type):
        raise ValueError("a value of an integer attribute that is no number")
    return numbers


def _text(value: Any) -> str | None:  # noqa: ANN401 - zero of a sparse row is a number
    return None if value is None else str(value)


def _invalid(where: str, why: str, line: int | None) -> InvalidDataset:
    place = where if line is None else f"{where}, line {line}"
    return InvalidDataset(f"{place} cannot be read as ARFF: {why.rstrip('.')}.", path=where, line=line)
