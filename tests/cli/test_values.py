"""Sizes, seconds, seeds and paths as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.cli.values import parse_path, parse_seconds, parse_seed, parse_size, size_words


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("300000", 300_000),
        ("512M", 512 * 1024**2),
        ("512m", 512 * 1024**2),
        ("512MB", 512 * 1024**2),
        ("2G", 2 * 1024**3),
        ("1.5GiB", 3 * 1024**3 // 2),
        (" 4 KiB ", 4096),
        ("100B", 100),
        ("1T", 1024**4),
    ],
)
def test_size(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "G", "-1G", "0", "0.1", "1.G", "1e9", "2X", "1 2", "1GG", "9999999T", "1" * 5000, "٣", "inf", "nan"]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r"512M|4 EiB"):
        parse_size(text)


@given(st.integers(1, 2**40))
def test_every_number_of_bytes_is_a_size(size: int) -> None:
    assert parse_size(str(size)) == size


@given(st.text(max_size=60))
def test_any_text_is_a_size_or_refused(text: str) -> None:
    try:
        size = parse_size(text)
    except ValueError:
        return
    assert 0 < size < 2**62


@pytest.mark.parametrize(("text", "seconds"), [("30", 30.0), ("0.5", 0.5), ("1e2", 100.0)])
def test_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "inf", "nan", "30s", "1" * 400])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="positive number of seconds"):
        parse_seconds(text)


@pytest.mark.parametrize(("text", "seed"), [("0", 0), ("42", 42), ("4294967295", 2**32 - 1)])
def test_seed(text: str, seed: int) -> None:
    assert parse_seed(text) == seed


@pytest.mark.parametrize("text", ["", "-1", "4294967296", "1.0", "²", "9" * 5000])
def test_what_is_no_seed(text: str) -> None:
    with pytest.raises(ValueError, match="whole number from 0 to 4294967295"):
        parse_seed(text)


def test_path() -> None:
    assert parse_path("a b/ñ.csv") == Path("a b/ñ.csv")
    for text in ("", "a\0b"):
        with pytest.raises(ValueError, match="give the name of a file"):
            parse_path(text)


@pytest.mark.parametrize(
    ("size", "words"), [(300, "300 bytes"), (1024, "1 KiB"), (3 * 1024**3 // 2, "1.5 GiB"), (812_345_678, "774.7 MiB")]
)
def test_size_words(size: int, words: str) -> None:
    assert size_words(size) == words
