"""The documentation: every page is reachable, everything public has its words, every path exists."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import estudio
from estudio.cli.exit_codes import ExitCode, exit_code_of_error, exit_code_of_state
from estudio.core.calling import Calling
from estudio.core.environment import FIELDS, parse_environment
from estudio.core.limits import GIB, Limits
from estudio.core.outcome import Image, IsolationLevel, ScriptError, ScriptState, Timings, Visualization
from estudio.environments.builder import EnvironmentStore
from estudio.errors import EstudioError
from estudio.modules.script_outcome import ScriptOutcome
from estudio.sandbox.policy import OPTIONAL_WALLS, WALLS
from estudio.tables.formats import GZIP, SUFFIXES
from estudio.tables.inference import MISSING_TEXTS
from tests.docs.page_blocks import PAGES as TEXTS
from tests.docs.page_blocks import blocks_of

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
LIMIT_UNITS = {"GiB": GIB, "MiB": GIB // 1024}


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


def exit_code_rows() -> dict[int, str]:
    """The row of each exit code in the reference."""
    found = re.findall(r"^\| (\d+) \| (.*)$", read("reference/cli.md"), re.MULTILINE)
    return {int(code): words for code, words in found}


def test_every_exit_code_is_documented() -> None:
    assert list(exit_code_rows()) == [int(code) for code in ExitCode]


def test_every_error_is_documented_with_its_exit_code() -> None:
    documented = {row[0]: row[2] for row in rows("reference/errors.md") if len(row) == 4}
    assert {
        error.__name__: str(int(exit_code_of_error(error))) for error in error_classes()
    }.items() <= documented.items()


def test_every_error_of_the_first_level_stands_at_its_exit_code() -> None:
    codes = exit_code_rows()
    first: list[type[EstudioError]] = [EstudioError, *EstudioError.__subclasses__()]
    assert [error.__name__ for error in first if f"`{error.__name__}`" not in codes[exit_code_of_error(error)]] == []


@pytest.mark.parametrize("state", ScriptState)
def test_every_state_is_documented_with_its_exit_code(state: ScriptState) -> None:
    assert state.value in {row[0] for row in rows("reference/python-api.md")}
    assert f"`{state.value}`" in exit_code_rows()[exit_code_of_state(state)]


def test_every_isolation_level_is_documented() -> None:
    assert {level.value for level in IsolationLevel} <= {row[0] for row in rows("reference/isolation-levels.md")}


def test_every_wall_is_documented_in_its_own_words() -> None:
    documented = {row[0]: (row[1], row[2]) for row in rows("reference/isolation-levels.md") if len(row) == 3}
    required = {name: (words, "yes") for name, words in WALLS.items()}
    optional = {name: (words, "where it can be had") for name, words in OPTIONAL_WALLS.items()}
    levels = {"level", "wall", "---", *IsolationLevel}
    assert {name: words for name, words in documented.items() if name not in levels} == required | optional


def test_every_limit_is_documented_with_its_default() -> None:
    documented = {row[0]: row[1] for row in rows("reference/python-api.md") if len(row) == 3}
    for name in Limits.__dataclass_fields__:
        number, _, unit = documented[name].partition(" ")
        assert float(number) * LIMIT_UNITS.get(unit, 1) == getattr(Limits(), name), name


def test_every_public_name_is_documented() -> None:
    documented = {
        name for row in rows("reference/python-api.md") if len(row) == 2 for name in re.findall(r"\w+", row[0])
    }
    assert set(estudio.__all__) <= documented


@pytest.mark.parametrize(
    "kind", [ScriptOutcome, Visualization, Image, Timings, ScriptError], ids=lambda kind: kind.__name__
)
def test_every_attribute_of_an_outcome_is_documented(kind: type) -> None:
    page = read("reference/python-api.md")
    assert [name for name in kind.__dataclass_fields__ if f"`{name}`" not in page] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("signature", "function"),
    [
        ("estudio.run_script", estudio.run_script),
        ("ScriptRunner", estudio.ScriptRunner),
        ("run", estudio.ScriptRunner.run),
        ("estudio.read_table", estudio.read_table),
        ("estudio.write_table", estudio.write_table),
    ],
)
def test_signatures_are_those_of_the_code(signature: str, function: Callable[..., object]) -> None:
    found = re.search(
        rf"(?:^|`){re.escape(signature)}\((.*?)\)", read("reference/python-api.md"), re.DOTALL | re.MULTILINE
    )
    assert found is not None
    parameters = inspect.signature(function).parameters.values()
    starred = next((p.name for p in parameters if p.kind is p.KEYWORD_ONLY), None)
    written: list[str] = []
    for parameter in parameters:
        if parameter.name != "self":
            written += ["*"] if parameter.name == starred else []
            default = "" if parameter.default is parameter.empty else f"={str_of(parameter.default)}"
            written.append(parameter.name + default)
    assert re.split(r",\s*", found[1]) == written


def str_of(default: object) -> str:
    return f'"{default}"' if isinstance(default, str) else repr(default)


def test_every_calling_is_documented() -> None:
    assert set(Calling) <= {row[0] for row in rows("reference/python-api.md")}
    assert all(f"`{calling}`" in read("reference/contract.md") for calling in Calling)


def test_every_file_format_is_documented() -> None:
    cells = " ".join(row[0] for row in rows("reference/file-formats.md") if len(row) == 4)
    assert set(re.findall(r"\.[a-z.]+", cells)) == set(SUFFIXES)
    assert f"`{GZIP}`" in read("reference/file-formats.md")


def test_every_text_that_means_missing_is_documented() -> None:
    page = read("reference/file-formats.md")
    assert [text for text in MISSING_TEXTS if text and f"`{text}`" not in page] == []


def test_the_bounds_of_bundles_and_images_are_documented() -> None:
    from estudio.guest import bundle, figures, figures_pyplot, notes

    page = read("reference/contract.md")
    bounds = [bundle.MAX_ENTRIES, bundle.MAX_DEPTH, bundle.MAX_PART_BYTES, bundle.MAX_NAME_BYTES]
    bounds += [figures.MAX_IMAGES, figures_pyplot.MAX_OPEN_FIGURES, notes.MAX_NOTES]
    assert [number for number in bounds if not re.search(rf"\b{number:,}\b".replace(",", " "), page)] == []
    assert bundle.MAX_UNPACKED_BYTES == 2 * GIB
    assert "2 GiB" in page
    assert all(f"`{name}`" in page for name in bundle._KEPT)


def test_every_field_of_an_environment_is_documented() -> None:
    assert set(FIELDS) <= {row[0] for row in rows("reference/environments.md")}


def test_every_package_of_the_default_environment_is_documented(tmp_path: Path) -> None:
    store = EnvironmentStore(tmp_path)
    cells = {name for row in rows("reference/environments.md") for name in row[0].split(", ")}
    assert set(store.resolve("default").package_names) <= cells
    assert all(f"`{name}`" in read("reference/environments.md") for name in store.built_in_names())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_environments_in_the_pages_are_sound(page: Path) -> None:
    for block in blocks_of(page):
        if block.language == "toml":
            assert parse_environment(tomllib.loads(block.text), "page.toml").package_names


def settings(*places: str) -> set[str]:
    """The names of all ESTUDIO_ variables in some files and folders."""
    files = [file for place in places for file in [ROOT / place, *(ROOT / place).rglob("*")] if file.is_file()]
    sources = [file for file in files if file.suffix in {".py", ""} and file.name != Path(__file__).name]
    texts = [file.read_text(encoding="utf-8") for file in sources if "__pycache__" not in file.parts]
    return {name for text in texts for name in re.findall(r"(?<![A-Z_])ESTUDIO_[A-Z_]*[A-Z]", text)}


def test_every_setting_is_documented() -> None:
    of_users, of_developers = settings("src", "start.py"), settings("tests", "benchmarks", ".ci")
    assert of_users >= {"ESTUDIO_HOME", "ESTUDIO_DEBUG"}
    assert of_users <= {row[0] for row in rows("reference/cli.md")}
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {name for name in of_developers - of_users if f"`{name}`" not in contributing} == set()


def test_the_files_of_the_architecture_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = re.findall(r"^ *([a-z]+/[a-z_]+\.py) ", text, re.MULTILINE)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / "src" / "estudio" / name).is_file()] == []
    rooms = {path.name for path in (ROOT / "src" / "estudio").iterdir() if (path / "__init__.py").exists()}
    assert {room for room in rooms if f"`{room}/`" not in text} == set()


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
