"""Which objects runs need: what their records name, and what their snapshots name in turn.

The repository alone does not know the second kind; a prune that asked only there would remove the scripts of old runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.engine.snapshot import load_snapshot
from estudio.errors import ObjectDamaged, ObjectMissing

if TYPE_CHECKING:
    from estudio.store.protocols import ObjectStore, RunRepository


def referenced_digests(runs: RunRepository, objects: ObjectStore) -> set[str]:
    """Digests of all objects that runs refer to, directly or through their snapshots.

    Raises:
        StoreFailed: the records cannot be read. A snapshot that is gone or damaged names nothing any more.
    """
    found = runs.referenced_digests()
    for digest in {run.snapshot for run in runs.list_runs()}:
        try:
            found |= load_snapshot(objects, digest).digests
        except (ObjectMissing, ObjectDamaged):
            continue
    return found
