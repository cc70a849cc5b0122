"""Keys: they change exactly when a part changes. And the words for what changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.core.module_kind import ModuleKind
from estudio.core.run import StoredOutput
from estudio.engine.cache_key import MAX_CHANGES, explain, key_of, key_parts

if TYPE_CHECKING:
    from estudio.core.module_kind import Value
    from estudio.core.run import KeyParts

KIND = ModuleKind("split-rows", 3, "Split", "Splits.", "Data", "split")
DIGEST, OTHER = "a" * 64, "b" * 64
NAMES = st.text(max_size=8)
VALUES: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def table(digest: str = DIGEST, **columns: str) -> StoredOutput:
    return StoredOutput("results", "table", digest, 10, 5, tuple(columns.items()))


def parts(**changed: Any) -> KeyParts:
    given_parts: dict[str, Any] = {
        "kind": KIND,
        "dependencies": {"script": DIGEST, "environment": DIGEST, "calling": "classic"},
        "inputs": {"dataset1": table(age="int64")},
        "settings": {"script": "scripts/rank.py", "fraction": 0.5},
        "parameters": {"trees": 250},
        "seed": 0,
    }
    given_parts |= changed
    return key_parts(given_parts.pop("kind"), **given_parts)


@given(st.dictionaries(NAMES, VALUES, max_size=4), st.dictionaries(NAMES, VALUES, max_size=4), st.randoms())
def test_order_does_not_matter(settings: dict[str, Value], parameters: dict[str, Value], random: Any) -> None:
    def shuffled(mapping: dict[str, Value]) -> dict[str, Value]:
        items = list(mapping.items())
        random.shuffle(items)
        return dict(items)

    first = key_of(parts(settings=settings, parameters=parameters))
    assert key_of(parts(settings=shuffled(settings), parameters=shuffled(parameters))) == first


def exact(value: object) -> str:
    """What JSON tells apart: 1, 1.0 and True are three values, though Python calls them equal."""
    if isinstance(value, dict):
        return f"{{{', '.join(sorted(f'{name!r}: {exact(each)}' for name, each in value.items()))}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(exact, value))}]"
    return repr(value)


@given(*[st.dictionaries(NAMES, VALUES, max_size=3)] * 4)
def test_the_key_changes_exactly_when_a_part_changes(
    settings: dict[str, Value], parameters: dict[str, Value], settings2: dict[str, Value], parameters2: dict[str, Value]
) -> None:
    first = key_of(parts(settings=settings, parameters=parameters, dependencies={}))
    second = key_of(parts(settings=settings2, parameters=parameters2, dependencies={}))
    same = (exact(settings), exact(parameters)) == (exact(settings2), exact(parameters2))
    assert (first == second) == same


CHANGES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "script": ({"dependencies": {"script": OTHER, "environment": DIGEST, "calling": "classic"}}, ("script changed",)),
    "environment": (
        {"dependencies": {"script": DIGEST, "environment": OTHER, "calling": "designer"}},
        ("environment changed", "calling: classic → designer"),
    ),
    "kind version": ({"kind": replace(KIND, version=4)}, ("kind split-rows has a new version",)),
    "kind": ({"kind": replace(KIND, name="join")}, ("kind: split-rows → join",)),
    "parameter": ({"parameters": {"trees": 500}}, ("parameter trees: 250 → 500",)),
    "parameters": ({"parameters": {"depth": "x"}}, ('parameter depth is new: "x"', "parameter trees is gone")),
    "setting": ({"settings": {"script": "scripts/rank.py", "fraction": 0.7}}, ("fraction: 0.5 → 0.7",)),
    "seed": ({"seed": 7}, ("seed: 0 → 7",)),
    "values": ({"inputs": {"dataset1": table(OTHER, age="int64")}}, ("dataset1 has other values",)),
    "type": (
        {"inputs": {"dataset1": table(OTHER, age="float64")}},
        ("column `age` of dataset1 changed type (int64 → float64)",),
    ),
    "columns": (
        {"inputs": {"dataset1": table(OTHER, x="bool")}},
        ("dataset1: column `x` added", "dataset1: column `age` removed"),
    ),
    "connected": (
        {"inputs": {"dataset1": table(age="int64"), "dataset2": table(age="int64")}},
        ("dataset2 is connected now",),
    ),
    "not connected": ({"inputs": {}}, ("dataset1 is no longer connected",)),
    "bundle": (
        {"inputs": {"dataset1": table(age="int64"), "bundle": StoredOutput("bundle", "bundle", OTHER, 1)}},
        ("bundle is new",),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_has_words(name: str) -> None:
    changed, words = CHANGES[name]
    before, after = parts(), parts(**changed)
    assert key_of(before) != key_of(after)
    assert explain(before, after) == words
    assert explain(before, before) == ()


def test_where_a_script_lies_is_no_part_of_the_key() -> None:
    moved = parts(settings={"script": "other/place.py", "fraction": 0.5})
    assert key_of(moved) == key_of(parts())


def test_the_order_of_columns_has_words() -> None:
    before = parts(inputs={"dataset1": table(DIGEST, a="int64", b="int64")})
    after = parts(inputs={"dataset1": table(OTHER, b="int64", a="int64")})
    assert explain(before, after) == ("dataset1 has its columns in another order",)


def test_a_port_named_like_a_dependency_is_a_part_of_its_own() -> None:
    one = parts(inputs={"script": table(OTHER)})
    assert one.parts["script"] == DIGEST
    assert one.parts["input script"] == OTHER
    assert explain(one, parts(inputs={"script": table(DIGEST)})) == ("script has other values",)


def test_many_changes_are_said_shorter() -> None:
    before = parts(inputs={"dataset1": table(DIGEST)})
    after = parts(inputs={"dataset1": table(OTHER, **{f"c{n}": "int64" for n in range(MAX_CHANGES + 5)})})
    words = explain(before, after)
    assert len(words) == MAX_CHANGES + 1
    assert words[-1] == "and 5 more changes"


def test_a_long_value_is_cut_in_words() -> None:
    (words,) = explain(parts(seed=1, parameters={"t": "x"}), parts(seed=1, parameters={"t": "y" * 1000}))
    assert len(words) < 150
