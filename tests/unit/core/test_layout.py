from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.core.calling import MAX_TABLES
from estudio.core.layout import (
    MAX_COLUMNS,
    MAX_ROWS,
    BufferSpan,
    ColumnLayout,
    TableLayout,
    parse_table_layout,
    value_bits,
)
from estudio.errors import InvalidDataset

HONEST: dict[str, Any] = {
    "rows": 2,
    "columns": [
        {"name": "i", "type": "int64", "rows": 2, "missing": 0, "buffers": [None, [0, 16]], "children": []},
        {
            "name": "c",
            "type": "dictionary",
            "rows": 2,
            "missing": 1,
            "buffers": [[64, 1], [128, 8]],
            "children": [
                {
                    "name": "",
                    "type": "large_string",
                    "rows": 1,
                    "missing": 0,
                    "buffers": [None, [192, 16], [256, 3]],
                    "children": [],
                }
            ],
        },
        {"name": "same", "same": [1, 7]},
    ],
}


def test_a_sound_layout_is_taken_and_said_again() -> None:
    layout = parse_table_layout(HONEST, file_bytes=300)
    child = ColumnLayout("", "large_string", 1, 0, (None, BufferSpan(192, 16), BufferSpan(256, 3)))
    assert layout == TableLayout(
        2,
        (
            ColumnLayout("i", "int64", 2, 0, (None, BufferSpan(0, 16))),
            ColumnLayout("c", "dictionary", 2, 1, (BufferSpan(64, 1), BufferSpan(128, 8)), (child,)),
            ColumnLayout("same", "", 2, same_as=(1, 7)),
        ),
    )
    assert layout.to_json() == HONEST


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("rows",), -1, "a number out of its range"),
        (("rows",), True, "a number out of its range"),
        (("rows",), 2.0, "a number out of its range"),
        (("rows",), MAX_ROWS + 1, "a number out of its range"),
        (("rows",), 3, "columns of different lengths"),
        (("extra",), 1, "wrong fields"),
        (("columns",), {}, "no list of columns"),
        (("columns", 0), [], "wrong fields"),
        (("columns", 0, "extra"), 1, "wrong fields"),
        (("columns", 0, "name"), "c", "two columns of one name"),
        (("columns", 0, "name"), 1, "a column name of more than"),
        (("columns", 0, "name"), "x" * 5000, "a column name of more than"),
        (("columns", 0, "name"), "\ud800", "not Unicode text"),
        (("columns", 0, "type"), None, "a type that is no text"),
        (("columns", 0, "type"), "struct", "the type 'struct'"),
        (("columns", 0, "type"), "decimal128(39, 0)", "the type"),
        (("columns", 0, "type"), "decimal128(\u0663, 0)", "the type"),
        (("columns", 0, "type"), "timestamp[ns, tz=UTC\n]", "the type"),
        (("columns", 0, "type"), "int64\n", "the type"),
        (("columns", 0, "type"), "large_string", "a wrong number of buffers"),
        (("columns", 0, "missing"), 3, "a number out of its range"),
        (("columns", 0, "buffers"), [None], "a wrong number of buffers"),
        (("columns", 0, "buffers"), [None] * 4, "no short list"),
        (("columns", 0, "buffers", 1), [290, 16], "a buffer outside the file"),
        (("columns", 0, "buffers", 1), [-8, 16], "a number out of its range"),
        (("columns", 0, "buffers", 1), [0, 2**70], "a number out of its range"),
        (("columns", 0, "buffers", 1), [0], "no pair of numbers"),
        (("columns", 0, "children"), None, "children that are no list"),
        (("columns", 1, "children"), [], "a wrong number of buffers"),
        (("columns", 1, "children", 0, "type"), "large_list", "the type 'large_list'"),
        (("columns", 1, "children", 0, "rows"), 2**50, "a number out of its range"),
        (("columns", 2, "same"), [MAX_TABLES, 0], "a number out of its range"),
        (("columns", 2, "same"), [0, MAX_COLUMNS + 1], "a number out of its range"),
        (("columns", 2, "type"), "int64", "wrong fields"),
    ],
)
def test_what_is_refused(path: tuple[Any, ...], value: Any, words: str) -> None:
    lying: Any = copy.deepcopy(HONEST)
    inner = lying
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(InvalidDataset, match=words):
        parse_table_layout(lying, file_bytes=300)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["rows", "columns", "name"]), inner),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_a_layout_or_refused(untrusted: Any) -> None:
    try:
        layout = parse_table_layout(untrusted, file_bytes=100)
    except InvalidDataset:
        return
    assert isinstance(layout, TableLayout)


def test_widths() -> None:
    assert [value_bits(name) for name in ("bool", "int8", "timestamp[ns, tz=Europe/Madrid]", "decimal256(76, -3)")] == [
        1, 8, 64, 256,
    ]  # fmt: skip
    assert [value_bits(name) for name in ("null", "large_string", "dictionary", "time32[ns]", "")] == [None] * 5
