"""The contract of `DatasetRepository`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from estudio.errors import DatasetNotFound, InvalidDataset
from tests.store.records import dataset

if TYPE_CHECKING:
    from estudio.store.protocols import DatasetRepository


def test_the_first_version_comes_back_as_it_was(datasets: DatasetRepository) -> None:
    added = datasets.add_dataset(dataset())
    assert added == replace(dataset(), version=1, is_latest=True)
    assert datasets.get_dataset("diabetes") == datasets.get_dataset("diabetes@1") == added
    assert added.reference == "diabetes@1"


def test_new_content_is_a_new_version(datasets: DatasetRepository) -> None:
    datasets.add_dataset(dataset())
    second = datasets.add_dataset(dataset(original="33" * 32))
    assert (second.version, second.is_latest) == (2, True)
    assert datasets.get_dataset("diabetes") == second
    assert datasets.get_dataset("diabetes@1") == replace(dataset(), version=1, is_latest=False)


def test_the_same_content_is_the_same_version(datasets: DatasetRepository) -> None:
    added = datasets.add_dataset(dataset())
    assert datasets.add_dataset(dataset(file_name="copy.csv", created_at=2000.0, version=9)) == added
    assert datasets.list_datasets(all_versions=True) == [added]


@pytest.mark.parametrize(
    "fields", [{"table": "44" * 32}, {"type": "GenericCSVNoHeader"}, {"facts": {"encoding": "cp1252"}}]
)
def test_another_way_of_reading_is_another_version(datasets: DatasetRepository, fields: dict[str, Any]) -> None:
    datasets.add_dataset(dataset())
    assert datasets.add_dataset(dataset(**fields)).version == 2


def test_content_of_an_earlier_version_is_a_new_one_again(datasets: DatasetRepository) -> None:
    for original in ("11" * 32, "33" * 32, "11" * 32):
        last = datasets.add_dataset(dataset(original=original))
    assert last.version == 3


def test_lists_have_the_latest_of_each_family_or_all(datasets: DatasetRepository) -> None:
    for family, original in (("b", "1"), ("a", "1"), ("b", "2"), ("a", "2")):
        datasets.add_dataset(dataset(family, original * 64))
    datasets.add_dataset(dataset("zip", table=None, row_count=None, columns=()))
    assert [each.reference for each in datasets.list_datasets()] == ["a@2", "b@2", "zip@1"]
    everything = datasets.list_datasets(all_versions=True)
    assert [each.reference for each in everything] == ["a@2", "a@1", "b@2", "b@1", "zip@1"]
    assert [each.is_latest for each in everything] == [True, False, True, False, True]
    assert [each.reference for each in datasets.list_datasets("a")] == ["a@2"]
    assert [each.reference for each in datasets.list_datasets("a", all_versions=True)] == ["a@2", "a@1"]
    assert datasets.list_datasets("c") == []


def test_a_removed_latest_version_makes_the_one_before_the_latest(datasets: DatasetRepository) -> None:
    first = datasets.add_dataset(dataset())
    second = datasets.add_dataset(dataset(original="33" * 32))
    assert datasets.remove_dataset("diabetes@2") == [second]
    assert datasets.get_dataset("diabetes") == first
    assert datasets.add_dataset(dataset(original="33" * 32)).version == 3


def test_a_family_goes_with_all_its_versions_but_its_numbers_stay(datasets: DatasetRepository) -> None:
    datasets.add_dataset(dataset())
    datasets.add_dataset(dataset(original="33" * 32))
    assert [each.version for each in datasets.remove_dataset("diabetes")] == [2, 1]
    assert datasets.list_datasets(all_versions=True) == []
    assert datasets.add_dataset(dataset()).version == 3


@pytest.mark.parametrize("reference", ["missing", "diabetes@2"])
def test_what_is_not_there_is_named(datasets: DatasetRepository, reference: str) -> None:
    datasets.add_dataset(dataset())
    for call in (datasets.get_dataset, datasets.remove_dataset):
        with pytest.raises(DatasetNotFound, match=f"There is no dataset “{reference}”"):
            call(reference)


def test_a_name_that_cannot_be_is_refused(datasets: DatasetRepository) -> None:
    with pytest.raises(InvalidDataset, match="cannot be the name of a dataset"):
        datasets.add_dataset(dataset("a@1"))
    with pytest.raises(InvalidDataset):
        datasets.get_dataset("a/b")
    assert datasets.list_datasets() == []


def test_all_digests_that_datasets_refer_to_are_told(datasets: DatasetRepository) -> None:
    datasets.add_dataset(dataset())
    datasets.add_dataset(dataset("zip", "55" * 32, table=None))
    assert datasets.referenced_digests() == {"11" * 32, "22" * 32, "55" * 32}


def test_many_threads_make_each_version_once(datasets: DatasetRepository) -> None:
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda number: datasets.add_dataset(dataset(original=f"{number:064}")), range(20)))
    assert sorted(each.version for each in added) == list(range(1, 21))
