"""Which versions of a dataset a reference means, and what is said when there are none; shared by all repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.errors import DatasetNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.core.dataset import Dataset


def chosen_datasets(versions: Sequence[Dataset], version: int | None) -> list[Dataset]:
    """All versions, or the one of that number."""
    return [dataset for dataset in versions if version is None or dataset.version == version]


def dataset_missing(reference: str) -> DatasetNotFound:
    """The error for a reference without a dataset."""
    return DatasetNotFound(
        f"There is no dataset “{reference}”. `estudio dataset list` shows all; NAME@VERSION means one version.",
        reference=reference,
    )
