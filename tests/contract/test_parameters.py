"""More than two tables, and parameters by name, on every Python."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from .calls import Result, run

ONE, TWO, THREE = (pa.table({name: [1]}) for name in ("one", "two", "three"))
RETURN_TREES = "def azureml_main(df, *, trees=1):\n    return [trees]"
MENDED_3 = "write parameters after *, as in (dataframe1=None, *, trees=0)."
NAMES = "print([None if x is None else list(x)[0] for x in {}])"


def said(result: Result) -> str:
    assert result.report["state"] == "finished", result.report
    return result.log


def is_old(python: str) -> bool:
    return run("import sys\ndef azureml_main():\n    return sys.version_info[0]", python=python).column("column") == [2]


def test_three_tables_and_a_parameter(any_python: str) -> None:
    star = "" if is_old(any_python) else "*, "
    script = f"""
        def azureml_main(dataframe1=None, dataframe2=None, dataframe3=None, {star}trees=250):
            print("%s %s" % ([list(x)[0] for x in (dataframe1, dataframe2, dataframe3)], trees))
            return dataframe3
    """
    given = run(script, ONE, TWO, THREE, parameters={"trees": 500}, python=any_python)
    assert said(given) == "['one', 'two', 'three'] 500\n"
    assert given.table.to_pydict() == {"three": [1]}
    assert "250" in said(run(script, ONE, TWO, THREE, python=any_python))


@pytest.mark.parametrize(
    ("calling", "signature", "names", "inputs", "expected"),
    [
        ("classic", "a, b, c", "[a, b, c]", (ONE, TWO, THREE), "['one', 'two', 'three']"),
        ("classic", "a, b=None, c=None", "[a, b, c]", (None, TWO, THREE), "['two', 'three', None]"),
        ("classic", "*frames", "frames", (ONE, TWO, THREE), "['one', 'two', 'three']"),
        ("designer", "a, b, c", "[a, b, c]", (None, TWO, THREE), "[None, 'two', 'three']"),
        ("designer", "a, b, c", "[a, b, c]", (None, None, THREE), "[None, None, 'three']"),
        ("designer", "a, b, c, d", "[a, b, c, d]", (ONE, None, THREE), "['one', None, 'three', None]"),
    ],
)
def test_further_tables(
    calling: str, signature: str, names: str, inputs: tuple[Any, ...], expected: str, any_python: str
) -> None:
    script = f"def azureml_main({signature}):\n    {NAMES.format(names)}\n    return None"
    assert expected in said(run(script, *inputs, calling=calling, python=any_python))


@pytest.mark.parametrize(
    ("signature", "inputs", "words"),
    [
        ("a, b", (ONE, TWO, THREE), "azureml_main takes 2 tables; the third connected table is not passed"),
        ("a", (ONE, TWO, THREE), "azureml_main takes one table; the last connected tables are not passed"),
        ("", (ONE, TWO, THREE), "azureml_main takes no table; the connected tables are not passed"),
        ("", (None, TWO, None), "azureml_main takes no table; the connected table is not passed"),
    ],
)
def test_tables_that_are_not_passed_are_noted(signature: str, inputs: tuple[Any, ...], words: str) -> None:
    assert words in run(f"def azureml_main({signature}):\n    return None", *inputs).log


def test_a_column_of_the_third_table_comes_back_untouched() -> None:
    tables = [pa.table({name: list(range(20_000))}) for name in "abc"]
    result = run("def azureml_main(a, b, c):\n    return c", *tables)
    assert result.report["tables"][0]["columns"][0]["same"] == [2, 0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, "int 5"),
        (0.5, "float 0.5"),
        (True, "bool True"),
        ("text", "str 'text'"),
        (["a", "b"], "list ['a', 'b']"),
        ([], "list []"),
        ({"a": "b"}, "dict {'a': 'b'}"),
        (2**40, "int 1099511627776"),
    ],
)
def test_values_arrive_as_they_were_given(value: Any, expected: str, any_python: str) -> None:
    star = "" if is_old(any_python) else "*, "
    script = f"""
        def azureml_main({star}value=None):
            print(type(value).__name__ + " " + repr(value))
    """
    assert expected in said(run(script, parameters={"value": value}, python=any_python))


def test_text_that_is_not_ascii(any_python: str) -> None:
    old = is_old(any_python)
    script = f"""
        # coding: utf-8
        def azureml_main({"" if old else "*, "}value=None, values=None):
            print(" ".join([str(value == u"ñ")] + [type(each).__name__ for each in [value] + values]))
            return value
    """
    log = said(run(script, parameters={"value": "ñ", "values": ["é", "e"]}, python=any_python))
    assert log == ("True unicode unicode str\n" if old else "True str str str\n")


@pytest.mark.parametrize(
    "definition",
    [
        "class Main:\n    def __call__(self, df, *, trees=1):\n        return [trees]\nazureml_main = Main()",
        "import functools\ndef f(x, df, *, trees=1):\n    return [trees]\nazureml_main = functools.partial(f, 1)",
        "import functools\nf = lambda g: functools.wraps(g)(lambda *a, **k: g(*a, **k))\n@f\n" + RETURN_TREES,
        "def azureml_main(df, **settings):\n    return [settings['trees']]",
    ],
)
def test_any_callable_takes_parameters(definition: str) -> None:
    assert run(definition, ONE, TWO, parameters={"trees": 7}).column("column") == [7]


@pytest.mark.parametrize(
    ("signature", "name", "message"),
    [
        (
            "df=None, *, trees=1, depth=2",
            "tres",
            "azureml_main has no parameter 'tres'; did you mean trees? It has: trees, depth.",
        ),
        ("*, trees=1", "colour", "azureml_main has no parameter 'colour'. It has: trees."),
        (
            "df=None",
            "trees",
            "azureml_main has no parameter 'trees'. It has none: " + MENDED_3,
        ),
        (
            "df=None, df2=None, trees=1",
            "trees",
            "azureml_main takes 'trees' by position, as a table: write *, in front of it to make it a parameter.",
        ),
        (
            "df=None, **settings",
            "df",
            "azureml_main takes 'df' by position, as a table: write *, in front of it to make it a parameter.",
        ),
    ],
)
def test_a_wrong_parameter_is_the_authors_error(signature: str, name: str, message: str) -> None:
    result = run(f"def azureml_main({signature}):\n    return None", ONE, parameters={name: 1})
    assert result.error["code"] == "wrong-parameter"
    assert result.error["message"] == message


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("df=None, trees=1", "azureml_main has no parameter 'tres'; did you mean trees? It has: df, trees."),
        (
            "df",
            "azureml_main has no parameter 'tres'. It has none: write parameters after the tables, with a default.",
        ),
        ("tres", "azureml_main takes 'tres' by position, as a table: give it a default."),
    ],
)
def test_a_wrong_parameter_on_python_2(signature: str, message: str, old_python: str) -> None:
    result = run(f"def azureml_main({signature}):\n    return None", ONE, parameters={"tres": 1}, python=old_python)
    assert result.error["code"] == "wrong-parameter"
    assert result.error["message"] == message


def test_a_parameter_by_name_takes_no_table_on_python_2(old_python: str) -> None:
    script = "def azureml_main(df, trees=1):\n    print('%s %s' % (list(df)[0], type(trees).__name__))"
    log = said(run(script, ONE, TWO, parameters={"trees": 5}, python=old_python))
    assert log.splitlines()[:2] == [
        "estudio: azureml_main takes one table; the second connected table is not passed",
        "one int",
    ]
    assert "one DataFrame" in said(run(script, ONE, TWO, python=old_python))
