"""The reference pages name every field, type, code and bound, and their documents are sound."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from estudio.core.module_kind import ModuleShape, ParameterType
from estudio.core.parameter_values import MAX_STRING_CHARACTERS, MAX_TEXT_CHARACTERS
from estudio.documents.experiment_checking import checked_experiment
from estudio.documents.experiment_document import (
    DOCUMENT_FIELDS,
    MAX_MODULES,
    MAX_NAME_CHARACTERS,
    parse_experiment_document,
)
from estudio.documents.experiment_layout import layout_content, parse_layout
from estudio.documents.experiment_parameters import PARAMETER_FIELDS
from estudio.documents.module_checking import MODULE_FIELDS
from estudio.documents.new_documents import SCHEMA_FILE, SCHEMA_LINE
from estudio.documents.problems import ProblemCode
from estudio.documents.script_signature import find_signature
from estudio.documents.workspace_settings import (
    MAX_SEED,
    TABLES,
    TOP_FIELDS,
    WorkspaceSettings,
    parse_size,
    parse_workspace_settings,
)
from estudio.documents.yaml_tree import MAX_DEPTH, MAX_DOCUMENT_BYTES
from tests.unit.documents.kinds import EXAMPLE, KINDS

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
PAGE = (REFERENCE / "experiment-documents.md").read_text(encoding="utf-8")
SETTINGS = (REFERENCE / "workspace-settings.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def first_cells(page: str) -> set[str]:
    """What stands in code in the first column of the tables."""
    rows = re.findall(r"^\| (.*?) \|", page, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


@pytest.mark.parametrize(
    "names", [DOCUMENT_FIELDS, PARAMETER_FIELDS, MODULE_FIELDS, tuple(ParameterType), tuple(ProblemCode)]
)
def test_every_name_is_documented(names: tuple[str, ...]) -> None:
    assert set(names) <= first_cells(PAGE)


@pytest.mark.parametrize("number", [MAX_MODULES, MAX_NAME_CHARACTERS, MAX_STRING_CHARACTERS, MAX_TEXT_CHARACTERS])
def test_bounds_are_documented(number: int) -> None:
    assert re.search(rf"\b{number:,}\b".replace(",", " "), PAGE)


def test_the_bounds_of_yaml_are_documented() -> None:
    assert f"at most {MAX_DOCUMENT_BYTES // 1024**2} MiB" in PAGE
    assert re.search(rf"at most {MAX_DEPTH}\s+deep", PAGE)


@pytest.mark.parametrize("text", blocks(PAGE, "yaml"))
def test_documents_of_the_page_are_sound(text: str) -> None:
    signature = find_signature(b"def azureml_main(df, *, target: str, trees: int = 10): pass", "rank.py")

    def shape_of(module: object) -> ModuleShape:
        kind = KINDS[getattr(module, "kind", "")]
        has_parameters = bool(getattr(module, "parameters", None))
        return replace(kind.shape, script_parameters=signature.parameters if has_parameters else ())

    checked = checked_experiment(parse_experiment_document(text.encode(), "x.yaml"), KINDS, shape_of)
    assert len(checked.experiment.modules) >= 2


def test_the_first_document_is_the_example() -> None:
    assert blocks(PAGE, "yaml")[0] == f"{SCHEMA_LINE}\n{EXAMPLE}"
    assert f"experiments/{SCHEMA_FILE}" in PAGE


def test_annotations_of_the_page_mean_what_it_says() -> None:
    rows = re.findall(r"^\| (`.*(?:int|float|bool|str|Literal).*`) \| `([a-z]+)` \|$", PAGE, re.MULTILINE)
    assert len(rows) == 7
    for written, type_ in rows:
        for annotation in re.findall(r"`([^`]+)`", written):
            source = f"def azureml_main(*, a: {annotation}, b: Annotated[{annotation} | None, 3]): pass"
            found = find_signature(source.encode(), "a.py").parameters
            assert [parameter.type.value for parameter in found] == [type_, type_]


def test_the_layout_of_the_page_is_in_its_one_form() -> None:
    (text,) = blocks(PAGE, "json")
    assert layout_content(parse_layout(text.encode(), "x")).decode() == text


def test_every_setting_is_documented_with_its_default() -> None:
    names = {*TOP_FIELDS, *(f"{table}.{name}" for table, known in TABLES.items() for name in known)}
    assert first_cells(SETTINGS) == names
    (text,) = blocks(SETTINGS, "text")
    given = parse_workspace_settings(text.encode())
    defaults = WorkspaceSettings()
    assert (given.environment, given.seed, given.limits) == (defaults.environment, defaults.seed, defaults.limits)
    assert str(MAX_SEED) in SETTINGS
    rows = dict(re.findall(r"^\| `limits\.([a-z]+)` \| .* \| `(.*)` \|$", SETTINGS, re.MULTILINE))
    assert parse_size(rows["log"]) == defaults.limits.log_bytes
    assert parse_size(rows["memory"]) == defaults.limits.memory_bytes
