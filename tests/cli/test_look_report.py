"""A look and a comparison on a terminal: whole texts as golden files, and what is hostile, narrow or wide."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from rich.cells import cell_len
from rich.console import Console, RenderableType

from estudio.cli.comparison_report import comparison_parts
from estudio.cli.figure_words import bars, count_words, number_words, rough_words, share_words, value_words
from estudio.cli.look_report import MAX_LISTED_COLUMNS, look_parts
from estudio.core.outcome import Image, Visualization
from estudio.core.statistics import Figure
from estudio.tables.comparison import compare_tables
from estudio.tables.reading import read_table
from estudio.tables.table import Table
from estudio.workspace.looks import look_at_table, look_at_visualization
from tests.cli.golden_files import same_as_golden
from tests.unit.tables.arrowtables import arrow_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

PIMA = next((Path(__file__).parents[2] / "examples").rglob("pima-indians-diabetes.csv"))


def printed(parts: Sequence[RenderableType], width: int = 100, *, colour: bool = False) -> str:
    """What a terminal of that width gets, without spaces at line ends."""
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, markup=False, highlight=False, emoji=False,
        color_system="standard" if colour else None, force_terminal=colour,
    )  # fmt: skip
    for part in parts:
        console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def mixed() -> Table:
    """A table with a column of every kind."""
    moments = pd.date_range("2020-01-01", periods=6, freq="D")
    return Table.from_pandas(
        pd.DataFrame(
            {
                "number": [1.0, 2.0, np.nan, np.inf, 3.5, 2.0],
                "whole": [1, 2, 3, 4, 5, 10**12],
                "text": ["a", "b", "a", "", None, "a long text that goes on and on"],
                "flag": [True, False, True, True, True, False],
                "when": moments,
                "span": moments - moments[0],
                "nothing": [None] * 6,
                "bytes": [b"x", b"yz", None, b"", b"x", b"x"],
            }
        )
    )


@pytest.mark.parametrize("width", [60, 100, 160])
def test_a_table_on_a_terminal(width: int) -> None:
    text = printed(look_parts(look_at_table(read_table(PIMA), "diabetes"), width), width)
    assert max(map(cell_len, text.splitlines())) <= width
    same_as_golden(f"look-pima-{width}.txt", (text, ""))


def test_columns_of_every_kind_on_a_terminal() -> None:
    same_as_golden("look-mixed.txt", (printed(look_parts(look_at_table(mixed(), "mixed"), 160), 160), ""))


def test_plain_text_where_only_ascii_can_be_shown() -> None:
    look = look_at_table(mixed(), "mixed")
    assert look.statistics is not None
    columns = tuple(
        replace(column, name=f"c{number}", approximate=frozenset({Figure.UNIQUE}))
        for number, column in enumerate(look.statistics.columns * 20)
    )
    text = printed(
        look_parts(replace(look, statistics=replace(look.statistics, columns=columns), preview=None), 160, plain=True),
        160,
    )
    ours = "".join(char for char in text if char != "─")
    assert ours.isascii()
    assert "... 110 more columns" in ours
    assert "~ and histograms of large columns are estimates" in ours


def test_many_columns_are_bounded() -> None:
    wide = Table.from_arrow(pa.table({f"c{number}": [number] for number in range(MAX_LISTED_COLUMNS + 37)}))
    text = printed(look_parts(look_at_table(wide, "wide"), 160), 160)
    assert "wide: 1 row, 87 columns" in text
    assert "… 37 more columns" in text
    assert "\nc49 " in text
    assert "\nc50 " not in text


def test_nothing_from_a_table_drives_the_terminal() -> None:
    bad = "\x1b]0;owned\x07[bold]\u202etxt\u200b\r\n\x9b31m"
    table = Table.from_arrow(pa.table({bad: [bad, bad], "x": [1, 2]}))
    for colour in (False, True):
        text = printed(look_parts(look_at_table(table, bad), 200), 200, colour=colour)
        without_ours = text.replace("\x1b[", "") if colour else text
        assert not any(char in without_ours for char in "\x1b\x07\x9b\r\u202e\u200b")
        assert "^[]0;owned^G[bold]<U+" in text
    log = printed(look_parts(look_at_visualization(Visualization(bad), bad), 80), 80)
    assert "\x1b" not in log
    found = compare_tables(table, Table.from_arrow(pa.table({bad: [bad, "y"]})))
    assert "\x1b" not in printed(comparison_parts(found, bad))


def test_a_visualization_on_a_terminal() -> None:
    look = look_at_visualization(Visualization("one\ntwo\n", (Image("p.png", b"", 640, 480),)), "rank.visualization")
    assert printed(look_parts(look, 80)) == "rank.visualization\none\ntwo\np.png: 640 x 480\n"
    nothing = look_parts(look_at_visualization(Visualization(), "rank"), 80)
    assert printed(nothing) == "rank\nnothing was printed and nothing drawn\n"
    long = look_parts(look_at_visualization(Visualization("x\n" * 1_001), "rank"), 80)
    assert printed(long).endswith("x\nand 1 more line\n")


def test_an_empty_table_on_a_terminal() -> None:
    assert printed(look_parts(look_at_table(Table.empty(), "empty"), 80)) == "empty: 0 rows, 0 columns\n"


@settings(max_examples=30)
@given(arrow_tables())
def test_every_table_fits(arrow: pa.Table) -> None:
    text = printed(look_parts(look_at_table(Table.from_arrow(arrow), "any"), 80), 80)
    assert max(map(cell_len, text.splitlines())) <= 80


def test_comparisons_on_a_terminal() -> None:
    random = np.random.default_rng(1)
    before = pd.DataFrame(
        {"x": random.standard_normal(500), "y": random.integers(0, 9, 500), "t": list("abcde") * 100, "gone": 1, "k": 1}
    )
    after = before.drop(columns="gone").assign(x=before["x"] + 0.5, y=before["y"].astype(float), new="x").iloc[5:]
    after.loc[100:120, "t"] = None
    tables = [
        Table.from_pandas(each) for each in (before, after, before.iloc[::-1], before[["k", "x", "y", "t", "gone"]])
    ]
    pairs = [compare_tables(tables[0], other) for other in (tables[1], tables[0], tables[2], tables[3])]
    text = "".join(printed(comparison_parts(found, "rank.results"), 120) for found in pairs)
    same_as_golden("comparison.txt", (text, ""))
    assert all(
        char == "─" for char in "".join(printed(comparison_parts(pairs[0], "x", plain=True), 120)) if not char.isascii()
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (number_words(123456789), "123,456,789"),
        (number_words(2**63), "9.223e+18"),
        (number_words(1.0), "1"),
        (number_words(0.000012345), "1.234e-05"),
        (number_words(-math.inf), "-inf"),
        (count_words(1234567, approximate=True), "≈1,230,000"),
        (count_words(None), "-"),
        (share_words(1, 1000), "<1 %"),
        (share_words(999, 1000), ">99 %"),
        (share_words(1, 2), "50 %"),
        (share_words(0, 0), "-"),
        (value_words("2020-01-01 00:00:01.000000001"), "2020-01-01 00:00:01"),
        (value_words(""), '""'),
        (value_words("x" * 30), "x" * 19 + "…"),
        (rough_words("2020-01-01 10:20:30.5"), "2020-01-01 10:20"),
        (rough_words("3340 days 10:05:28.3"), "3340 days"),
        (rough_words("0 days 10:05:28.3"), "0 days 10:05:28"),
        (bars((0, 1, 50, 100)), " ▁▄█"),
        (bars((0, 1, 50, 100), plain=True), " .=#"),
        (bars((5,)), "█"),
    ],
)  # fmt: skip
def test_figures_in_words(words: Any, expected: str) -> None:
    assert words == expected
