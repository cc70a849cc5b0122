"""The JSON Schema: what is right passes, what is wrong does not, and it goes no further than the check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from estudio.core.module_kind import Parameter, ParameterType
from estudio.documents.experiment_checking import check_document
from estudio.documents.experiment_document import DOCUMENT_FIELDS, parse_experiment_document
from estudio.documents.experiment_parameters import PARAMETER_FIELDS
from estudio.documents.module_checking import MODULE_FIELDS
from estudio.documents.new_documents import new_document
from estudio.documents.problems import ProblemList
from estudio.documents.schema import DIALECT, _setting, experiment_schema, schema_text
from estudio.documents.yaml_tree import parse_yaml, value_of
from estudio.errors import InvalidDocument
from tests.unit.documents.kinds import EXAMPLE, KINDS

jsonschema = pytest.importorskip("jsonschema", reason="the development lock brings it")
GOLDEN = Path(__file__).with_name("wrong_documents.txt")
UNKNOWN_TO_SCHEMAS = {
    "unknown-module", "unknown-port", "unknown-parameter", "port-type", "wrong-file", "wrong-link", "missing-file",
    "duplicate", "cycle", "too-much", "missing-value",
}  # fmt: skip
"""What only the whole graph, the files or the scripts tell."""


def is_valid(text: str, schema: dict[str, Any] | None = None) -> bool:
    tree = parse_yaml(text, ProblemList("x.yaml"))
    assert tree is not None
    return bool(jsonschema.Draft202012Validator(schema or experiment_schema(KINDS)).is_valid(value_of(tree)))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(experiment_schema(KINDS))
    assert experiment_schema(KINDS)["$schema"] == DIALECT
    assert json.loads(schema_text(KINDS)) == experiment_schema(KINDS)
    assert schema_text(KINDS) == schema_text({name: KINDS[name] for name in reversed(list(KINDS))})


@pytest.mark.parametrize("text", [EXAMPLE, new_document("A"), "estudio: 1\nname: 3\nparameters:\nmodules:\n"])
def test_sound_documents_pass(text: str) -> None:
    assert is_valid(text)


def golden_cases() -> list[tuple[str, str]]:
    cases = GOLDEN.read_text(encoding="utf-8").split("===\n")
    return [(text, found) for text, _, found in (case.partition("---\n") for case in cases if case)]


@pytest.mark.parametrize(("text", "found"), golden_cases())
def test_it_refuses_what_a_schema_can_know_to_be_wrong(text: str, found: str) -> None:
    try:
        problems = check_document(parse_experiment_document(text.encode(), "x.yaml"), KINDS)
    except InvalidDocument:
        return  # no YAML: no schema sees it
    codes = {problem.code.value for problem in problems} - UNKNOWN_TO_SCHEMAS
    beyond = ("the most is", "through $", "above its maximum", "the default of", "whole numbers go", "holds the wrong")
    if codes and not any(words in found for words in beyond) and "1.0" not in found:
        assert not is_valid(text)
    elif not problems:
        assert is_valid(text)


@pytest.mark.parametrize("type_", ParameterType)
def test_every_type_takes_a_link_and_its_own_values(type_: ParameterType) -> None:
    sound: dict[ParameterType, list[Any]] = {
        ParameterType.INTEGER: [3], ParameterType.NUMBER: [3, 0.5], ParameterType.BOOLEAN: [True],
        ParameterType.COLUMNS: ["a", ["a", "b"]], ParameterType.MAPPING: [{"a": "b"}], ParameterType.CHOICE: ["one"],
        ParameterType.PATH: ["a/b..c.csv", "a"],
    }  # fmt: skip
    wrong: dict[ParameterType, list[Any]] = {
        ParameterType.INTEGER: ["3", 0.5, True], ParameterType.NUMBER: ["a"], ParameterType.BOOLEAN: ["true"],
        ParameterType.COLUMNS: [3, [3]], ParameterType.MAPPING: ["a", {"a": 1}], ParameterType.CHOICE: ["two"],
        ParameterType.PATH: ["/a", "../a", "a/..", "a\\b", "~a", ""],
    }  # fmt: skip
    parameter = Parameter("p", type_, required=True, choices=("one",) if type_ is ParameterType.CHOICE else ())
    validator = jsonschema.Draft202012Validator(_setting(parameter))
    assert [value for value in [*sound.get(type_, ["a"]), "${name}"] if not validator.is_valid(value)] == []
    assert [value for value in [*wrong.get(type_, [3]), None] if validator.is_valid(value)] == []


def test_only_kinds_with_scripts_take_further_ports() -> None:
    extra = "estudio: 1\nmodules:\n  a: {{kind: {}, dataset3: b}}\n"
    assert is_valid(extra.format("execute-python-script, script: a.py"))
    assert not is_valid(extra.format("dataset, dataset: a.csv"))
    assert not is_valid("estudio: 1\nmodules:\n  a: {kind: execute-python-script, script: a.py, further: b}\n")


def test_every_field_is_in_the_schema() -> None:
    schema: Any = experiment_schema(KINDS)
    assert set(schema["properties"]) == set(DOCUMENT_FIELDS)
    assert set(schema["properties"]["parameters"]["additionalProperties"]["properties"]) == set(PARAMETER_FIELDS)
    assert set(schema["$defs"]["kind-execute-python-script"]["properties"]) >= set(MODULE_FIELDS)
