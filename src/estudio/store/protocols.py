"""What the store promises, whatever it is made of. `store.memory` and `store.database` pass one contract suite.

Every change of a state happens in one transaction with its event, and is refused when the state machine forbids it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from estudio.core.dataset import Dataset
    from estudio.core.run import ModuleRun, Owner, RunRecord, RunState


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A stored change of state: `number` rises within a run, `body` is JSON-able."""

    number: int
    at: float
    body: dict[str, object]


class RunRepository(Protocol):
    """Runs and what became of their modules. Any thread may call it. Raises subclasses of `StoreFailed`."""

    def add_run(self, run: RunRecord, modules: Sequence[ModuleRun]) -> None:
        """A new run and all of its modules, in one transaction. Raises StateConflict where the id is taken."""
        ...

    def end_run(self, run_id: str, state: RunState, ended_at: float) -> RunRecord:
        """Move a run to a final state; modules that still wait or run become cancelled or interrupted with it.

        Raises RunNotFound, and StateConflict where the run has ended already.
        """
        ...

    def change_modules(self, run_id: str, changed: Sequence[ModuleRun]) -> None:
        """Replace these modules' records, in one durable transaction; every move of state is checked.

        A module that waits or runs may also keep its state: then its record is replaced without an event. What is
        running is written at once, but may be waiting again after the power failed: a repair makes both interrupted.
        Raises RunNotFound, ModuleNotFound, and StateConflict; then nothing is changed.
        """
        ...

    def get_run(self, run_id: str) -> RunRecord:
        """The run of that id, or of a beginning of an id that only one run has. Raises RunNotFound."""
        ...

    def list_runs(self, experiment: str | None = None, limit: int | None = None) -> list[RunRecord]:
        """Runs, the newest first: in the order in which they were added."""
        ...

    def list_modules(self, run_id: str) -> list[ModuleRun]:
        """The modules of a run in the order in which they were added. Raises RunNotFound."""
        ...

    def list_events(self, run_id: str, after: int = 0) -> list[StoredEvent]:
        """Stored events of a run with a number above `after`."""
        ...

    def find_results(self, keys: Sequence[str]) -> dict[str, tuple[str, ModuleRun]]:
        """For each of these cache keys that has one: the newest (run id, finished module run).

        Where the run that made a result was removed, the newest module run that reused it.
        """
        ...

    def find_latest(self, experiment: str, modules: Sequence[str]) -> dict[str, tuple[str, ModuleRun]]:
        """For each module the newest (run id, module run) of that experiment that finished or was reused."""
        ...

    def remove_run(self, run_id: str) -> None:
        """Forget a run; its objects stay until the next prune. Raises RunNotFound; StateConflict while it runs."""
        ...

    def repair(self, is_alive: Callable[[Owner], bool], at: float) -> list[RunRecord]:
        """End runs whose owner is gone as interrupted; returns them."""
        ...

    def referenced_digests(self) -> set[str]:
        """Digests of all objects that runs refer to."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class DatasetRepository(Protocol):
    """Datasets: families of versions. Any thread may call it. Raises subclasses of `StoreFailed`."""

    def add_dataset(self, dataset: Dataset) -> Dataset:
        """Add it as the next version of its family; the latest version itself where that has the same content.

        `version` and `is_latest` of what is given are ignored. A number that was removed is not given again.
        Raises InvalidDataset for a name that cannot be.
        """
        ...

    def list_datasets(self, family: str | None = None, *, all_versions: bool = False) -> list[Dataset]:
        """The latest version of each family, or all versions, by name and then from the latest to the first."""
        ...

    def get_dataset(self, reference: str) -> Dataset:
        """The dataset of `NAME` (its latest version) or `NAME@VERSION`. Raises DatasetNotFound, InvalidDataset."""
        ...

    def remove_dataset(self, reference: str) -> list[Dataset]:
        """Forget all versions (`NAME`) or one (`NAME@VERSION`); returns them. Raises DatasetNotFound.

        Nothing refuses: what runs used is kept by the runs' own references.
        """
        ...

    def referenced_digests(self) -> set[str]:
        """Digests of all objects that datasets refer to."""
        ...


class ObjectStore(Protocol):
    """Immutable bytes by digest. Durable when a `put` has returned. Raises subclasses of `StoreFailed`."""

    def put_bytes(self, content: bytes) -> str:
        """Keep these bytes; returns their digest. What is there already is not written again."""
        ...

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        """Keep several at once, which costs less than one after the other; returns their digests in order."""
        ...

    def put_file(self, write: Callable[[int], None]) -> str:
        """Keep what `write` writes into the descriptor it is given."""
        ...

    def read_bytes(self, digest: str, most: int) -> bytes:
        """The bytes, at most `most` of them. Raises ObjectMissing or ObjectDamaged."""
        ...

    def path_of(self, digest: str) -> Path:
        """Where the object lies, for mapping; its size is checked. Raises ObjectMissing or ObjectDamaged."""
        ...

    def has(self, digest: str) -> bool:
        """Whether it is there with its right size; then it counts as used now, and no prune removes it for a while."""
        ...

    def list_objects(self) -> Iterable[tuple[str, int, float]]:
        """All objects as (digest, size in bytes, time of last use or writing)."""
        ...

    def remove(self, digest: str) -> None:
        """Delete an object; nothing happens where it is gone already."""
        ...

    def remove_unused(self, digest: str, used_before: float) -> bool:
        """Delete an object unless it was used at or after this time, even in this moment; whether it was deleted."""
        ...

    def verify(self) -> Iterable[str]:
        """Read every object; yields the digests of those that are damaged."""
        ...

    def close(self) -> None:
        """Let go of files; what was put stays."""
        ...
