"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from estudio.core.counted_words import counted


@pytest.mark.parametrize(("count", "words"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (12345, "12,345 rows")])
def test_one_is_singular_and_all_else_plural(count: int, words: str) -> None:
    assert counted(count, "row") == words
