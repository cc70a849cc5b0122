"""A dataset: a file that was saved under a name, with a version for each content it ever had.

A version is never changed and its number never given again; "the dataset" without a number means its latest version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from estudio.errors import InvalidDataset

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_NAME_CHARACTERS = 200
"""Longer than any name of the old system's sample datasets, short enough for one line."""
_NAME = re.compile(r"[^@/\\\x00-\x1f\x7f]+")
_VERSIONED = re.compile(r"(.*)@([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Dataset:
    """One version of a family of datasets.

    Attributes:
        family: the name that all versions share.
        original: the digest of the file as it was added.
        table: the digest of the canonical table, None for what is no table (a zip).
        file_name: the name of the original file, without its folder.
        type: the old system's word for the format: GenericCSV, GenericTSVNoHeader, ARFF, Zip, Dataset ….
        size_bytes: of the original file.
        row_count: of the table.
        columns: names and types of the table.
        created_at: seconds since the epoch.
        version: counted from 1; 0 before it is added.
        is_latest: whether no higher version is there.
        facts: how the file was read (column types that were asked for, encoding): part of what it is.
    """

    family: str
    original: str
    table: str | None
    file_name: str
    type: str
    size_bytes: int
    created_at: float
    row_count: int | None = None
    columns: tuple[tuple[str, str], ...] = ()
    version: int = 0
    is_latest: bool = False
    facts: Mapping[str, str | float | None] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """`FAMILY@VERSION`, as `parse_dataset_reference` reads it."""
        return f"{self.family}@{self.version}"

    def has_content_of(self, other: Dataset) -> bool:
        """Whether both are the same file, read in the same way into the same table."""
        return (self.original, self.table, self.type, dict(self.facts)) == (
            other.original,
            other.table,
            other.type,
            dict(other.facts),
        )


def check_dataset_name(name: str) -> None:
    """Raise InvalidDataset unless a family may have this name: `@` would be read as a version, `/` as a path."""
    if len(name) > MAX_NAME_CHARACTERS or name != name.strip() or not _NAME.fullmatch(name):
        raise InvalidDataset(
            f"“{name[:MAX_NAME_CHARACTERS]}” cannot be the name of a dataset: a name has 1 to {MAX_NAME_CHARACTERS} "
            "characters, none of them @, / or \\, and neither begins nor ends with a blank. Choose another one.",
            name=name,
        )


def parse_dataset_reference(text: str) -> tuple[str, int | None]:
    """`NAME` or `NAME@VERSION` as (name, version); the version is None for the latest. Raises InvalidDataset."""
    versioned = _VERSIONED.fullmatch(text)
    name, version = (versioned[1], int(versioned[2])) if versioned else (text, None)
    check_dataset_name(name)
    return name, version
