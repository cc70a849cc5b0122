"""Layout files: one form, versioned, and never in the way of an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.documents.experiment_layout import (
    MAX_COORDINATE,
    ExperimentLayout,
    Position,
    layout_content,
    parse_layout,
    read_layout,
    write_layout,
)
from estudio.errors import InvalidDocument

if TYPE_CHECKING:
    from pathlib import Path

GOLDEN = b"""\
{
  "estudio": 1,
  "modules": {
    "again": {"x": 0.5, "y": -20},
    "rank": {"x": 100, "y": 200}
  }
}
"""


def test_one_form() -> None:
    positions = {"rank": Position(100.0, 200), "again": Position(0.5, -20.001)}
    assert layout_content(positions) == GOLDEN
    assert parse_layout(GOLDEN, "a") == {"rank": Position(100, 200), "again": Position(0.5, -20)}
    assert layout_content({}) == b'{\n  "estudio": 1,\n  "modules": {}\n}\n'


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "a.layout.json"
    empty = read_layout(path)
    assert empty == ExperimentLayout()
    assert write_layout(path, empty, {"rank": Position(1, 2)})
    layout = read_layout(path)
    assert layout.positions == {"rank": Position(1, 2)}
    assert not write_layout(path, layout, layout.positions)
    with pytest.raises(InvalidDocument, match=r"a\.layout\.json exists already"):
        write_layout(path, empty, {"rank": Position(3, 2)})
    path.write_bytes(GOLDEN)
    with pytest.raises(InvalidDocument, match="was changed by somebody else"):
        write_layout(path, layout, {"rank": Position(3, 2)})
    with pytest.raises(InvalidDocument, match="cannot be read"):
        read_layout(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"{",
            "a:1: the layout is no JSON (Expecting property name enclosed in double quotes): mend it, or delete it.",
        ),
        (b"\xff", "a:1: the layout is no JSON in UTF-8: mend it, or delete it."),
        (b"[" * 100_000, "a:1: the layout is no JSON in UTF-8: mend it, or delete it."),
        (b"[]", "a:1: the layout is no object: mend it, or delete it."),
        (b"{}", "a:1: the layout does not say its version: write 'estudio': 1."),
        (b'{"estudio": 2, "x": 1}', "a:1: the layout is of version 2; this estudio reads up to 1: update estudio."),
        (b'{"estudio": 1, "zoom": 2}', "a:1: a layout has no field 'zoom': it has estudio and modules."),
        (b'{"estudio": 1, "modules": []}', "a:1: modules is no object of positions by module."),
    ],
)
def test_broken_layouts(content: bytes, words: str) -> None:
    with pytest.raises(InvalidDocument) as raised:
        parse_layout(content, "a")
    assert raised.value.problems == (words,)


@pytest.mark.parametrize(
    "position", ["3", '{"x": 1}', '{"x": "1", "y": 2}', '{"x": NaN, "y": 2}', '{"x": 1e9, "y": 2}']
)
def test_positions_that_are_none(position: str) -> None:
    with pytest.raises(InvalidDocument) as raised:
        parse_layout(f'{{"estudio": 1, "modules": {{"b": {position}}}}}'.encode(), "a")
    assert raised.value.message == (
        "a:1: the position of 'b' is none: write {'x': 0, 'y': 0} with numbers up to 1000000."
    )


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(10**9), 10**9)


@given(st.dictionaries(st.text(max_size=9).filter(str.isprintable), st.builds(Position, numbers, numbers), max_size=4))
def test_any_positions_come_back_rounded_and_bounded(positions: dict[str, Position]) -> None:
    content = layout_content(positions)
    found = parse_layout(content, "a")
    assert layout_content(found) == content
    assert found.keys() == positions.keys()
    assert all(abs(position.x) <= MAX_COORDINATE for position in found.values())
