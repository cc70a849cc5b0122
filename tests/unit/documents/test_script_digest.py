"""A script's normal form: the same for the same program, another one for another."""

from __future__ import annotations

import sys
import threading
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.documents.script_digest import script_digest_text
from estudio.documents.script_text import read_script_text, words_of


def digest(source: str) -> bytes:
    return script_digest_text(source.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1  # one\n", "# two\n\nx=1"),
        ("def f(a,b):\n  return a", "def f(a, b):\n        return (a)\n"),
        ("x = 'a'", 'x = "a"'),
        ("x = 1\n", "x = 1\r\n"),
        ("x = 1\n", "\ufeffx = 1\n"),
        ("print 'x' # one\n\ny = 1  \n", "print 'x'\ny = 1"),
        ("print 'x'\nif a:\n    # one\n\n    y\n", "print 'x'\nif a:\n    y\n"),
    ],
)
def test_comments_and_formatting_do_not_matter(one: str, other: str) -> None:
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 2"), ("x = 1", "x = 1.0"), ("x = 1", "x = True"), ("x = 0.0", "x = -0.0"),
        ("x = 'a'", "x = b'a'"),
        ("x = None", "x = ..."), ("x = [None]", "x = [1]"), ("return_ = None", "return_ = ''"),
        ("def f(): 'one'", "def f(): 'two'"), ("def f(*, a=None, b): 0", "def f(*, a, b=None): 0"),
        ("x = [a, [b]]", "x = [[a], b]"), ("{**a}", "{a: a}"), ("async def f(): 0", "def f(): 0"),
        ("x = f'{a!r}'", "x = f'{a!s}'"), ("x = 'a'", "x = u'a'"), ("global a", "global b"), ("a < b", "a <= b"),
        ("x = 'Name(id=1)'", "x = Name(id=1)"), ("x = \"', '\"", "x = '', ''"),
        ("print 'x'", "print 'y'"), ("print '# x'", "print '# y'"),
        ("print 'x'\nif a:\n  b\nc", "print 'x'\nif a:\n  b\n  c"),
        ("print '''a\n\nb'''", "print '''a\nb'''"),
    ],
)  # fmt: skip
def test_everything_else_does(one: str, other: str) -> None:
    assert digest(one) != digest(other)


def test_the_coding_matters_where_it_is_another() -> None:
    latin = script_digest_text(b"# coding: latin-1\nx = '\xe9'\n")
    assert latin != script_digest_text("x = 'é'\n".encode())
    assert latin == script_digest_text(b"# -*- coding: iso-8859-1 -*-\n\nx = '\xe9'\n")


def test_deep_and_long_programs() -> None:
    assert digest("x = " + " + ".join(["a"] * 3000)) != digest("x = " + " + ".join(["a"] * 3001))
    assert digest("x = 0x" + "f" * 20_000) != digest("x = 0x" + "f" * 20_001)


def test_it_does_not_depend_on_the_stack() -> None:
    source = "x = " + "".join(f"a{number}(" for number in range(80)) + ")" * 80
    here = digest(source)

    def deeper(depth: int) -> bytes:
        return digest(source) if depth == 0 else deeper(depth - 1)

    assert deeper(sys.getrecursionlimit() - 300) == here


def test_warnings_of_scripts_stay_with_their_interpreter() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        digest("x = '\\d'\nassert (1, 2)\n")
    assert seen == []


def test_threads_share_it() -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(digest("x = '\\d'" * 50))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@given(st.text(max_size=200))
def test_words_are_the_text(text: str) -> None:
    assert "".join(word.text for word in words_of(text)) == text


@given(st.binary(max_size=300))
def test_any_bytes_have_a_digest(content: bytes) -> None:
    assert script_digest_text(content) == script_digest_text(content)
    assert "\r" not in read_script_text(content)[0]
