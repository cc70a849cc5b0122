"""The examples' files: the data, the bundle's bytes, and the scripts that need nothing but pandas."""

from __future__ import annotations

import ast
import importlib.util
import runpy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

EXAMPLES = Path(__file__).parents[3] / "examples" / "pima-diabetes"
SCRIPTS = ["rank_features.py", "scatter_matrix.py", "evaluate_expression.py", "hello/use_hello.py"]


def entry_point(script: str) -> Any:
    return runpy.run_path(str(EXAMPLES / script), run_name="script")["azureml_main"]


def test_the_table_is_whole() -> None:
    table = pd.read_csv(EXAMPLES / "pima-indians-diabetes.csv")
    assert table.shape == (768, 9)
    assert list(table.columns)[-1] == "Outcome"
    assert set(table["Outcome"]) == {0, 1}


def test_the_bundle_is_made_from_its_source(tmp_path: Path) -> None:
    specification = importlib.util.spec_from_file_location("make_zip", EXAMPLES / "hello" / "make_zip.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.make_zip(tmp_path / "Hello.zip")
    assert (tmp_path / "Hello.zip").read_bytes() == (EXAMPLES / "hello" / "Hello.zip").read_bytes()


def test_the_bundle_says_hello(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES / "hello" / "Hello.zip"))
    (result,) = entry_point("hello/use_hello.py")()
    assert capsys.readouterr().out == "Hello, World!\n"
    assert result.to_dict("list") == {"module": ["Hello"], "function": ["print_hello"]}


def test_expressions_are_evaluated() -> None:
    (result,) = entry_point("evaluate_expression.py")(pd.read_csv(EXAMPLES / "expressions.csv"))
    answers = dict(zip(result["expression"], result["result"], strict=True))
    assert answers["2 ** 100"] == str(2**100)
    assert answers["1 / 0"] == "ZeroDivisionError: division by zero"
    assert len(answers) == 7


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_defines_the_entry_point(script: str) -> None:
    tree = ast.parse((EXAMPLES / script).read_text(encoding="utf-8"))
    assert "azureml_main" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert script in (EXAMPLES / "README.md").read_text(encoding="utf-8")
