"""The documentation: every page is reachable, every error, state and exit code has its words, every path exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from estudio.core.limits import Limits
from estudio.core.outcome import IsolationLevel, ScriptError, ScriptState
from estudio.errors import EstudioError

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
TEXTS = [*PAGES, *ROOT.glob("*.md"), *(ROOT / "examples").rglob("*.md")]
EXIT_CODES = (0, 1, 2, 3, 4, 5, 6, 130)


def read(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def rows(page: str) -> list[list[str]]:
    """The cells of every table row of a page."""
    cells = [
        re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in read(page).splitlines() if line.startswith("|")
    ]
    return [[cell.strip().strip("`") for cell in row] for row in cells]


def error_classes(root: type[EstudioError] = EstudioError) -> list[type[EstudioError]]:
    return [root, *(found for child in root.__subclasses__() for found in error_classes(child))]


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: error.__name__)
def test_every_error_is_documented(error: type[EstudioError]) -> None:
    documented = {(row[0], row[1]) for row in rows("reference/errors.md") if len(row) == 4}
    assert (error.__name__, error.code) in documented


def test_only_errors_that_exist_are_documented() -> None:
    documented = {row[0] for row in rows("reference/errors.md") if len(row) == 4} - {"class", "---"}
    assert documented == {error.__name__ for error in error_classes()}


def test_the_tree_in_the_docstring_has_every_error() -> None:
    import estudio.errors

    assert all(error.__name__ in (estudio.errors.__doc__ or "") for error in error_classes())


def test_the_codes_of_author_errors_are_those_of_the_code() -> None:
    attributes = (ScriptError.__doc__ or "").split("message:")[0]
    in_the_code = set(re.findall(r"`([a-z-]+)`", attributes))
    documented = {
        row[0] for row in rows("reference/errors.md") if len(row) == 2 and re.fullmatch("[a-z]+-?[a-z-]+", row[0])
    }
    assert len(in_the_code) >= 10
    assert documented - {"code", "error", "---"} == in_the_code


@pytest.mark.parametrize("code", EXIT_CODES)
def test_every_exit_code_is_documented(code: int) -> None:
    assert str(code) in {row[0] for row in rows("reference/exit-codes.md")}


def test_every_error_of_the_first_level_has_an_exit_code() -> None:
    text = read("reference/exit-codes.md")
    assert [error.__name__ for error in EstudioError.__subclasses__() if f"`{error.__name__}`" not in text] == []


@pytest.mark.parametrize("state", ScriptState)
def test_every_state_is_documented_with_its_exit_code(state: ScriptState) -> None:
    assert state.value in {row[0] for row in rows("reference/python-api.md")}
    assert f"`{state.value}`" in read("reference/exit-codes.md")


def test_every_isolation_level_is_documented() -> None:
    assert {level.value for level in IsolationLevel} <= {row[0] for row in rows("reference/isolation-levels.md")}


def test_every_limit_is_documented() -> None:
    assert set(Limits.__dataclass_fields__) <= {row[0] for row in rows("reference/python-api.md")}


def test_every_page_is_in_the_contents() -> None:
    entries = re.findall(r"^([a-z-]+/[a-z*-]+)$", read("index.md"), re.MULTILINE)
    listed = {path for entry in entries for path in DOCS.glob(f"{entry}.md")}
    assert listed == set(PAGES) - {DOCS / "index.md"}
    assert all(list(DOCS.glob(f"{entry}.md")) for entry in entries)


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_example_paths_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
    examples = re.findall(r"(?<![\w/])examples/[\w./-]*[\w]", text)
    assert [path for path in examples if not (ROOT / path).exists()] == []


def test_ci_ends_with_the_tests_as_the_readme_says() -> None:
    command = re.search(r"^python3 (start\.py test.*)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert command is not None
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == f'exec "$PYTHON" {command.group(1)}'
