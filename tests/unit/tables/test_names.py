from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from estudio.tables.names import header_names, numbered_names, unique_names

NAMES = st.lists(st.sampled_from(["a", "b", "a (1)", "a (2)", "a (1) (1)", ""]) | st.text(max_size=3))


def test_duplicates_are_numbered_without_colliding() -> None:
    assert unique_names(["a", "a", "a (1)", "a"]) == ("a", "a (2)", "a (1)", "a (3)")


@given(NAMES)
def test_names_are_unique_in_order_and_firsts_are_kept(names: list[str]) -> None:
    result = unique_names(names)
    assert len(set(result)) == len(result) == len(names)
    seen: set[str] = set()
    for before, after in zip(names, result, strict=True):
        assert after == before if before not in seen else after.startswith(f"{before} (")
        seen.add(before)
    assert unique_names(result) == result


def test_many_equal_names_take_linear_time() -> None:
    assert unique_names(["x"] * 100_000)[-1] == "x (99999)"


def test_empty_header_cells_get_the_number_of_their_column() -> None:
    assert header_names(["a", "", None, "a", "Col2"]) == ("a", "Col2", "Col3", "a (1)", "Col2 (1)")
    assert numbered_names(2) == ("Col1", "Col2")
