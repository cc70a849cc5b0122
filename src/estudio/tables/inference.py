"""What a column of text really holds, as pandas' `read_csv` decides it, plus ISO dates and times.

pyarrow infers almost the same, faster; `needs_second_look` finds the columns where it differs.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from estudio.tables import making

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

MISSING_TEXTS = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""What means "missing" where it stands without quotes: the default list of pandas' `read_csv`."""
TRUE_TEXTS = ("True", "TRUE", "true")
FALSE_TEXTS = ("False", "FALSE", "false")

_WHOLE = r"^\s*[+-]?[0-9]+\s*$"
_HEXADECIMAL = r"^\s*0[xX]"
_LARGE = making.number(2.0**63, pa.float64())
_EXACT = making.number(2.0**53, pa.float64())
_ISO_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)?$"
_ISO_ZONED = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})$"
)


def needs_second_look(column: Arrow, *, may_be_hexadecimal: bool) -> bool:
    """Whether the text of a column has to be looked at again, since pyarrow reads it otherwise than pandas.

    Args:
        column: a ChunkedArray as pyarrow's CSV reader made it.
        may_be_hexadecimal: the file has `0x` somewhere, which pyarrow reads as a number and pandas as text.
    """
    if pa.types.is_time(column.type):  # 12:34 stays the text that it is
        return True
    if pa.types.is_integer(column.type):
        return may_be_hexadecimal
    if pa.types.is_floating(column.type):  # whole numbers beyond int64 would lose digits
        large = pc.any(pc.and_(pc.greater_equal(pc.abs(column), _LARGE), pc.is_finite(column)))
        return bool(large.as_py())
    return False


def infer_text(column: Arrow, *, missing: tuple[str, ...] = ()) -> Arrow:
    """Numbers, booleans or times, if every value of a text column is one; else the column as it is.

    Args:
        column: a ChunkedArray of text.
        missing: texts that are missing if all others are numbers, booleans or times.
    """
    present = column
    if missing:
        is_missing = pc.is_in(column, value_set=making.texts(missing).cast(column.type))
        present = pc.if_else(is_missing, making.missing(column.type), column)
    if present.null_count == len(present):
        return column
    for attempt in (_as_number, _as_boolean, as_time):
        result = attempt(present)
        if result is not None:
            return result
    return column


def _as_number(column: Arrow) -> Arrow | None:
    if not _all(pc.invert(pc.match_substring_regex(column, _HEXADECIMAL))):
        return None
    digits = pc.replace_substring_regex(pc.utf8_trim_whitespace(column), r"^\+", "")
    if _all(pc.match_substring_regex(column, _WHOLE)):
        return _first_cast(digits, pa.int64(), pa.uint64())
    return _first_cast(digits, pa.float64())


def _as_boolean(column: Arrow) -> Arrow | None:
    is_true = pc.is_in(column, value_set=making.texts(TRUE_TEXTS).cast(column.type))
    is_false = pc.is_in(column, value_set=making.texts(FALSE_TEXTS).cast(column.type))
    known = pc.or_(pc.or_(is_true, is_false), pc.is_null(column))
    return pc.if_else(pc.is_null(column), making.missing(pa.bool_()), is_true) if _all(known) else None


def as_time(column: Arrow) -> Arrow | None:
    """Timestamps, if every text of the column is an ISO 8601 date or time; with a zone they become UTC."""
    if column.null_count == len(column):
        return None
    if _all(pc.match_substring_regex(column, _ISO_TIME)):
        return _first_cast(column, pa.timestamp("ns"), pa.timestamp("us"))
    if _all(pc.match_substring_regex(column, _ISO_ZONED)):
        return _first_cast(column, pa.timestamp("ns", "UTC"), pa.timestamp("us", "UTC"))
    return None


def fine_time(column: Arrow) -> Arrow:
    """Dates and times in nanoseconds, or in microseconds where a year is before 1678 or after 2261."""
    if not (pa.types.is_date(column.type) or pa.types.is_timestamp(column.type)):
        return column
    zone = getattr(column.type, "tz", None)
    result = _first_cast(column, pa.timestamp("ns", zone), pa.timestamp("us", zone))
    return column if result is None else result


def whole_numbers(column: Arrow) -> Arrow:
    """Floats that are all whole and exact become int64, as pandas does with the numbers of a spreadsheet."""
    if not pa.types.is_floating(column.type) or column.null_count == len(column):
        return column
    is_small = pc.less(pc.abs(column), _EXACT)
    result = _first_cast(column, pa.int64()) if _all(is_small) else None
    return column if result is None else result


def _first_cast(column: Arrow, *targets: Arrow) -> Arrow | None:
    for target in targets:
        with contextlib.suppress(pa.ArrowException):
            return column.cast(target)
    return None


def _all(booleans: Arrow) -> bool:
    return pc.all(booleans).as_py() is not False
