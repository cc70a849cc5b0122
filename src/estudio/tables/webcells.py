"""What one cell of a call's JSON means in a column of a type: the rules themselves, one cell at a time.

Slow and exact: `tables.webarrays` has the quick ways for whole columns, which must give the same. Numbers are those
of the buffer (days, ticks, unscaled decimals), text is `str`, bytes are `bytes`, missing is None.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import decimal
import functools
import math
import re
from typing import TYPE_CHECKING, TypeAlias

from estudio.tables.inference import FALSE_TEXTS, TRUE_TEXTS
from estudio.tables.webproblems import shown
from estudio.tables.webtimes import parse_clock, parse_date, parse_duration, parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable

Physical: TypeAlias = "bool | int | float | str | bytes | None"
CellReader: TypeAlias = "Callable[[object], Physical]"
"""Raises ValueError with words that follow the cell's place and value."""

EXACT = 2**53
"""Up to here a JSON number that was written with a point is surely the whole number it looks like."""
MAX_NUMBER_CHARACTERS = 400
"""Of a number, date or time sent as text; longer ones are data in the wrong place."""
MAX_FLOAT32 = 3.4028235677973366e38
"""The first double that does not round to a finite float32."""
INTEGERS = {
    "int8": (-(2**7), 2**7 - 1), "int16": (-(2**15), 2**15 - 1), "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1), "uint8": (0, 2**8 - 1), "uint16": (0, 2**16 - 1), "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}  # fmt: skip
TRUE = frozenset({*TRUE_TEXTS, "1"})
FALSE = frozenset({*FALSE_TEXTS, "0"})

_WHOLE = re.compile(r"[+-]?\d{1,40}(?:\.0{0,40})?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,5})?", re.ASCII)
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}
_MOMENT = re.compile(r"timestamp\[(s|ms|us|ns)(, tz=.+)?\]")
_CLOCK = re.compile(r"time(?:32|64)\[(s|ms|us|ns)\]")
_DURATION = re.compile(r"duration\[(s|ms|us|ns)\]")
_DECIMAL = re.compile(r"decimal(?:128|256)\((\d+), (-?\d+)\)")


@functools.lru_cache(maxsize=1024)
def cell_reader(type_name: str, *, classic: bool) -> CellReader:
    """How a cell of a column of this type is read.

    Args:
        type_name: of `core.layout`, but not one that says nothing of its values (null, dictionary, large_list).
        classic: an empty text is missing in all columns but those of text and bytes, and text may come as a number or
            a boolean.

    Raises:
        KeyError: no such type.
    """
    if type_name == "large_string":
        return _classic_text if classic else _text
    if type_name == "large_binary":
        return _binary
    read = _reader(type_name)

    def present(value: object) -> Physical:
        if value is None or (classic and isinstance(value, str) and not value.strip()):
            return None
        if isinstance(value, str) and len(value) > MAX_NUMBER_CHARACTERS:
            raise ValueError(f"has {len(value)} characters; a value of this type has at most {MAX_NUMBER_CHARACTERS}")
        return read(value)

    return present


def _reader(type_name: str) -> CellReader:
    if type_name in INTEGERS:
        return functools.partial(_integer, *INTEGERS[type_name])
    if match := _DECIMAL.fullmatch(type_name):
        return functools.partial(_decimal, int(match[1]), int(match[2]))
    for pattern, parse in ((_CLOCK, parse_clock), (_DURATION, parse_duration)):
        if match := pattern.fullmatch(type_name):
            return functools.partial(_of_text, functools.partial(parse, unit=match[1]))
    if match := _MOMENT.fullmatch(type_name):
        return functools.partial(_of_text, functools.partial(parse_moment, unit=match[1], zoned=bool(match[2])))
    return _NAMED[type_name]


def _text(value: object) -> Physical:
    if value is None or isinstance(value, str):
        return value
    hint = f": write {value_text(value)!r} in quotes" if isinstance(value, bool | int | float) else ""
    raise ValueError(f"is no text{hint}")


def _classic_text(value: object) -> Physical:
    return value_text(value) if isinstance(value, bool | int | float) else _text(value)


def value_text(value: float | bool) -> str:
    """A number or boolean as the old system wrote it: `True`, `2`, `0.5`."""
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value)


def _integer(least: int, most: int, value: object) -> Physical:
    number = _whole(value)
    if not least <= number <= most:
        raise ValueError(f"is out of range: the column takes {least} to {most}")
    return number


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        if abs(value) > EXACT:
            raise ValueError("is too large to be exact: send it as a whole number without a point, or as text")
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value.strip().partition(".")[0])
    raise ValueError("is no whole number")


def _float64(value: object) -> Physical:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        text = value.strip()
        if _NUMBER.fullmatch(text):
            number = float(text)
            if math.isinf(number):
                raise ValueError("is out of range: numbers go up to about 1.8e308")
            return number
        special = _NOT_FINITE.get(text.lower().lstrip("+-")) if text[1:2] not in ("+", "-") else None
        if special is not None:
            return -special if text[0] == "-" else special
    raise ValueError("is no number")


def _float32(value: object) -> Physical:
    number = _float64(value)
    if isinstance(number, float) and math.isfinite(number) and abs(number) >= MAX_FLOAT32:
        raise ValueError("is out of range: the column takes numbers up to about 3.4e38")
    return number


def _boolean(value: object) -> Physical:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip() in TRUE | FALSE:
        return value.strip() in TRUE
    if isinstance(value, int | float) and value in (0, 1):
        return value == 1
    raise ValueError("is neither true nor false")


def _of_text(parse: Callable[[str], int], value: object) -> Physical:
    if isinstance(value, str):
        return parse(value.strip())
    raise ValueError("is no text; dates and times are written as text")


def _binary(value: object) -> Physical:
    if value is None:
        return None
    if isinstance(value, str):
        with contextlib.suppress(binascii.Error, ValueError):
            return base64.b64decode(value, validate=True)
    raise ValueError("is no text in Base64, as bytes are written")


def _decimal(precision: int, scale: int, value: object) -> Physical:
    text = value.strip() if isinstance(value, str) else shown(value)
    if not _NUMBER.fullmatch(text):
        raise ValueError("is no number")
    sign, digits, exponent = decimal.Decimal(text).as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - the pattern leaves no other
    number = int("".join(map(str, digits)))
    shift = exponent + scale
    if not number:
        return 0
    unscaled: int
    unscaled, rest = (number * 10 ** min(shift, 100), 0) if shift >= 0 else divmod(number, 10 ** min(-shift, 1_000))
    if rest:
        raise ValueError(f"has more than {max(scale, 0)} digits after the point, which the column does not keep")
    if unscaled >= 10**precision:
        raise ValueError(f"is out of range: the column takes {precision} digits, {scale} of them after the point")
    return -unscaled if sign else unscaled


_NAMED: dict[str, CellReader] = {
    "bool": _boolean,
    "float32": _float32,
    "float64": _float64,
    "date32": functools.partial(_of_text, parse_date),
}
