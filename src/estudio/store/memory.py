"""The repositories and the object store in memory: doubles that keep all the rules, for tests and for trying out.

They forget everything when the process ends.
"""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.core.dataset import check_dataset_name, parse_dataset_reference
from estudio.core.run import RunState
from estudio.store import event_bodies, moves
from estudio.store.dataset_rules import chosen_datasets, dataset_missing
from estudio.store.incoming import write_all
from estudio.store.objects import digest_of_descriptor, object_missing
from estudio.store.protocols import StoredEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from estudio.core.dataset import Dataset
    from estudio.core.run import ModuleRun, Owner, RunRecord


@dataclass(slots=True)
class _KeptRun:
    record: RunRecord
    modules: dict[str, ModuleRun]
    events: list[StoredEvent] = field(default_factory=list)


class MemoryRuns:
    """The `RunRepository` in memory. `clock` gives the times of events, in seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._lock = threading.RLock()
        self._runs: dict[str, _KeptRun] = {}
        self._clock = clock

    def add_run(self, run: RunRecord, modules: Sequence[ModuleRun]) -> None:
        """A new run and all of its modules. Raises StateConflict where the id is taken."""
        moves.check_new_run(run, modules)
        with self._lock:
            if run.id in self._runs:
                raise moves.refuse_second_run(run.id)
            self._runs[run.id] = _KeptRun(run, {module.module: module for module in modules})
            self._add_events(run.id, [event_bodies.run_changed(run, [module.module for module in modules])])

    def end_run(self, run_id: str, state: RunState, ended_at: float) -> RunRecord:
        """Move a run to a final state; modules that still wait or run become cancelled or interrupted with it."""
        with self._lock:
            kept = self._kept(run_id)
            moves.check_run_move(run_id, kept.record.state, state)
            unfinished = [module for module in kept.modules.values() if module.state in moves.UNFINISHED]
            ended = [moves.ended_module(module, state, ended_at) for module in unfinished]
            kept.modules |= {module.module: module for module in ended}
            kept.record = replace(kept.record, state=state, ended_at=ended_at)
            bodies = [event_bodies.module_changed(run_id, module) for module in ended]
            self._add_events(run_id, [*bodies, event_bodies.run_changed(kept.record)])
            return kept.record

    def change_modules(self, run_id: str, changed: Sequence[ModuleRun]) -> None:
        """Replace these modules' records; every move of state is checked before the first is made."""
        with self._lock:
            kept = self._kept(run_id)
            moves.check_run_runs(run_id, kept.record.state)
            states = {name: module.state for name, module in kept.modules.items()}
            moved = moves.moved_modules(run_id, states, changed)
            kept.modules |= {module.module: module for module, _ in moved}
            bodies = [event_bodies.module_changed(run_id, module) for module, has_moved in moved if has_moved]
            self._add_events(run_id, bodies)

    def get_run(self, run_id: str) -> RunRecord:
        """The run of that id, or of a beginning of an id that only one run has. Raises RunNotFound."""
        with self._lock:
            beginning = sorted(known for known in self._runs if known.startswith(run_id))
            return self._runs[moves.only_run(run_id, beginning)].record

    def list_runs(self, experiment: str | None = None, limit: int | None = None) -> list[RunRecord]:
        """Runs, the newest first."""
        with self._lock:
            records = [kept.record for kept in reversed(self._runs.values())]
        return [record for record in records if experiment in {None, record.experiment}][:limit]

    def list_modules(self, run_id: str) -> list[ModuleRun]:
        """The modules of a run in the order in which they were added. Raises RunNotFound."""
        with self._lock:
            return list(self._kept(run_id).modules.values())

    def list_events(self, run_id: str, after: int = 0) -> list[StoredEvent]:
        """Stored events of a run with a number above `after`. Raises RunNotFound."""
        with self._lock:
            return [event for event in self._kept(run_id).events if event.number > after]

    def find_results(self, keys: Sequence[str]) -> dict[str, tuple[str, ModuleRun]]:
        """For each of these cache keys that has one: the newest (run id, finished module run)."""
        wanted = set(keys)
        found: dict[str, tuple[str, ModuleRun]] = {}
        for state in moves.REUSABLE:
            for run_id, module in self._newest_first():
                if module.state is state and module.key in wanted:
                    found.setdefault(module.key, (run_id, module))
        return found

    def find_latest(self, experiment: str, modules: Sequence[str]) -> dict[str, tuple[str, ModuleRun]]:
        """For each module the newest (run id, module run) of that experiment that finished or was reused."""
        wanted = set(modules)
        found: dict[str, tuple[str, ModuleRun]] = {}
        for run_id, module in self._newest_first(experiment):
            if module.state in moves.REUSABLE and module.module in wanted:
                found.setdefault(module.module, (run_id, module))
        return found

    def remove_run(self, run_id: str) -> None:
        """Forget a run. Raises RunNotFound; StateConflict while it runs."""
        with self._lock:
            moves.check_removable(run_id, self._kept(run_id).record.state)
            del self._runs[run_id]

    def repair(self, is_alive: Callable[[Owner], bool], at: float) -> list[RunRecord]:
        """End runs whose owner is gone as interrupted; returns them."""
        with self._lock:
            running = [kept.record for kept in self._runs.values() if kept.record.state is RunState.RUNNING]
            return [self.end_run(run.id, RunState.INTERRUPTED, at) for run in running if not is_alive(run.owner)]

    def referenced_digests(self) -> set[str]:
        """Digests of all objects that runs refer to."""
        with self._lock:
            modules = [module for kept in self._runs.values() for module in kept.modules.values()]
            found = {kept.record.snapshot for kept in self._runs.values()}
        found |= {module.log for module in modules if module.log is not None}
        return found | {output.digest for module in modules for output in module.outputs}

    def close(self) -> None:
        """Nothing is held."""

    def _kept(self, run_id: str) -> _KeptRun:
        if run_id not in self._runs:
            raise moves.run_missing(run_id)
        return self._runs[run_id]

    def _newest_first(self, experiment: str | None = None) -> list[tuple[str, ModuleRun]]:
        with self._lock:
            newest = [kept for kept in reversed(self._runs.values()) if experiment in {None, kept.record.experiment}]
            return [(kept.record.id, module) for kept in newest for module in kept.modules.values()]

    def _add_events(self, run_id: str, bodies: Sequence[dict[str, object]]) -> None:
        events = self._runs[run_id].events
        for body in bodies:
            events.append(StoredEvent(len(events) + 1, self._clock(), json.loads(json.dumps(body))))


class MemoryDatasets:
    """The `DatasetRepository` in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_versions: dict[str, int] = {}
        self._versions: dict[tuple[str, int], Dataset] = {}

    def add_dataset(self, dataset: Dataset) -> Dataset:
        """Add it as the next version of its family; the latest version itself where that has the same content."""
        check_dataset_name(dataset.family)
        with self._lock:
            latest = next(iter(self._of(dataset.family)), None)
            if latest is not None and latest.has_content_of(dataset):
                return latest
            version = self._last_versions[dataset.family] = self._last_versions.get(dataset.family, 0) + 1
            added = replace(dataset, version=version, is_latest=True)
            self._versions[dataset.family, version] = added
            return added

    def list_datasets(self, family: str | None = None, *, all_versions: bool = False) -> list[Dataset]:
        """The latest version of each family, or all versions, by name and then from the latest to the first."""
        with self._lock:
            return [dataset for dataset in self._of(family) if all_versions or dataset.is_latest]

    def get_dataset(self, reference: str) -> Dataset:
        """The dataset of `NAME` (its latest version) or `NAME@VERSION`. Raises DatasetNotFound, InvalidDataset."""
        family, version = parse_dataset_reference(reference)
        with self._lock:
            found = chosen_datasets(self._of(family), version)
        if not found:
            raise dataset_missing(reference)
        return found[0]

    def remove_dataset(self, reference: str) -> list[Dataset]:
        """Forget all versions (`NAME`) or one (`NAME@VERSION`); returns them. Raises DatasetNotFound."""
        family, version = parse_dataset_reference(reference)
        with self._lock:
            found = chosen_datasets(self._of(family), version)
            if not found:
                raise dataset_missing(reference)
            for dataset in found:
                del self._versions[dataset.family, dataset.version]
            return found

    def referenced_digests(self) -> set[str]:
        """Digests of all objects that datasets refer to."""
        with self._lock:
            return {digest for one in self._versions.values() for digest in (one.original, one.table) if digest}

    def _of(self, family: str | None) -> list[Dataset]:
        """Versions of one family or of all, by name and then from the latest to the first."""
        keys = sorted((name, -version) for name, version in self._versions if family in {None, name})
        latest: dict[str, int] = {}
        for name, version in keys:
            latest.setdefault(name, -version)
        return [replace(self._versions[name, -version], is_latest=latest[name] == -version) for name, version in keys]


class MemoryObjects:
    """The `ObjectStore` in memory; `path_of` gives paths of anonymous files, good while this object lives."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._files: dict[str, int] = {}
        self._used: dict[str, float] = {}

    def __del__(self) -> None:
        for descriptor in self._files.values():
            os.close(descriptor)

    def close(self) -> None:
        """Nothing to let go of."""

    def put_bytes(self, content: bytes) -> str:
        """Keep these bytes; returns their digest."""
        return self.put_file(lambda descriptor: write_all(descriptor, content))

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        """Keep several at once; returns their digests in order."""
        return [self.put_bytes(content) for content in contents]

    def put_file(self, write: Callable[[int], None]) -> str:
        """Keep what `write` writes into the descriptor it is given."""
        descriptor = os.memfd_create("object")
        try:
            write(descriptor)
            digest = digest_of_descriptor(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        with self._lock:
            if digest in self._files:
                os.close(descriptor)
            else:
                self._files[digest] = descriptor
            self._used[digest] = self._clock()
        return digest

    def read_bytes(self, digest: str, most: int) -> bytes:
        """The bytes, at most `most` of them. Raises ObjectMissing."""
        with self.path_of(digest).open("rb") as file:
            return file.read(most)

    def path_of(self, digest: str) -> Path:
        """A path to the bytes, for this process. Raises ObjectMissing."""
        if not self.has(digest):
            raise object_missing(digest)
        return Path(f"/proc/self/fd/{self._files[digest]}")

    def has(self, digest: str) -> bool:
        """Whether it is there."""
        with self._lock:
            if digest in self._files:
                self._used[digest] = self._clock()
            return digest in self._files

    def list_objects(self) -> list[tuple[str, int, float]]:
        """All objects as (digest, size in bytes, time of last use or writing)."""
        with self._lock:
            return [
                (digest, os.fstat(descriptor).st_size, self._used[digest])
                for digest, descriptor in sorted(self._files.items())
            ]

    def remove(self, digest: str) -> None:
        """Delete an object; nothing happens where it is gone already."""
        with self._lock:
            if digest in self._files:
                os.close(self._files.pop(digest))

    def remove_unused(self, digest: str, used_before: float) -> bool:
        """Delete an object unless it was used at or after this time; whether it was deleted."""
        with self._lock:
            if digest not in self._files or self._used[digest] >= used_before:
                return False
            os.close(self._files.pop(digest))
            return True

    def verify(self) -> list[str]:
        """Read every object; the digests of those that are damaged."""
        return [
            digest for digest, descriptor in sorted(self._files.items()) if digest_of_descriptor(descriptor) != digest
        ]
