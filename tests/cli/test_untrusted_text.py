"""A script's text cannot drive the terminal, however it is cut into chunks."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.cli.untrusted_text import RESET, TerminalText, neutralise_line, neutralise_lines

LEFT = re.compile(r"\x1b\[[0-9;:]*m|[\n\t\r\b]")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def shown(*chunks: bytes) -> str:
    """What a terminal is given."""
    text = TerminalText()
    return "".join([*(text.feed(chunk) for chunk in chunks), text.finish()])


@pytest.mark.parametrize(
    ("printed", "seen"),
    [
        (b"plain \xc3\xb1\n", "plain ñ\n"),
        (b"10%\r20%\b\b\t.", "10%\r20%\b\b\t."),
        (b"\x1b[2J\x1b[H", "^[[2J^[[H"),
        (b"\x1b]0;title\x07", "^[]0;title^G"),
        (b"\x1b]52;c;ZXZpbA==\x1b\\", "^[]52;c;ZXZpbA==^[\\"),
        (b"\x1b[6n", "^[[6n"),
        (b"\xc2\x9b2J", "M-^[2J"),
        (b"\x9b2J", "\ufffd2J"),
        (b"\x00\x7f\x0b\x0c\x0e", "^@^?^K^L^N"),
        (b"\x1b[31mred", f"\x1b[31mred{RESET}"),
        (b"\x1b[31;2Jm", "^[[31;2Jm"),
        (b"\x1b[" + b"1;" * 30 + b"m", "^[[" + "1;" * 30 + "m"),
        (b"ends in \x1b", "ends in ^["),
        (b"ends in \xc3", "ends in \ufffd"),
    ],
)
def test_terminal_text(printed: bytes, seen: str) -> None:
    assert shown(printed) == seen
    assert shown(*(printed[i : i + 1] for i in range(len(printed)))) == seen


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_nothing_but_colours_and_line_work_is_left(chunks: list[bytes]) -> None:
    assert not CONTROL.search(LEFT.sub("", shown(*chunks)))


@given(
    st.lists(st.sampled_from([b"\x1b", b"[", b"3", b"1", b";", b"m", b"J", b"\n", b"\xc2", b"\x9b", b"x"]), max_size=30)
)
def test_chunks_make_no_difference(pieces: list[bytes]) -> None:
    assert shown(*pieces) == shown(b"".join(pieces))


@given(st.text())
def test_a_line_of_ours_is_one_line_without_controls(text: str) -> None:
    assert not CONTROL.search(neutralise_line(text))


def test_lines_of_a_traceback_stay_lines() -> None:
    assert neutralise_lines("a\r\n\tb\x1b[1mc\r\n") == "a\n\tb^[[1mc\n"
