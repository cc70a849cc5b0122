"""Every kind has its words, and all that the documentation says of it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from estudio.core.module_kind import ModuleKind, ParameterType
from estudio.modules import kinds
from estudio.modules.registry import behaviours, module_kinds

from .kind_calls import BENCH

KINDS = module_kinds()
EXPECTED = [
    "convert-to-dataset", "dataset", "enter-data", "execute-python-script", "export-data", "join", "script-bundle",
    "select-columns", "split-rows", "web-service-input", "web-service-output",
]  # fmt: skip


def test_the_palette() -> None:
    assert sorted(KINDS) == EXPECTED
    assert set(behaviours(BENCH.parts)) == set(KINDS)


def test_a_file_is_named_like_its_kind() -> None:
    files = {path.stem for path in Path(kinds.__path__[0]).glob("*.py")} - {"__init__"}
    assert {name.replace("-", "_") for name in KINDS} == files


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_everything_has_words(kind: ModuleKind) -> None:
    assert kind.version >= 1
    assert kind.title
    assert kind.words.endswith(".")
    assert kind.category in {"Data", "Rows and columns", "Scripts", "Web service"}
    assert re.fullmatch(r"[a-z0-9-]+", kind.icon)
    shape = kind.shape
    words = {each.name: each.words for each in shape.inputs} | {each.name: each.words for each in shape.parameters}
    names = [each.name for each in shape.inputs] + [each.name for each in shape.parameters]
    for name, text in (words | {each.name: each.words for each in shape.outputs}).items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name
        assert text, name
        assert not text.endswith("."), name
    assert len(set(names)) == len(names), "a port and a parameter stand side by side in documents"
    assert not set(names) & {"kind", "parameters", "comment", "deterministic", "name"} or "web-service" in kind.name
    assert len({port.name for port in kind.shape.outputs}) == len(kind.shape.outputs)


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_defaults_are_of_their_type(kind: ModuleKind) -> None:
    types: dict[ParameterType, type | tuple[type, ...]] = {
        ParameterType.INTEGER: int,
        ParameterType.NUMBER: (int, float),
        ParameterType.BOOLEAN: bool,
    }
    for parameter in kind.shape.parameters:
        assert not (parameter.required and parameter.default is not None)
        if parameter.default is not None:
            assert isinstance(parameter.default, types.get(parameter.type, str)), parameter
        if parameter.type is ParameterType.CHOICE:
            assert parameter.default in parameter.choices


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_a_kind_is_described_by_its_behaviour(kind: ModuleKind) -> None:
    assert BENCH.behaviour(kind.name).kind is kind
    assert dataclasses.is_dataclass(kind)
    assert BENCH.shape(kind.name) == kind.shape
