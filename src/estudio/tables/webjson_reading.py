"""Tables from the JSON of web service calls: records, split, and the old system's ColumnNames with Values.

Columns are matched by name, in any order. A column that is not sent, or that nobody expects, is an error, not a guess.
Where an object has a key twice, the last one counts, as JSON parsers do.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from estudio.core.counted_words import counted
from estudio.core.environment import near_name
from estudio.errors import CallProblem, InvalidCall
from estudio.tables.canonical import table_of
from estudio.tables.table import Table
from estudio.tables.typenames import Arrow, scalar_type
from estudio.tables.webarrays import UNTYPED, read_column
from estudio.tables.webproblems import Place, Problems, pointer_to, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from estudio.core.schema import Column

MAX_CALL_ROWS = 1_000_000
"""Of one table in one call: more is a job's, which reads files."""


class Orient(StrEnum):
    """How a table is written in JSON."""

    RECORDS = "records"
    """A list of objects, one for each row."""
    SPLIT = "split"
    """`{"columns": […], "data": [[…], …]}`."""
    CLASSIC = "classic"
    """`{"ColumnNames": […], "Values": [[…], …]}`, cells as text."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What columns a table must have: made once for each tuple of columns."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    known: frozenset[str]
    schema: pa.Schema | None
    """None where the types are known only from the values."""
    pick: Callable[[dict[str, object]], Any]
    """The cells of a record: a tuple, or the cell itself where there is one column."""


def parse_json(body: bytes | bytearray | memoryview) -> object:
    """Parse a body strictly: UTF-8, no NaN, no lone surrogates, at most 1,024 levels deep, nothing behind the value.

    Raises:
        InvalidCall: of kind `syntax`, or `encoding` where it is not UTF-8.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if "not valid UTF-8" in error.msg or "byte order mark" in error.msg:
            raise InvalidCall(
                f"The body is not plain UTF-8: {error.msg}. Encode JSON as UTF-8 without a byte order mark.",
                kind="encoding",
            ) from error
        raise InvalidCall(
            f"The body is no JSON: {error.msg}, at line {error.lineno}, column {error.colno}.",
            kind="syntax",
            line=error.lineno,
            column=error.colno,
        ) from error


def read_json_table(
    value: object, columns: Sequence[Column], place: Place, problems: Problems, *, classic: bool = False
) -> Table | None:
    """A table in any of the forms, told apart by what they are.

    Args:
        value: a list of objects, or an object with `columns` and `data`, or one with `ColumnNames` and `Values`.
        columns: what the service expects.
        place: for the problems.
        problems: gets what is wrong.
        classic: read cells as the old system did; see `webcells.cell_reader`. ColumnNames with Values always are.

    Returns:
        None where something is wrong.
    """
    if isinstance(value, list):
        return read_records(value, columns, place, problems, classic=classic)
    if isinstance(value, dict) and "ColumnNames" in value:
        return read_named_rows(value, ("ColumnNames", "Values"), columns, place, problems, classic=True)
    if isinstance(value, dict) and "columns" in value:
        return read_named_rows(value, ("columns", "data"), columns, place, problems, classic=classic)
    wanted = 'a list of objects, one for each row, or {"columns": [...], "data": [[...]]}'
    problems.add(_shape(place, f"The table {place.input!r} is {shown(value)}; it has to be {wanted}."))
    return None


def read_records(
    records: list[Any], columns: Sequence[Column], place: Place, problems: Problems, *, classic: bool
) -> Table | None:
    """A table from a list of objects. Every object has every column; missing values are null."""
    expected = expect(tuple(columns))
    if not _check_rows(len(records), place, problems):
        return None
    names = expected.names
    try:
        rows = list(map(expected.pick, records))
        is_plain = set(map(type, records)) <= {dict} and set(map(len, records)) <= {len(names)}
    except (KeyError, TypeError, IndexError):
        is_plain = False
    if not is_plain:
        _tell_records(records, expected, place, problems)
        return None
    cells: list[Sequence[object]] = [rows] if len(names) == 1 else list(zip(*rows, strict=True))
    if not rows:
        cells = [()] * len(names)

    def pointer(row: int, name: str) -> str:
        return pointer_to(place, row, name)

    return _table(expected, cells, len(records), _Teller(place, problems, pointer), classic=classic)


def read_named_rows(
    value: dict[str, Any],
    keys: tuple[str, str],
    columns: Sequence[Column],
    place: Place,
    problems: Problems,
    *,
    classic: bool,
) -> Table | None:
    """A table from names and rows of cells. `keys` are those of the names and of the rows; others mean nothing."""
    expected = expect(tuple(columns))
    names, rows = value.get(keys[0]), value.get(keys[1])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        words = f"The table {place.input!r} needs {keys[0]!r}, a list of column names."
        problems.add(_shape(place, words, keys[0]))
        return None
    if not isinstance(rows, list):
        problems.add(_shape(place, f"The table {place.input!r} needs {keys[1]!r}, a list of rows.", keys[1]))
        return None
    if not _check_rows(len(rows), place, problems) or not _check_names(names, expected, place, keys[0], problems):
        return None
    if not set(map(type, rows)) <= {list} or not set(map(len, rows)) <= {len(names)}:
        _tell_rows(rows, names, place, keys[1], problems)
        return None
    sent: dict[str, Sequence[object]] = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    number_of = {name: number for number, name in enumerate(names)}

    def pointer(row: int, name: str) -> str:
        return pointer_to(place, keys[1], row, number_of[name])

    cells = [sent.get(name, ()) for name in expected.names]
    return _table(expected, cells, len(rows), _Teller(place, problems, pointer), classic=classic)


@functools.lru_cache(maxsize=1024)
def expect(columns: tuple[Column, ...]) -> Expected:
    """What a table with these columns must have."""
    names = tuple(column.name for column in columns)
    types = tuple(column.type for column in columns)
    typed = None if set(types) & set(UNTYPED) or not types else [scalar_type(name) for name in types]
    schema = pa.schema(list(zip(names, typed, strict=True))) if typed else None
    pick: Callable[[dict[str, object]], Any] = itemgetter(*names) if names else (lambda _: ())
    return Expected(names, types, frozenset(names), schema, pick)


@dataclass(frozen=True, slots=True)
class _Teller:
    place: Place
    problems: Problems
    pointer: Callable[[int, str], str]

    def wrong(self, row: int, name: str, value: object, words: str) -> bool:
        """Note a wrong cell; whether to look for more."""
        what = f"Row {row} of {self.place.input!r}, column {shown(name)}: {shown(value)} {words}."
        self.problems.add(CallProblem("wrong-type", what, self.pointer(row, name), self.place.input, row, name))
        return not self.problems.is_full


def _table(
    expected: Expected, cells: Sequence[Sequence[object]], rows: int, teller: _Teller, *, classic: bool
) -> Table | None:
    arrays: list[Arrow] = []
    for name, type_name, values in zip(expected.names, expected.types, cells, strict=True):
        report = functools.partial(_report, teller, name, values)
        found = read_column(type_name, values, report, classic=classic)
        if found is not None:
            arrays.append(found)
        elif teller.problems.is_full:
            return None
    return table_of_arrays(expected, arrays, rows) if len(arrays) == len(expected.names) else None


def table_of_arrays(expected: Expected, arrays: list[Arrow], rows: int) -> Table:
    """A table of canonical arrays, one for each expected column."""
    if expected.schema is None:
        return Table(table_of(expected.names, arrays, rows))
    return Table(pa.Table.from_arrays(arrays, schema=expected.schema))


def _report(teller: _Teller, name: str, values: Sequence[object], row: int, words: str) -> bool:
    return teller.wrong(row, name, values[row], words)


def _check_rows(rows: int, place: Place, problems: Problems) -> bool:
    if rows <= MAX_CALL_ROWS:
        return True
    words = f"The table {place.input!r} has {rows} rows; one call takes at most {MAX_CALL_ROWS}. Send a job instead."
    problems.add(_shape(place, words))
    return False


def _check_names(names: list[str], expected: Expected, place: Place, key: str, problems: Problems) -> bool:
    sent = set(names)
    if len(names) == len(expected.names) and sent == expected.known:
        return True
    tell_missing([name for name in expected.names if name not in sent], place, problems)
    seen: set[str] = set()
    for number, name in enumerate(names):
        if problems.is_full:
            break
        if name in seen:
            words = f"The table {place.input!r} has the column {shown(name)} twice: send it once."
            where = pointer_to(place, key, number)
            problems.add(CallProblem("duplicate-column", words, where, place.input, None, name[:200]))
        elif name not in expected.known:
            tell_unknown(name, expected.names, place, pointer_to(place, key, number), problems)
        seen.add(name)
    return False


def tell_missing(names: list[str], place: Place, problems: Problems, row: int | None = None) -> None:
    """Note columns that were not sent."""
    where = f"Row {row} of" if row is not None else "The table"
    pointer = place.pointer if row is None else pointer_to(place, row)
    for name in names:
        words = f"{where} {place.input!r} has no column {shown(name)}: send it, with null where a value is missing."
        problems.add(CallProblem("missing-column", words, pointer, place.input, row, name))


def tell_unknown(
    name: str, known: Sequence[str], place: Place, pointer: str, problems: Problems, row: int | None = None
) -> None:
    """Note a column that nobody expects."""
    where = f"Row {row} of" if row is not None else "The table"
    hint = near_name(name[:200], known) or f" It takes {counted(len(known), 'column')}."
    words = f"{where} {place.input!r} has a column {shown(name)}, which the service does not take.{hint}"
    problems.add(CallProblem("unknown-column", words, pointer, place.input, row, name[:200]))


def _tell_records(records: list[Any], expected: Expected, place: Place, problems: Problems) -> None:
    """Find the records that are no objects or have other columns; what all of them lack is told once."""
    sent: set[str] = set()
    for record in records:
        if isinstance(record, dict):
            sent |= record.keys() & expected.known
    absent = [name for name in expected.names if name not in sent] if records else []
    tell_missing(absent, place, problems)
    unknown: set[str] = set()
    for row, record in enumerate(records):
        if problems.is_full:
            return
        if not isinstance(record, dict):
            words = (
                f"Row {row} of {place.input!r} is {shown(record)}; each row is an object with a key for each column."
            )
            problems.add(CallProblem("wrong-shape", words, pointer_to(place, row), place.input, row))
            continue
        tell_missing([name for name in expected.names if name not in record and name in sent], place, problems, row)
        for name in record:
            if name not in expected.known and name not in unknown and not problems.is_full:
                unknown.add(name)
                tell_unknown(name, expected.names, place, pointer_to(place, row, name), problems, row)


def _tell_rows(rows: list[Any], names: list[str], place: Place, key: str, problems: Problems) -> None:
    for row, cells in enumerate(rows):
        if isinstance(cells, list) and len(cells) == len(names):
            continue
        has = counted(len(cells), "value") if isinstance(cells, list) else f"the value {shown(cells)}"
        words = f"Row {row} of {place.input!r} has {has}; each row is an array of {counted(len(names), 'value')}."
        problems.add(CallProblem("wrong-shape", words, pointer_to(place, key, row), place.input, row))
        if problems.is_full:
            return


def _shape(place: Place, words: str, *parts: str) -> CallProblem:
    return CallProblem("wrong-shape", words, pointer_to(place, *parts), place.input)
