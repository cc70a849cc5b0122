"""Media types of calls: what a body is said to be, and which of what we can write a caller wants (RFC 9110, 12.5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.errors import InvalidCall
from estudio.tables.webbytes import BodyFormat
from estudio.tables.webproblems import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

JSON = "application/json"
MAX_HEADER_CHARACTERS = 4_096
"""Of a Content-Type or Accept: browsers send some hundred."""
_ALIASES = {
    JSON: JSON, "text/json": JSON, "text/csv": BodyFormat.CSV, "application/csv": BodyFormat.CSV,
    BodyFormat.ARROW: BodyFormat.ARROW, BodyFormat.PARQUET: BodyFormat.PARQUET,
    "application/x-parquet": BodyFormat.PARQUET,
}  # fmt: skip
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
"""The old Python client says UTF8."""


@dataclass(frozen=True, slots=True)
class _Range:
    type: str
    quality: float
    specificity: int


def body_format(content_type: str | None) -> str:
    """`application/json` or a `BodyFormat`, from a Content-Type. None, or an empty one, means JSON.

    Raises:
        InvalidCall: of kind `media-type` for another type, `encoding` for another charset than UTF-8.
    """
    if not content_type or not content_type.strip():
        return JSON
    media, _, parameters = content_type[:MAX_HEADER_CHARACTERS].partition(";")
    media = media.strip().lower()
    known = _ALIASES.get(media) or (JSON if media.startswith("application/") and media.endswith("+json") else None)
    if known is None:
        raise InvalidCall(
            f"The service does not read {shown(media)}. Send {JSON}, {', '.join(BodyFormat)}, "
            "and say so in Content-Type.",
            kind="media-type",
        )
    charset = _parameter(parameters, "charset")
    if known in (JSON, BodyFormat.CSV) and charset and charset.lower() not in _UTF8:
        raise InvalidCall(f"The body's charset is {shown(charset)}; send UTF-8.", kind="encoding")
    return known


def wanted_format(accept: str | None, offered: Sequence[str]) -> str:
    """The offered media type that an Accept header likes best; the first of equals. None or "" takes the first.

    Raises:
        InvalidCall: of kind `not-acceptable`.
    """
    if not accept or not accept.strip():
        return offered[0]
    ranges = [_range(part) for part in accept[:MAX_HEADER_CHARACTERS].split(",") if part.strip()]
    best = max(offered, key=lambda media: _quality(media, ranges))
    if _quality(best, ranges) <= 0:
        raise InvalidCall(
            f"None of what Accept asks for ({shown(accept)}) can be written here. Ask for {', '.join(offered)}.",
            kind="not-acceptable",
        )
    return best


def _quality(media: str, ranges: list[_Range]) -> float:
    """Of the most specific range that matches, as RFC 9110 has it."""
    matching = [each for each in ranges if _matches(each.type, media)]
    return max(matching, key=lambda each: each.specificity).quality if matching else 0.0


def _matches(wanted: str, media: str) -> bool:
    if wanted == "*/*":
        return True
    if wanted.endswith("/*"):
        return media.startswith(wanted[:-1])
    return _ALIASES.get(wanted, wanted) == media


def _range(text: str) -> _Range:
    media, _, parameters = text.partition(";")
    media = media.strip().lower()
    specificity = 0 if media == "*/*" else 1 if media.endswith("/*") else 2
    return _Range(media, _as_quality(_parameter(parameters, "q")), specificity)


def _as_quality(text: str | None) -> float:
    """1 where there is none; 0 for what is no quality, so that nonsense is not preferred."""
    if text is None:
        return 1.0
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if 0.0 <= number <= 1.0 else 0.0


def _parameter(parameters: str, wanted: str) -> str | None:
    for part in parameters.split(";"):
        name, equals, value = part.partition("=")
        if equals and name.strip().lower() == wanted:
            return value.strip().strip('"')
    return None
