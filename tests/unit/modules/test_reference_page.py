"""The reference page of module kinds says what the kinds are, and its examples are sound."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from estudio.core.module_kind import ModuleKind
from estudio.modules.registry import module_kinds

from .documented import kind_tables
from .kind_calls import BENCH

if TYPE_CHECKING:
    from estudio.modules.behaviour import Behaviour

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "reference" / "module-kinds.md").read_text(encoding="utf-8")
SECTIONS = {text.partition("\n")[0]: text for text in re.split(r"^#{2,3} ", PAGE, flags=re.MULTILINE)[1:]}
KINDS = module_kinds()


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_is_documented_as_it_is(kind: ModuleKind) -> None:
    assert kind_tables(kind) in SECTIONS[kind.name]


def test_only_kinds_are_documented_below_their_categories() -> None:
    headings = re.findall(r"^(#{2,3}) (.*)$", PAGE, re.MULTILINE)
    assert sorted(name for level, name in headings if level == "###") == sorted(KINDS)
    category = ""
    for level, name in headings:
        if level == "##":
            category = name
        else:
            assert KINDS[name].category == category


def examples() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        found |= yaml.safe_load(text)
    return found


def test_the_examples_fit_together() -> None:
    modules = examples()
    assert {module["kind"] for module in modules.values()} == set(KINDS)
    for name, module in modules.items():
        shape = KINDS[module["kind"]].shape
        ports = {port.name: port for port in shape.inputs}
        settings = {parameter.name for parameter in shape.parameters}
        fields = set(module) - {"kind", "parameters"}
        assert fields <= set(ports) | settings, name
        assert {port.name for port in shape.inputs if not port.optional} <= fields, name
        assert {parameter.name for parameter in shape.parameters if parameter.required} <= fields, name
        for field in fields & set(ports):
            source, _, port = module[field].partition(".")
            outputs = KINDS[modules[source]["kind"]].shape.outputs
            given = next(output for output in outputs if output.name == port) if port else outputs[0]
            assert given.type is ports[field].type, name


def test_the_recipe_makes_a_kind(tmp_path: Path) -> None:
    page = (DOCS / "how-to" / "write-a-module-kind.md").read_text(encoding="utf-8")
    source = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[0]
    (tmp_path / "first_rows.py").write_text(source)
    spec = importlib.util.spec_from_file_location("first_rows", tmp_path / "first_rows.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Behaviour = module.behaviour(BENCH.parts)
    assert isinstance(made.kind, ModuleKind)
    assert made.kind.name == "first-rows"
