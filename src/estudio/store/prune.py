"""Removing objects that nothing refers to: first a plan that can be shown, then its execution.

Another process may be about to refer to an object: it put it, or found it there, and its run is not written yet. So
whatever was put or asked for within the grace time stays; both are recorded as the object's time of use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from estudio.store.protocols import ObjectStore

GRACE_SECONDS = 3600.0
"""Far longer than from an object to the record that refers to it; waiting for an hour's disk space costs nobody."""


@dataclass(frozen=True, slots=True)
class PrunedObject:
    """An object that nothing refers to."""

    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What a prune would do.

    Attributes:
        remove: objects that nothing refers to, the largest first.
        used_before: only objects whose last use is older than this are removed (seconds since the epoch).
        kept_count: objects that are referred to.
        kept_bytes: their sizes, summed.
        recent_count: objects that nothing refers to, but which were used within the grace time.
        recent_bytes: their sizes, summed.
        missing: digests that are referred to and not there, sorted.
    """

    remove: tuple[PrunedObject, ...]
    used_before: float
    kept_count: int = 0
    kept_bytes: int = 0
    recent_count: int = 0
    recent_bytes: int = 0
    missing: tuple[str, ...] = ()

    @property
    def remove_bytes(self) -> int:
        """What the removal would free."""
        return sum(each.size_bytes for each in self.remove)


def prune_plan(
    objects: Iterable[tuple[str, int, float]],
    referenced: AbstractSet[str],
    now: float,
    grace_seconds: float = GRACE_SECONDS,
) -> PrunePlan:
    """What to remove of `objects`, (digest, size, time of last use) each, when `referenced` digests must stay.

    List the objects before asking for the references: then what is referred to in between is seen.
    """
    used_before = now - grace_seconds
    listed = list(objects)
    kept = [size for digest, size, _ in listed if digest in referenced]
    others = [each for each in listed if each[0] not in referenced]
    recent = [size for _, size, used in others if used >= used_before]
    remove = [PrunedObject(digest, size) for digest, size, used in others if used < used_before]
    return PrunePlan(
        remove=tuple(sorted(remove, key=lambda each: (-each.size_bytes, each.digest))),
        used_before=used_before,
        kept_count=len(kept),
        kept_bytes=sum(kept),
        recent_count=len(recent),
        recent_bytes=sum(recent),
        missing=tuple(sorted(referenced - {digest for digest, _, _ in listed})),
    )


def execute_prune(store: ObjectStore, plan: PrunePlan) -> tuple[PrunedObject, ...]:
    """Remove what the plan says, except for what was used since; returns what was removed. Raises StoreFailed."""
    return tuple(each for each in plan.remove if store.remove_unused(each.digest, plan.used_before))
