"""The file formats of tables, by suffix. Upper and lower case are the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from estudio.errors import EstudioError, InvalidUsage

if TYPE_CHECKING:
    from pathlib import PurePath


class Format(StrEnum):
    """A file format: the value is its name in the `format` argument."""

    CSV = "csv"
    TSV = "tsv"
    HEADERLESS_CSV = "nh.csv"
    HEADERLESS_TSV = "nh.tsv"
    ARFF = "arff"
    PARQUET = "parquet"
    ARROW = "arrow"
    JSON_LINES = "jsonl"
    XLSX = "xlsx"


SUFFIXES = {
    ".nh.csv": Format.HEADERLESS_CSV, ".nh.tsv": Format.HEADERLESS_TSV, ".csv": Format.CSV, ".tsv": Format.TSV,
    ".arff": Format.ARFF, ".parquet": Format.PARQUET, ".arrow": Format.ARROW, ".feather": Format.ARROW,
    ".ipc": Format.ARROW, ".jsonl": Format.JSON_LINES, ".ndjson": Format.JSON_LINES, ".xlsx": Format.XLSX,
}  # fmt: skip
"""Longer suffixes stand before those that they end with."""
GZIP = ".gz"
TEXT_FORMATS = frozenset({
    Format.CSV, Format.TSV, Format.HEADERLESS_CSV, Format.HEADERLESS_TSV, Format.ARFF, Format.JSON_LINES,
})  # fmt: skip
"""Those that may have `.gz` after their suffix."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a file name or a `format` argument says."""

    format: Format
    gzip: bool = False


def file_kind(path: PurePath, given: str | None, refuse: type[EstudioError]) -> FileKind:
    """The format that is asked for, or else the one that the file's suffix says.

    Args:
        path: only its name is looked at.
        given: a suffix with or without its dot, such as `csv` or `jsonl.gz`.
        refuse: the error to raise for a suffix that is unknown.

    Raises:
        InvalidUsage: `given` is no format.
    """
    kind = _kind(f".{given.lstrip('.')}" if given else path.name)
    if kind is not None:
        return kind
    known = ", ".join(SUFFIXES)
    if given:
        raise InvalidUsage(f"{given!r} is no format of a table. The formats are: {known}.", format=given)
    raise refuse(
        f"{path} has no suffix of a table file. The known ones are: {known}; the text formats also with {GZIP}.",
        path=str(path),
    )


def _kind(name: str) -> FileKind | None:
    lowered = name.lower()
    gzip = lowered.endswith(GZIP)
    stem = lowered.removesuffix(GZIP)
    found = next((format_ for suffix, format_ in SUFFIXES.items() if stem.endswith(suffix)), None)
    return None if found is None or (gzip and found not in TEXT_FORMATS) else FileKind(found, gzip)
