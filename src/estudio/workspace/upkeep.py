"""What a workspace keeps, checked and tidied: what runs, datasets, web services and jobs refer to is never removed.

What nothing refers to stays for an hour after its last use: another process may be about to refer to it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from estudio.core.run import RunState
from estudio.engine.references import referenced_digests
from estudio.engine.snapshot import load_snapshot
from estudio.errors import ObjectDamaged, ObjectMissing
from estudio.services.frozen_version import digests_of
from estudio.store.prune import execute_prune, prune_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.core.run import RunRecord
    from estudio.store.database import Database
    from estudio.store.objects import ObjectFolder


@dataclass(frozen=True, slots=True)
class VerifiedStore:
    """What was found when every object was read.

    Attributes:
        objects: how many there are.
        total_bytes: their sizes, summed.
        damaged: digests of those that are not what was stored.
        missing: digests that something refers to, and that are gone.
    """

    objects: int
    total_bytes: int
    damaged: tuple[str, ...]
    missing: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "objects": self.objects,
            "bytes": self.total_bytes,
            "damaged": list(self.damaged),
            "missing": list(self.missing),
        }


@dataclass(frozen=True, slots=True)
class PrunedStore:
    """What was removed, or would be.

    Attributes:
        runs: those that were forgotten.
        objects: how many were removed.
        freed_bytes: their sizes, summed.
        kept_bytes: of what stays because something refers to it.
        recent_bytes: of what stays only because it was used within the last hour.
    """

    runs: tuple[RunRecord, ...]
    objects: int
    freed_bytes: int
    kept_bytes: int
    recent_bytes: int

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "runs": [run.id for run in self.runs],
            "objects": self.objects,
            "freed_bytes": self.freed_bytes,
            "kept_bytes": self.kept_bytes,
            "recent_bytes": self.recent_bytes,
        }


def verify_store(database: Database, objects: ObjectFolder) -> VerifiedStore:
    """Read every object and compare it with its digest. Raises StoreFailed."""
    damaged = tuple(sorted(objects.verify()))
    listed = {digest: size for digest, size, _ in objects.list_objects()}
    wanted = referenced_digests(database.runs, objects) | _other_digests(database, objects)
    return VerifiedStore(len(listed), sum(listed.values()), damaged, tuple(sorted(wanted - listed.keys())))


def prune_store(database: Database, objects: ObjectFolder, *, keep_runs: int | None, dry_run: bool) -> PrunedStore:
    """Forget old runs where that is asked for, then remove what nothing refers to.

    Args:
        database: with runs and datasets.
        objects: to be removed.
        keep_runs: of each experiment the newest so many; None forgets none.
        dry_run: remove nothing.

    Raises:
        StoreFailed: something cannot be read or removed.
    """
    everything = database.runs.list_runs()
    old = old_runs(everything, keep_runs)
    listed = list(objects.list_objects())
    if dry_run:
        gone = {run.id for run in old}
        wanted = _digests_of([run for run in everything if run.id not in gone], database, objects)
    else:
        for run in old:
            database.runs.remove_run(run.id)
        wanted = referenced_digests(database.runs, objects)
    plan = prune_plan(listed, wanted | _other_digests(database, objects), time.time())
    removed = plan.remove if dry_run else execute_prune(objects, plan)
    freed = sum(each.size_bytes for each in removed)
    return PrunedStore(old, len(removed), freed, plan.kept_bytes, plan.recent_bytes)


def _other_digests(database: Database, objects: ObjectFolder) -> set[str]:
    """What datasets, web services and jobs refer to; a manifest that is gone or damaged names nothing any more."""
    found = database.datasets.referenced_digests() | database.jobs.referenced_digests()
    found |= database.services.referenced_digests()
    for service in database.services.list_services():
        for version in database.services.list_versions(service.id):
            with suppress(ObjectMissing, ObjectDamaged):
                found |= digests_of(objects, version.manifest)
    return found


def old_runs(runs: Sequence[RunRecord], keep: int | None) -> tuple[RunRecord, ...]:
    """Of runs, the newest first, those beyond the newest `keep` of each experiment; one that still runs is not old."""
    if keep is None:
        return ()
    seen: dict[str, int] = defaultdict(int)
    old = []
    for run in runs:
        seen[run.experiment] += 1
        if seen[run.experiment] > keep and run.state is not RunState.RUNNING:
            old.append(run)
    return tuple(old)


def _digests_of(runs: Sequence[RunRecord], database: Database, objects: ObjectFolder) -> set[str]:
    """What these runs refer to; for all of them together the database knows it at once."""
    found: set[str] = set()
    for run in runs:
        found.add(run.snapshot)
        with suppress(ObjectMissing, ObjectDamaged):
            found |= load_snapshot(objects, run.snapshot).digests
        for module in database.runs.list_modules(run.id):
            found |= {output.digest for output in module.outputs} | ({module.log} if module.log else set())
    return found
