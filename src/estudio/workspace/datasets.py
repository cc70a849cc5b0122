"""Datasets: files saved under a name, with a version for each content, kept apart from where they came from.

A file that can be read as a table is read once, when it is added; what is kept beside it is the table.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.core.dataset import Dataset, check_dataset_name
from estudio.errors import DatasetNotFound, InvalidDataset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from estudio.modules.kind_parts import DatasetFile
    from estudio.store.objects import ObjectFolder
    from estudio.store.protocols import DatasetRepository
    from estudio.tables.table import Table

TYPES = {
    ".nh.csv": "GenericCSVNoHeader",
    ".nh.tsv": "GenericTSVNoHeader",
    ".csv": "GenericCSV",
    ".tsv": "GenericTSV",
    ".arff": "ARFF",
    ".xlsx": "ExcelWorkbook",
    ".zip": "Zip",
}
"""The old system's words for formats (DataTypeId); of others, `Dataset`. Longer suffixes stand first."""
OTHER_TYPE = "Dataset"
ZIP_MAGIC = b"PK"


@dataclass(frozen=True, slots=True)
class SavedDatasets:
    """The datasets of one workspace."""

    records: DatasetRepository
    objects: ObjectFolder

    def add(self, file: str | Path, name: str | None = None) -> Dataset:
        """Save a file; a known content of that name is not saved again.

        Args:
            file: a table by its suffix, or a zip.
            name: without one the file's name without its suffix: what ends like a table file is a path in documents.

        Raises:
            InvalidDataset: no such file, no table, or a name that cannot be.
            StoreFailed: it cannot be kept.
        """
        path = Path(file)
        family = path.name[: len(path.name) - len(_suffix(path.name) or "")].rstrip(".") if name is None else name
        check_dataset_name(family)
        kind = type_of(path.name)
        return self.keep(path, family, kind, path.name, None if kind == "Zip" else _read(path))

    def keep(
        self,
        path: Path,
        family: str,
        kind: str,
        file_name: str,
        table: Table | None,
        facts: Mapping[str, str | float | None] | None = None,
    ) -> Dataset:
        """Save a file of a given type with the table that it holds, where it holds one.

        Args:
            path: where the file lies now.
            family: the dataset's name.
            kind: the old system's word for its format.
            file_name: what it is called; its suffix says how it is read again.
            table: what was read from it.
            facts: what else is to be known of it.

        Raises:
            InvalidDataset: the file cannot be read, or a name that cannot be.
            StoreFailed: it cannot be kept.
        """
        check_dataset_name(family)
        original, size = self._keep(path, zipped=kind == "Zip")
        columns = () if table is None else tuple((column.name, column.type) for column in table.schema.columns)
        return self.records.add_dataset(
            Dataset(
                family,
                original,
                None if table is None else self._keep_table(table),
                file_name,
                kind,
                size,
                time.time(),
                None if table is None else table.row_count,
                columns,
                facts=facts or {},
            )
        )

    def list(self) -> tuple[Dataset, ...]:
        """The latest version of each, by name."""
        return tuple(self.records.list_datasets())

    def versions(self, name: str) -> tuple[Dataset, ...]:
        """All versions of one, the latest first."""
        return tuple(self.records.list_datasets(name, all_versions=True))

    def get(self, reference: str) -> Dataset:
        """`NAME`, which is its latest version, or `NAME@VERSION`. Raises DatasetNotFound."""
        return self.records.get_dataset(reference)

    def table(self, reference: str) -> Table:
        """The table of a dataset, mapped from where it is kept. Raises DatasetNotFound, InvalidDataset."""
        from estudio.tables.reading import read_table  # noqa: PLC0415 - needs Arrow

        dataset = self.get(reference)
        if dataset.table is None:
            raise InvalidDataset(f"The dataset {dataset.reference} is a {dataset.type}, no table.", dataset=reference)
        return read_table(self.objects.path_of(dataset.table), format="arrow")

    def remove(self, reference: str) -> tuple[Dataset, ...]:
        """Forget a dataset, or one version of it. Raises DatasetNotFound."""
        return tuple(self.records.remove_dataset(reference))

    def __iter__(self) -> Iterator[Dataset]:
        return iter(self.list())

    def __len__(self) -> int:
        return len(self.list())

    def find_dataset(self, reference: str, *, original: bool) -> DatasetFile:
        """The file of a dataset, for modules. Raises DatasetNotFound."""
        from estudio.modules.kind_parts import DatasetFile  # noqa: PLC0415 - it imports what reads tables

        dataset = self.get(reference)
        if original or dataset.table is None:
            return DatasetFile(self.objects.path_of(dataset.original), dataset.original, _suffix(dataset.file_name))
        return DatasetFile(self.objects.path_of(dataset.table), dataset.table, "arrow")

    def _keep(self, path: Path, *, zipped: bool) -> tuple[str, int]:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if zipped and os.pread(descriptor, len(ZIP_MAGIC), 0) != ZIP_MAGIC:
                    raise InvalidDataset(f"{path} is no zip file, though its name says so.", path=str(path))
                return self.objects.put_descriptor(descriptor), os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
        except OSError as error:
            raise InvalidDataset(f"{path} cannot be read: {error.strerror}.", path=str(path)) from error

    def _keep_table(self, table: Table) -> str:
        from estudio.tables.tablefile import file_of  # noqa: PLC0415 - needs Arrow

        return self.objects.put_descriptor(file_of(table).descriptor)


def type_of(file_name: str) -> str:
    """The old system's word for a file's format."""
    suffix = (_suffix(file_name) or "").removesuffix(".gz")
    return TYPES.get(f".{suffix}", OTHER_TYPE)


def _suffix(file_name: str) -> str | None:
    lowered = file_name.lower()
    stem = lowered.removesuffix(".gz")
    found = next((suffix for suffix in TYPES if stem.endswith(suffix)), Path(stem).suffix)
    return (found + lowered[len(stem) :]).lstrip(".") or None


def _read(path: Path) -> Table:
    from estudio.tables.reading import read_table  # noqa: PLC0415 - needs Arrow

    if not path.exists():
        raise DatasetNotFound(f"There is no file {path}. Check the path.", path=str(path))
    return read_table(path)
