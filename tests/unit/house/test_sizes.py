"""The hard stops of the code: file and function lengths, and names that say nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = sorted(
    path for folder in ("src", "tests", "examples", "benchmarks") for path in (ROOT / folder).rglob("*.py")
)
SOURCES += [ROOT / "start.py"]
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_MEDIAN_FILE_LINES = 200
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc", "model"}


def too_long(source: str) -> list[str]:
    """The functions of a source that are over the bound."""
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths = [(function.name, (function.end_lineno or 0) - function.lineno + 1) for function in functions]
    return [f"{name}: {lines} lines" for name, lines in lengths if lines > MAX_FUNCTION_LINES]


def test_the_walk_finds_the_sources() -> None:
    assert ROOT / "src" / "estudio" / "errors.py" in SOURCES
    assert Path(__file__) in SOURCES


def test_a_long_function_is_seen() -> None:
    assert too_long("def f():\n" + "    pass\n" * MAX_FUNCTION_LINES) == ["f: 61 lines"]
    assert too_long("def f():\n" + "    pass\n" * (MAX_FUNCTION_LINES - 1)) == []
    assert too_long("def f():\n" + "    pass\n" * MAX_FUNCTION_LINES + "class C:\n    def f(self): pass\n") == [
        "f: 61 lines"
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_and_functions_are_short(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_FILE_LINES
    assert too_long(source) == []


def test_the_usual_file_is_short() -> None:
    lengths = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "src").rglob("*.py"))
    assert lengths[len(lengths) // 2] <= MAX_MEDIAN_FILE_LINES


def test_no_file_has_a_name_that_says_nothing() -> None:
    names = {part for path in SOURCES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not {name for name in names if name.removeprefix("test_") in FORBIDDEN_NAMES}
