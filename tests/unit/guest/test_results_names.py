"""Unique names, for whatever names a script gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from estudio.guest.results_names import unique

NAMES = st.lists(st.sampled_from(["a", "a (1)", "a (2)", "a (1) (1)", "a_0", "a_1", "a_0_0", "b", ""]), max_size=12)


@given(NAMES, st.sampled_from(["classic", "designer"]))
def test_names_are_unique_and_the_first_of_each_keeps_its_own(names: list[str], calling: str) -> None:
    result: list[str] = unique(names, calling)  # type: ignore[no-untyped-call]
    assert len(set(result)) == len(result) == len(names)
    for place, name in enumerate(names):
        assert result[place].startswith(name)
        assert (result[place] == name) == (name not in names[:place])
