"""Datasets in the database. Versions are counted by their family, which outlives them: no number comes twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from estudio.core.dataset import check_dataset_name, parse_dataset_reference
from estudio.store import rows, tables
from estudio.store.dataset_rules import chosen_datasets, dataset_missing
from estudio.store.failures import readable_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from estudio.core.dataset import Dataset
    from estudio.store.connections import Connections


class DatasetDatabase:
    """The `DatasetRepository` over SQLite."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def add_dataset(self, dataset: Dataset) -> Dataset:
        """Add it as the next version of its family; the latest version itself where that has the same content."""
        check_dataset_name(dataset.family)
        with self._connections.writing() as connection:
            latest = next(iter(self._versions(connection, dataset.family)), None)
            if latest is not None and latest.has_content_of(dataset):
                return latest
            version = connection.execute(tables.count_version, {"family": dataset.family}).scalar_one()
            added = replace(dataset, version=version, is_latest=True)
            connection.execute(tables.insert_dataset, rows.dataset_row(added))
            return added

    def list_datasets(self, family: str | None = None, *, all_versions: bool = False) -> list[Dataset]:
        """The latest version of each family, or all versions, by name and then from the latest to the first."""
        with self._connections.reading() as connection:
            found = self._versions(connection, family)
        return [dataset for dataset in found if all_versions or dataset.is_latest]

    def get_dataset(self, reference: str) -> Dataset:
        """The dataset of `NAME` (its latest version) or `NAME@VERSION`. Raises DatasetNotFound, InvalidDataset."""
        family, version = parse_dataset_reference(reference)
        with self._connections.reading() as connection:
            found = chosen_datasets(self._versions(connection, family), version)
        if not found:
            raise dataset_missing(reference)
        return found[0]

    def remove_dataset(self, reference: str) -> list[Dataset]:
        """Forget all versions (`NAME`) or one (`NAME@VERSION`); returns them. Raises DatasetNotFound."""
        family, version = parse_dataset_reference(reference)
        with self._connections.writing() as connection:
            found = chosen_datasets(self._versions(connection, family), version)
            if not found:
                raise dataset_missing(reference)
            removed = [{"of": dataset.family, "version_number": dataset.version} for dataset in found]
            connection.execute(tables.delete_dataset, removed)
            return found

    def referenced_digests(self) -> set[str]:
        """Digests of all objects that datasets refer to."""
        with self._connections.reading() as connection:
            return set(connection.execute(tables.digests_of_datasets).scalars())

    def _versions(self, connection: Connection, family: str | None) -> list[Dataset]:
        """Versions of one family or of all, by name and then from the latest to the first."""
        statement = tables.datasets_of_all if family is None else tables.datasets_of_one
        found = connection.execute(statement, {"of": family}).all()
        with readable_rows(self._connections.path):
            return [
                rows.dataset_of(row, is_latest=index == 0 or found[index - 1][0] != row[0])
                for index, row in enumerate(found)
            ]
