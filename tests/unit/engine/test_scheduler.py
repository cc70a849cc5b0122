"""The walk over the graph: every module once, after all that it depends on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from estudio.engine.scheduler import Scheduler

DIAMOND = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    count = draw(st.integers(0, 12))
    names = [f"m{number}" for number in range(count)]
    above = {
        name: tuple(draw(st.lists(st.sampled_from(names[:place]), max_size=3)) if place else ())
        for place, name in enumerate(names)
    }
    order = draw(st.permutations(names))
    return {name: above[name] for name in order}


@given(graphs(), st.randoms())
def test_whatever_ends_first_each_module_goes_once_or_is_blocked(
    graph: dict[str, tuple[str, ...]], random: object
) -> None:
    walk = Scheduler(graph)
    ready, gone, blocked = walk.first(), [], []
    while ready:
        name = ready.pop(random.randrange(len(ready)))  # type: ignore[attr-defined]
        gone.append(name)
        if random.random() < 0.2:  # type: ignore[attr-defined]
            blocked += walk.fail(name)
        else:
            ready += walk.finish(name)
    assert sorted(gone + blocked) == sorted(graph)
    assert all(set(graph[name]) & {*blocked, *gone} for name in blocked)


def test_a_module_below_two_failures_is_blocked_once() -> None:
    walk = Scheduler(DIAMOND)
    assert walk.finish("a") == ["b", "c"]
    assert walk.fail("b") == ["d"]
    assert walk.fail("c") == []


def test_what_is_blocked_never_goes() -> None:
    walk = Scheduler({"a": (), "b": (), "c": ("a", "b")})
    assert walk.fail("a") == ["c"]
    assert walk.finish("b") == []
