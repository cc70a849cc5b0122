"""Order, ancestors, dependents and circles; and that long chains need no stack."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.core.experiment import Experiment, Module, OutputReference
from estudio.core.topology import (
    MAX_CYCLES,
    ancestors_of,
    cycle_text,
    dependents_of,
    find_cycles,
    order_of,
    sources_of,
    takers_of,
)
from estudio.errors import InvalidDocument

DIAMOND = {"d": ("b", "c"), "b": ("a",), "c": ("a", "a"), "a": (), "e": ()}


def graphs(*, circles: bool) -> st.SearchStrategy[dict[str, tuple[str, ...]]]:
    """Graphs of up to eight modules, named by numbers in any order."""

    def build(count: int, pairs: list[tuple[int, int]], names: list[int]) -> dict[str, tuple[str, ...]]:
        sources: dict[str, tuple[str, ...]] = {str(name): () for name in names if name < count}
        for one, other in pairs:
            taker, source = (one, other) if circles else (max(one, other), min(one, other))
            if taker < count and source < count and (circles or taker != source):
                sources[str(taker)] += (str(source),)
        return sources

    number = st.integers(0, 7)
    return st.builds(
        build, st.integers(1, 8), st.lists(st.tuples(number, number), max_size=12), st.permutations(range(8))
    )


def test_sources_of_an_experiment() -> None:
    one, two = OutputReference("a", "results"), OutputReference("a", "results2")
    modules = {"b": Module("b", "join", connections={"dataset1": one, "dataset2": two}), "a": Module("a", "dataset")}
    assert sources_of(Experiment("x", modules)) == {"b": ("a",), "a": ()}


def test_order_ancestors_dependents() -> None:
    assert order_of(DIAMOND) == ("a", "e", "b", "c", "d")
    assert ancestors_of(DIAMOND, ["d"]) == {"a", "b", "c"}
    assert ancestors_of(DIAMOND, ["b", "a"]) == {"a"}
    assert dependents_of(DIAMOND, ["a"]) == {"b", "c", "d"}
    assert dependents_of(DIAMOND, ["e"]) == frozenset()
    assert takers_of(DIAMOND)["a"] == ("b", "c", "c")


def test_a_circle_has_no_order() -> None:
    with pytest.raises(InvalidDocument, match="The modules a → b → a go in a circle: remove one of the connections"):
        order_of({"a": ("b",), "b": ("a",), "c": ("a",)})


def test_circles_run_as_the_data_does() -> None:
    assert find_cycles({"a": ("c",), "b": ("a",), "c": ("b",), "d": ("d",)}) == (("a", "b", "c", "a"), ("d", "d"))
    assert cycle_text(("a", "b", "a")) == "a → b → a"


def test_the_number_of_circles_is_bounded() -> None:
    loops = {str(number): (str(number),) for number in range(100)}
    assert len(find_cycles(loops)) == MAX_CYCLES


@given(graphs(circles=False))
def test_every_module_stands_after_its_sources(sources: dict[str, tuple[str, ...]]) -> None:
    order = order_of(sources)
    assert sorted(order) == sorted(sources)
    assert all(order.index(source) < order.index(name) for name in sources for source in sources[name])
    assert find_cycles(sources) == ()


@given(graphs(circles=True))
def test_circles_are_found_where_there_is_no_order(sources: dict[str, tuple[str, ...]]) -> None:
    circles = find_cycles(sources)
    for path in circles:
        assert path[0] == path[-1]
        assert len(set(path)) == len(path) - 1
        assert all(source in sources[taker] for source, taker in pairwise(path))
    if circles:
        with pytest.raises(InvalidDocument):
            order_of(sources)
    else:
        assert len(order_of(sources)) == len(sources)
    for name in sources:
        assert {other for other in sources if name in ancestors_of(sources, [other])} == dependents_of(sources, [name])


def test_long_chains() -> None:
    count = 20_000
    chain = {str(number): (str(number - 1),) if number else () for number in range(count)}
    backwards = dict(reversed(chain.items()))
    assert order_of(backwards) == tuple(chain)
    assert len(ancestors_of(chain, [str(count - 1)])) == count - 1
    assert len(dependents_of(chain, ["0"])) == count - 1
    assert len(find_cycles({**backwards, "0": (str(count - 1),)})[0]) == count + 1
