"""Names and references of datasets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.core.dataset import MAX_NAME_CHARACTERS, check_dataset_name, parse_dataset_reference
from estudio.errors import InvalidDataset


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("diabetes", ("diabetes", None)),
        ("diabetes@3", ("diabetes", 3)),
        ("Adult Census Income (Größe).csv", ("Adult Census Income (Größe).csv", None)),
        ("a" * MAX_NAME_CHARACTERS, ("a" * MAX_NAME_CHARACTERS, None)),
    ],
)
def test_references_are_names_with_versions(text: str, parsed: tuple[str, int | None]) -> None:
    assert parse_dataset_reference(text) == parsed


@pytest.mark.parametrize(
    "text", ["", "@1", "a@", "a@0", "a@x", "a@1@2", "a@-1", "a/b", "a\\b", " a", "a ", "a\nb", "a\0", "a" * 201]
)
def test_other_references_are_refused(text: str) -> None:
    with pytest.raises(InvalidDataset, match="cannot be the name of a dataset"):
        parse_dataset_reference(text)


@given(st.text(max_size=20), st.integers(1, 10**9 - 1))
def test_a_name_that_is_allowed_is_read_back_with_its_version(name: str, version: int) -> None:
    try:
        check_dataset_name(name)
    except InvalidDataset:
        return
    assert parse_dataset_reference(name) == (name, None)
    assert parse_dataset_reference(f"{name}@{version}") == (name, version)
