"""The part of YAML that documents use: what plain text means, places, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.documents import yaml_tree
from estudio.documents.problems import ProblemList
from estudio.documents.yaml_tree import YamlList, YamlMapping, YamlScalar, parse_yaml, plain_value, read_text, value_of
from estudio.errors import InvalidDocument


def tree_of(text: str) -> YamlMapping:
    problems = ProblemList("x.yaml")
    tree = parse_yaml(read_text(text.encode(), problems), problems)
    assert isinstance(tree, YamlMapping)
    assert problems.found == []
    return tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("FALSE", False), ("0", 0), ("-17", -17), ("+3", 3),
        ("1.5", 1.5), ("1.", 1.0), (".5", 0.5), ("-1e3", -1000.0), ("1E-2", 0.01),
        ("no", "no"), ("on", "on"), ("y", "y"), ("017", "017"), ("0o17", "0o17"), ("0x1F", "0x1F"), ("1_000", "1_000"),
        ("12:30:00", "12:30:00"), ("2024-01-01", "2024-01-01"), (".inf", ".inf"), (".nan", ".nan"), ("=", "="),
        ("1.2.3", "1.2.3"), ("-", "-"), (".", "."), ("e3", "e3"), ("1e", "1e"), ("\u0661", "\u0661"),
    ],
)  # fmt: skip
def test_what_plain_text_means(text: str, value: object) -> None:
    assert plain_value(text) == value
    assert type(plain_value(text)) is type(value)


def test_quoted_text_is_text() -> None:
    assert value_of(tree_of("a: '1'\nb: \"true\"\nc: ''\nd: |\n  1\ne: 1\n")) == {
        "a": "1", "b": "true", "c": "", "d": "1\n", "e": 1
    }  # fmt: skip


def test_names_are_text_whatever_they_look_like() -> None:
    assert value_of(tree_of("1: a\nno: b\n2024-01-01: c\n~: d\n")) == {"1": "a", "no": "b", "2024-01-01": "c", "~": "d"}


def test_places_and_spans() -> None:
    text = "á: 1 # x\nb:\n  - 'é'  \n  - {c: [1, 2]}\n  # end\nd:\n"
    tree = tree_of(text)
    b = tree.entries["b"].value
    assert isinstance(b, YamlList)
    assert [item.place for item in b.items] == [(3, 5), (4, 5)]
    assert text[b.begin : b.end] == "- 'é'  \n  - {c: [1, 2]}"
    assert [text[item.begin : item.end] for item in b.items] == ["'é'", "{c: [1, 2]}"]
    assert not b.flow
    assert isinstance(b.items[1], YamlMapping)
    assert b.items[1].flow
    assert tree.entries["d"].key.place == (6, 1)
    empty = tree.entries["d"].value
    assert (empty.begin, empty.end) == (text.index("d:") + 2, text.index("d:") + 2)


def test_crlf_lines_count_once() -> None:
    tree = tree_of("a: 1\r\nb: 2\r\n")
    assert tree.entries["b"].key.place == (2, 1)
    assert tree.entries["b"].key.begin == 6


@given(st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF), max_size=40))
def test_text_in_double_quotes_comes_back(text: str) -> None:
    import json

    tree = tree_of(f"a: {json.dumps(text)}\n")
    assert value_of(tree) == {"a": text}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            b"\xef\xbb\xbfestudio: 1",
            "1: the document begins with a byte order mark (BOM): save it as plain UTF-8, without BOM.",
        ),
        (b"\xff\xfee\x00", "1: the document is UTF-16: save it as UTF-8."),
        (b"a: 1\nb: caf\xe9\n", "2: the byte 0xe9 is no UTF-8: save the document as UTF-8."),
        (
            b"a: 1\nb: \x00\n",
            "2: the document holds the invisible character U+0000: remove it, or write it in double quotes as \\u0000.",
        ),
        (
            "a: 1\nb: \u2028\n".encode(),
            "2: the document holds the invisible character U+2028: remove it, or write it in double quotes as \\u2028.",
        ),
        (
            b"a: 1\rb: 2",
            (
                "1: the document holds a carriage return without line feed (an old Mac's line end): "
                "end lines with LF or CRLF."
            ),
        ),
    ],
)
def test_bytes_that_are_no_document(content: bytes, expected: str) -> None:
    with pytest.raises(InvalidDocument) as raised:
        read_text(content, ProblemList("x"))
    assert raised.value.problems == (f"x:{expected}",)


def test_the_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_tree, "MAX_DOCUMENT_BYTES", 1024 * 1024)
    with pytest.raises(
        InvalidDocument, match=r"x:1: the document has 2\.0 MiB; at most 1 MiB are allowed: keep tables"
    ):
        read_text(b"a" * 2 * 1024 * 1024, ProblemList("x"))
    monkeypatch.setattr(yaml_tree, "MAX_VALUES", 3)
    with pytest.raises(InvalidDocument, match="x:1: there are more than 3 values"):
        parse_yaml("[1, 2, 3]", ProblemList("x"))


def test_deep_values_end_early() -> None:
    with pytest.raises(InvalidDocument, match="more than 12 deep"):
        parse_yaml("[" * 500_000, ProblemList("x"))


def test_long_names_are_bounded() -> None:
    problems = ProblemList("x")
    parse_yaml(f"? '{'a' * 2000}'\n: 1\n", problems)
    assert [problem.message for problem in problems.found] == [
        "a field's name has 2000 characters; at most 1000 are allowed."
    ]


def test_a_scalar_is_no_mapping() -> None:
    assert isinstance(parse_yaml("a", ProblemList("x")), YamlScalar)
    assert parse_yaml("", ProblemList("x")) is None
