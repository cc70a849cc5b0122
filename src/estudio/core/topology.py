"""What follows from the connections alone: an order, what a module needs, what depends on it, and circles.

Everything works on `sources`: for each module the modules that it takes from. Nothing recurses, so a chain may be as
long as it likes, and every function takes time linear in modules and connections.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from estudio.errors import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from estudio.core.experiment import Experiment

MAX_CYCLES = 20
"""Circles that are shown at once: enough to mend, and it keeps the search linear."""


def sources_of(experiment: Experiment) -> dict[str, tuple[str, ...]]:
    """For each module, in the document's order, the modules that it takes from, each once."""
    return {
        name: tuple(dict.fromkeys(reference.module for reference in module.connections.values()))
        for name, module in experiment.modules.items()
    }


def takers_of(sources: Mapping[str, Collection[str]]) -> dict[str, tuple[str, ...]]:
    """For each module the modules that take from it directly: the same connections, seen from the other end."""
    takers: dict[str, list[str]] = {name: [] for name in sources}
    for name, taken in sources.items():
        for source in taken:
            takers.setdefault(source, []).append(name)
    return {name: tuple(found) for name, found in takers.items()}


def order_of(sources: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """All modules, each after those that it takes from; otherwise in the given order.

    Raises:
        InvalidDocument: there is a circle; the message shows it.
    """
    waiting = {name: len(set(taken)) for name, taken in sources.items()}
    takers = takers_of({name: set(taken) for name, taken in sources.items()})
    ready = deque(name for name, count in waiting.items() if count == 0)
    ordered: list[str] = []
    while ready:
        name = ready.popleft()
        ordered.append(name)
        for taker in takers[name]:
            waiting[taker] -= 1
            if waiting[taker] == 0:
                ready.append(taker)
    if len(ordered) < len(sources):
        path = find_cycles(sources)[0]
        raise InvalidDocument(f"The modules {cycle_text(path)} go in a circle: remove one of the connections.")
    return tuple(ordered)


def ancestors_of(sources: Mapping[str, Collection[str]], names: Iterable[str]) -> frozenset[str]:
    """All modules that these need, directly or not, without these (unless one of them needs another)."""
    return _reached(sources, names)


def dependents_of(sources: Mapping[str, Collection[str]], names: Iterable[str]) -> frozenset[str]:
    """All modules that depend on these, directly or not, without these (unless one of them needs another)."""
    return _reached(takers_of(sources), names)


def find_cycles(sources: Mapping[str, Collection[str]]) -> tuple[tuple[str, ...], ...]:
    """Circles that share no end, each as a path whose last is its first; at least one where there is any.

    The path runs as the data does: `("a", "b", "a")` says that b takes from a, and a from b.
    """
    found: list[tuple[str, ...]] = []
    shown: set[str] = set()
    done: set[str] = set()
    for root in sources:
        for name, path in _returns(sources, root, done):
            if name not in shown and path[-1] not in shown and len(found) < MAX_CYCLES:
                circle = path[path.index(name) :]
                shown.update(circle)
                found.append((name, *reversed(circle)))
    return tuple(found)


def cycle_text(path: Iterable[str]) -> str:
    """A circle for people: `a → b → a`."""
    return " → ".join(path)


def _reached(steps: Mapping[str, Collection[str]], names: Iterable[str]) -> frozenset[str]:
    seen: set[str] = set()
    left = [following for name in names for following in steps[name]]
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            left.extend(steps[name])
    return frozenset(seen)


def _returns(sources: Mapping[str, Collection[str]], root: str, done: set[str]) -> Iterator[tuple[str, list[str]]]:
    """Walk everything that `root` needs; yields each module that is met again on its own path, with that path."""
    if root in done:
        return
    path, on_path = [root], {root}
    walk = [iter(sources[root])]
    while walk:
        source = next(walk[-1], None)
        if source is None:
            walk.pop()
            left = path.pop()
            on_path.remove(left)
            done.add(left)
        elif source in on_path:
            yield source, path
        elif source not in done:
            path.append(source)
            on_path.add(source)
            walk.append(iter(sources[source]))
