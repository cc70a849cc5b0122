"""Arguments and return values of azureml_main."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from .calls import run

ONE, TWO = pa.table({"one": [1]}), pa.table({"two": [2]})
SHOW = "print([None if x is None else list(x)[0] for x in {}])\n    return None"


def given(signature: str, names: str, *inputs: Any, calling: str) -> tuple[str, str]:
    """Return (the arguments as the script saw them, the notes)."""
    result = run(f"def azureml_main({signature}):\n    {SHOW.format(names)}", *inputs, calling=calling)
    assert result.report["state"] == "finished", result.report
    first, _, rest = result.log.partition("\n")
    return (rest.split("\n")[0], first) if first.startswith("estudio") else (first, "")


@pytest.mark.parametrize(
    ("calling", "signature", "names", "inputs", "expected"),
    [
        ("classic", "a, b", "[a, b]", (ONE, TWO), "['one', 'two']"),
        ("classic", "a, b", "[a, b]", (None, TWO), "['two', None]"),
        ("classic", "a, b", "[a, b]", (None, None), "[None, None]"),
        ("classic", "a=None, b=None", "[a, b]", (None, TWO), "['two', None]"),
        ("classic", "a", "[a]", (ONE, TWO), "['one']"),
        ("classic", "", "[]", (ONE, None), "[]"),
        ("classic", "a, b, c", "[a, b, c]", (ONE, TWO), "['one', 'two', None]"),
        ("classic", "a, b, c=(3,)", "[a, b, c]", (ONE, TWO), "['one', 'two', 3]"),
        ("classic", "*frames", "frames", (None, TWO), "['two']"),
        ("classic", "a, *frames", "(a,) + frames", (ONE, TWO), "['one', 'two']"),
        ("designer", "a, b", "[a, b]", (None, TWO), "[None, 'two']"),
        ("designer", "a=5, b=6", "[a, b]", (ONE, None), "['one', None]"),
        ("designer", "a", "[a]", (None, TWO), "[None]"),
        ("designer", "*frames", "frames", (None, TWO), "[None, 'two']"),
    ],
)
def test_arguments(calling: str, signature: str, names: str, inputs: tuple[Any, Any], expected: str) -> None:
    assert given(signature, names, *inputs, calling=calling)[0] == expected


def test_a_table_that_is_not_passed_is_noted() -> None:
    assert given("a", "[a]", ONE, TWO, calling="classic")[1] == (
        "estudio: azureml_main takes one table; the second connected table is not passed"
    )
    assert "the connected tables are not passed" in given("", "[]", ONE, TWO, calling="classic")[1]
    assert given("a, b", "[a, b]", ONE, TWO, calling="classic")[1] == ""


@pytest.mark.parametrize(
    "definition",
    [
        "azureml_main = lambda df: df",
        "class Main:\n    def __call__(self, df):\n        return df\nazureml_main = Main()",
        "class Main:\n    def run(self, df):\n        return df\nazureml_main = Main().run",
        "def azureml_main(a, b):\n    return 5\ndef azureml_main(df):\n    return df",
        "import functools\ndef f(x, df):\n    return df\nazureml_main = functools.partial(f, 1)",
        "def azureml_main(df):\n    return helper(df)\ndef helper(df):\n    return df",
    ],
)
def test_callables(definition: str, any_python: str) -> None:
    result = run(definition, ONE, TWO, python=any_python)
    if "partial" in definition and result.report["state"] == "failed":  # on 2.7 it does not say what it takes
        assert "takes exactly 2 arguments" in result.error["message"]
        return
    assert result.table.to_pydict() == {"one": [1]}


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ("x = 1", "no-entry-point", "defines no function azureml_main"),
        ("azureml_main = 5", "no-entry-point", "int"),
        ("async def azureml_main(a):\n    return a", "wrong-result", "async"),
        ("def azureml_main(a):\n    yield a", "wrong-result", "generator"),
        ("def azureml_main(*, a):\n    return a", "script-raised", "keyword-only"),
        ("def azureml_main(a):\n    return ()", "wrong-result", "empty tuple"),
        ("def azureml_main(a):\n    return {1}", "wrong-result", "set"),
        ("def azureml_main(a):\n    return [[1]]", "wrong-result", "list"),
        ("def azureml_main(a):\n    return {'a': 1}", "wrong-result", "dict"),
        ("import numpy\ndef azureml_main(a):\n    return numpy.zeros((2, 2, 2))", "wrong-result", "3 dimensions"),
        ("def azureml_main(a):\n    return a.groupby('one')", "wrong-result", "DataFrameGroupBy"),
        ("def azureml_main(a):\n    return object()", "wrong-result", "object"),
    ],
)
def test_the_authors_errors(script: str, code: str, words: str) -> None:
    result = run(script, ONE)
    assert result.report["state"] == "failed"
    assert result.error["code"] == code
    assert words in result.error["message"]


@pytest.mark.parametrize(
    ("value", "tables"),
    [
        ("df", [{"one": [1]}]),
        ("(df,)", [{"one": [1]}]),
        ("[df]", [{"one": [1]}]),
        ("(df, df * 2)", [{"one": [1]}, {"one": [2]}]),
        ("[df, df * 2, df * 3]", [{"one": [1]}, {"one": [2]}]),
        ("(None, df)", [{}, {"one": [1]}]),
        ("(df, None)", [{"one": [1]}]),
        ("None", [{}]),
        ("objects(df)", [{"one": [1]}]),
        ("(df, object())", [{"one": [1]}]),
        ("df.one", [{"one": [1]}]),
        ("pd.Series([1, 2], index=[5, 6])", [{"column": [1, 2]}]),
        ("5", [{"column": [5]}]),
        ("'text'", [{"column": ["text"]}]),
        ("b'\\xff'", [{"column": [b"\xff"]}]),
        ("(1, 2)", [{"column": [1]}, {"column": [2]}]),
        ("[1, None]", [{"column": [1, None]}]),
        ("[]", [{"column": []}]),
        ("{'a': [1], 'b': ['x']}", [{"a": [1], "b": ["x"]}]),
        ("np.array([1, 2])", [{"column": [1, 2]}]),
        ("np.array([[1, 2]])", [{"column_0": [1], "column_1": [2]}]),
        ("np.float64(1.5)", [{"column": [1.5]}]),
        ("np.array(5)", [{"column": [5]}]),
    ],
)
def test_returns(value: str, tables: list[dict[str, list[Any]]]) -> None:
    script = f"""
        import numpy as np, pandas as pd
        def objects(df):
            array = np.empty(1, dtype=object)
            array[0] = df
            return array
        def azureml_main(df):
            return {value}
    """
    result = run(script, ONE)
    assert result.report["state"] == "finished", result.report
    assert [found.to_pydict() for found in result.tables] == tables


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("None", "estudio: azureml_main returned no table; the result is empty"),
        ("(df, df, df)", "estudio: azureml_main returned 3 values; the first two are kept"),
        ("(df, object())", "estudio: the second value that azureml_main returned, of type object, is no table"),
    ],
)
def test_notes_about_returns(value: str, words: str) -> None:
    assert words in run(f"def azureml_main(df):\n    return {value}", ONE).log
