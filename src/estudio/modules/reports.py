"""What a guest answered, checked: its tables and pictures out of the frozen result file.

All of it is untrusted: a script can write any report it likes. Whatever does not follow the rules is the author's wrong
result, never our failure.
"""

from __future__ import annotations

import functools
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from estudio.core.layout import parse_table_layout
from estudio.core.outcome import Image, ScriptError, ScriptState
from estudio.errors import InvalidDataset
from estudio.tables.results import table_from_layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.core.layout import TableLayout
    from estudio.tables.table import Table

MAX_IMAGES = 1_000
MIN_IMAGE_BYTES = 33
"""PNG's signature and its first chunk."""
MAX_IMAGE_NAME_BYTES = 200
"""File systems take 255; somebody may add to it."""
MAX_IMAGE_PIXELS_A_SIDE = 100_000
"""PNG allows two thousand million; nothing draws that, and viewers die of it."""
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


REMEMBERED_COLUMNS = 64
"""Of a table whose layout is remembered: a service's calls give the same one again and again."""
REMEMBERED_BYTES = 16_384
REMEMBERED_LAYOUTS = 256


@dataclass(frozen=True, slots=True)
class CheckedReport:
    """The tables and pictures of a call, or why they are not taken."""

    tables: tuple[Table | None, ...] = ()
    images: tuple[Image, ...] = ()
    concatenated: Image | None = None
    error: ScriptError | None = None


def used_bytes(report: dict[str, object], most: int) -> int:
    """How much of the result file the guest says that it wrote, within bounds."""
    used = report.get("used_bytes")
    return min(used, most) if isinstance(used, int) and not isinstance(used, bool) and used > 0 else 0


def check_report(
    report: dict[str, object], result: memoryview, inputs: Sequence[Table | None], state: ScriptState
) -> CheckedReport:
    """Build the tables and pictures that a report describes from a result file that nobody can change any more."""
    images = _images(report.get("images"), result)
    room = len(result) - sum(len(image.png) for image in images)
    concatenated = _image({"name": "all.png", **_object(report.get("concatenated"))}, result, room)
    if state is not ScriptState.FINISHED:
        return CheckedReport((), images, concatenated)
    try:
        tables = _tables(report.get("tables"), result, inputs)
    except InvalidDataset as error:
        message = f"The result cannot be taken: {error.message}"
        return CheckedReport((), images, concatenated, ScriptError("wrong-result", message))
    return CheckedReport(tables, images, concatenated)


def _tables(untrusted: object, result: memoryview, inputs: Sequence[Table | None]) -> tuple[Table | None, ...]:
    if not isinstance(untrusted, list) or not 1 <= len(untrusted) <= 2:
        raise InvalidDataset("the report describes no table.")
    tables: list[Table | None] = []
    for item in untrusted:
        layout = None if item is None else _layout(item, len(result))
        tables.append(None if layout is None else table_from_layout(layout, result, inputs))
    if tables[0] is None:
        raise InvalidDataset("the report describes no first table.")
    return tuple(tables)


def _layout(untrusted: object, file_bytes: int) -> TableLayout:
    columns = untrusted.get("columns") if isinstance(untrusted, dict) else None
    if not isinstance(columns, list) or len(columns) > REMEMBERED_COLUMNS:
        return parse_table_layout(untrusted, file_bytes=file_bytes)
    try:
        written = orjson.dumps(untrusted)
    except orjson.JSONEncodeError:  # it refuses more than other readers: numbers beyond 64 bits, lone surrogates
        return parse_table_layout(untrusted, file_bytes=file_bytes)
    if len(written) > REMEMBERED_BYTES:
        return parse_table_layout(untrusted, file_bytes=file_bytes)
    return _remembered_layout(written, file_bytes)


@functools.lru_cache(REMEMBERED_LAYOUTS)
def _remembered_layout(written: bytes, file_bytes: int) -> TableLayout:
    return parse_table_layout(orjson.loads(written), file_bytes=file_bytes)


def _images(untrusted: object, result: memoryview) -> tuple[Image, ...]:
    """The pictures. Together they are no larger than the file they lie in: else one span was claimed many times."""
    room = len(result)
    found: list[Image] = []
    for item in untrusted[:MAX_IMAGES] if isinstance(untrusted, list) else []:
        image = _image(_object(item), result, room)
        if image is not None:
            room -= len(image.png)
            found.append(image)
    return tuple(found)


def _object(untrusted: object) -> dict[str, object]:
    return untrusted if isinstance(untrusted, dict) else {}


def _image(facts: dict[str, object], result: memoryview, room: int) -> Image | None:
    offset, length, name = facts.get("offset"), facts.get("length"), facts.get("name")
    if not isinstance(offset, int) or not isinstance(length, int) or not isinstance(name, str):
        return None
    if not 0 <= offset <= offset + length <= len(result) or not MIN_IMAGE_BYTES <= length <= room:
        return None
    png = bytes(result[offset : offset + length])
    if png[:8] != _PNG_MAGIC or png[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", png[16:24])
    if not (0 < width <= MAX_IMAGE_PIXELS_A_SIDE and 0 < height <= MAX_IMAGE_PIXELS_A_SIDE):
        return None
    return Image(_safe_name(name), png, width, height)


def _safe_name(name: str) -> str:
    """A relative name of printable characters that climbs nowhere and says what the file is: it may become one."""
    printable = "".join(character for character in name if character.isprintable() and character != "\\")
    parts = [part for part in printable.split("/") if part not in ("", ".", "..")]
    name = "/".join(parts).encode()[-MAX_IMAGE_NAME_BYTES:].decode(errors="ignore").strip("/") or "figure"
    return name if name.lower().endswith(".png") else f"{name}.png"
