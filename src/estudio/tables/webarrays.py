"""Columns of a call's JSON as arrays: quick for what clients usually send, cell by cell for all else.

No `pa.array`: it costs twice as much for one value, and imports pandas. The quick ways decline rather than decide:
where they return None, `tables.webcells` says what each cell means or why it is wrong.
"""

from __future__ import annotations

import array
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import orjson
import pyarrow as pa

from estudio.core.layout import value_bits
from estudio.tables.missing import NOT_A_TIME
from estudio.tables.typenames import Arrow, scalar_type
from estudio.tables.webcells import INTEGERS, cell_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from estudio.tables.webcells import Physical

UNTYPED: Final = ("null", "dictionary", "dictionary-ordered", "large_list")
"""Type names that say nothing of their values: these are taken as they come."""
MAX_LIST_CHARACTERS = 1_000_000
"""Of a list sent as the text of a JSON array."""

_CODES = {
    "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q",
    "float32": "f", "float64": "d",
}  # fmt: skip
_NUMBERS = ({float}, {int}, {int, float})
_MISSING = type(None)
_NAN = float("nan")


def read_column(
    type_name: str, values: Sequence[object], report: Callable[[int, str], bool], *, classic: bool
) -> Arrow | None:
    """The canonical array of a column's cells.

    Args:
        type_name: of the expected column.
        values: parsed JSON, one for each row.
        report: is told the row and the words of each wrong cell, and says whether to look for more.
        classic: see `webcells.cell_reader`.

    Returns:
        None where a cell is wrong.
    """
    if type_name in UNTYPED:
        return _read_untyped(type_name, values, report, classic=classic)
    found = _quick(type_name, values)
    return _read_slowly(type_name, values, report, classic=classic) if found is None else found


def _read_slowly(
    type_name: str, values: Sequence[object], report: Callable[[int, str], bool], *, classic: bool
) -> Arrow | None:
    read = cell_reader(type_name, classic=classic)
    cells: list[Physical] = []
    for row, value in enumerate(values):
        try:
            cells.append(read(value))
        except ValueError as error:
            if not report(row, str(error)):
                return None
    return pack(type_name, cells) if len(cells) == len(values) else None


def pack(type_name: str, cells: Sequence[Any]) -> Arrow:
    """Physical values, all of them fitting, as a canonical array."""
    if type_name == "large_string":
        return texts(cells)
    if type_name == "large_binary":
        return _of_bytes(pa.large_binary(), cells)
    if type_name.startswith("float"):
        cells = [None if cell is None or cell != cell else cell for cell in cells]  # noqa: PLR0124 - NaN
    missing = cells.count(None)
    if type_name == "bool":
        values: Any = bitmap(cells)
    elif type_name.startswith("decimal"):
        size = (value_bits(type_name) or 128) // 8
        values = b"".join((cell or 0).to_bytes(size, "little", signed=True) for cell in cells)
    else:
        values = array.array(_code(type_name), _filled(type_name, cells) if missing else cells)
    return _array(type_name, cells, values, missing)


def _array(type_name: str, cells: Sequence[object], values: Any, missing: int) -> Arrow:  # noqa: ANN401
    validity = pa.py_buffer(bitmap([cell is not None for cell in cells])) if missing else None
    return pa.Array.from_buffers(scalar_type(type_name), len(cells), [validity, pa.py_buffer(values)], missing)


def _filled(type_name: str, cells: Sequence[Any]) -> list[Any]:
    if type_name.startswith("float"):
        nothing: float = _NAN
    else:
        nothing = NOT_A_TIME if type_name.startswith(("timestamp", "duration")) else 0
    return [nothing if cell is None else cell for cell in cells]


def _code(type_name: str) -> str:
    return _CODES.get(type_name) or ("i" if value_bits(type_name) == 32 else "q")


def bitmap(flags: Sequence[object]) -> bytes:
    """One bit for each flag, the least significant first."""
    digits = "".join(["1" if flag else "0" for flag in reversed(flags)])
    return int(digits or "0", 2).to_bytes((len(flags) + 7) // 8, "little")


def texts(cells: Sequence[str | None]) -> Arrow:
    """A `large_string` array."""
    present: Any = cells
    missing = cells.count(None)
    if missing:
        present = [cell or "" for cell in cells]
    joined = "".join(present)
    if not joined.isascii():
        return _of_bytes(pa.large_string(), [None if cell is None else cell.encode() for cell in cells])
    return _variable(pa.large_string(), cells, present, joined.encode(), missing)


def _of_bytes(arrow: Arrow, cells: Sequence[bytes | None]) -> Arrow:
    present = [cell or b"" for cell in cells]
    return _variable(arrow, cells, present, b"".join(present), cells.count(None))


def _variable(
    arrow: Arrow, cells: Sequence[object], present: Sequence[str | bytes], content: bytes, missing: int
) -> Arrow:
    ends = array.array("q", accumulate(map(len, present), initial=0))
    validity = pa.py_buffer(bitmap([cell is not None for cell in cells])) if missing else None
    return pa.Array.from_buffers(arrow, len(cells), [validity, pa.py_buffer(ends), pa.py_buffer(content)], missing)


def _quick(type_name: str, values: Sequence[Any]) -> Arrow | None:
    kinds = set(map(type, values))
    missing = values.count(None) if _MISSING in kinds else 0
    kinds.discard(_MISSING)
    if type_name == "large_string":
        return texts(values) if kinds <= {str} else None
    if type_name in _CODES:
        return _quick_numbers(type_name, values, kinds, missing)
    if type_name == "bool":
        return _array(type_name, values, bitmap(values), missing) if kinds <= {bool} else None
    if kinds == {str} and type_name.startswith(("timestamp", "date32")):
        return _quick_times(type_name, values, missing)
    return None


def _quick_numbers(type_name: str, values: Sequence[Any], kinds: set[type], missing: int) -> Arrow | None:
    is_float = type_name == "float64"
    if kinds == {str} and not missing and (is_float or type_name in INTEGERS):
        return _quick_texts(type_name, values)
    if kinds not in _NUMBERS if is_float else kinds != {int}:
        return None
    try:
        numbers = array.array(_CODES[type_name], _filled(type_name, values) if missing else values)
    except OverflowError:
        return None
    return _array(type_name, values, numbers, missing)


def _quick_texts(type_name: str, values: Sequence[str]) -> Arrow | None:
    """Plain decimal digits only: no NaN, no underscores, no digits of other scripts, nothing beyond the range."""
    if not set("".join(values)) <= _PLAIN or len(max(values, key=len)) > 30:
        return None
    try:
        numbers = array.array(_CODES[type_name], map(float if type_name == "float64" else int, values))
    except (ValueError, OverflowError):
        return None
    return _array(type_name, values, numbers, 0)


_PLAIN = frozenset("0123456789.-")
"""No exponents: what is infinite as a double cannot be written in 30 of these."""


def _quick_times(type_name: str, values: Sequence[str | None], missing: int) -> Arrow | None:
    try:
        ticks = texts(values).cast(scalar_type(type_name))
    except pa.ArrowException:
        return None
    return (
        pack(type_name, ticks.view(pa.int32() if type_name == "date32" else pa.int64()).to_pylist())
        if missing
        else ticks
    )


def _read_untyped(
    type_name: str, values: Sequence[object], report: Callable[[int, str], bool], *, classic: bool
) -> Arrow | None:
    if type_name == "large_list":
        return _read_lists(values, report, classic=classic)
    found = _kind_of(values, report, "the column takes values of one type")
    if found is None:
        return None
    column: Arrow = pack(found, _as_kind(found, values)) if found != "null" else pa.nulls(len(values))
    if type_name == "null":
        return column
    return _as_categories(column if found != "null" else texts([None] * len(values)), type_name == "dictionary-ordered")


def _as_categories(column: Arrow, ordered: bool) -> Arrow:
    encoded = column.dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices, encoded.dictionary, ordered=ordered)


def _kind_of(values: Sequence[object], report: Callable[[int, str], bool], rule: str) -> str | None:
    """The type of cells that may be anything plain; None where they are of several."""
    kinds = set(map(type, values)) - {_MISSING}
    if not kinds:
        return "null"
    for name, members in (("bool", {bool}), ("large_string", {str}), ("int64", {int}), ("float64", {int, float})):
        if kinds <= members and (name != "int64" or _all_fit(values)):
            return name
    first = next(value for value in values if value is not None)
    wanted: set[Any] = {int, float} if isinstance(first, int | float) and not isinstance(first, bool) else {type(first)}
    if wanted <= {dict, list}:
        wanted = {str}
    for row, value in enumerate(values):
        if value is not None and type(value) not in wanted and not report(row, f"does not fit: {rule}"):
            break
    return None


def _all_fit(values: Sequence[Any]) -> bool:
    return all(value is None or value <= INTEGERS["int64"][1] for value in values)


def _as_kind(kind: str, values: Sequence[Any]) -> list[Any]:
    return [None if value is None else float(value) for value in values] if kind == "float64" else list(values)


def _read_lists(values: Sequence[object], report: Callable[[int, str], bool], *, classic: bool) -> Arrow | None:
    cells = [_as_list(value) if classic else value for value in values]
    wrong = False
    items: list[object] = []
    rows: list[int] = []
    for row, cell in enumerate(cells):
        if cell is None:
            continue
        if not isinstance(cell, list):
            wrong = True
            if not report(row, "is no array"):
                return None
        else:
            items += cell
            rows += [row] * len(cell)
    found = _kind_of(items, lambda at, words: report(rows[at], words), "items of all arrays are of one plain type")
    if wrong or found is None:
        return None
    item = pack(found, _as_kind(found, items)) if found != "null" else pa.nulls(len(items), pa.float64())
    if found == "null":
        item = pack("float64", [None] * len(items))
    ends = array.array("q", accumulate((len(cell) if isinstance(cell, list) else 0 for cell in cells), initial=0))
    missing = cells.count(None)
    validity = pa.py_buffer(bitmap([cell is not None for cell in cells])) if missing else None
    return pa.Array.from_buffers(
        pa.large_list(item.type), len(cells), [validity, pa.py_buffer(ends)], missing, children=[item]
    )


def _as_list(value: object) -> object:
    if not isinstance(value, str) or len(value) > MAX_LIST_CHARACTERS:
        return value
    if not value.strip():
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
