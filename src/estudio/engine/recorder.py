"""Keeps results and states durably, in the order in which they came, in a thread of its own.

A module is finished when its outputs *and* its record are on the disk; those of its upstream modules came before it.
Whatever piled up while the disk was busy is recorded in one transaction.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from estudio.core.run import ModuleState
from estudio.engine.stored_values import small_content, store_large, stored_output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from estudio.core.run import ModuleRun, StoredOutput
    from estudio.engine.stored_values import HeldOutput
    from estudio.store.protocols import ObjectStore, RunRepository

    Stored = tuple[StoredOutput, ...]

_LOG = "(log)"
"""Beside the names of ports, which are words."""


@dataclass(frozen=True, slots=True)
class Change:
    """A module's next record, and what has to be stored before it.

    Attributes:
        module_run: without outputs and log where these are still to be stored.
        held: outputs to store, by port.
        log: text to store.
        complete: gives the record its last touch when the digests of all outputs before it are known.
    """

    module_run: ModuleRun
    held: Mapping[str, HeldOutput] = field(default_factory=dict)
    log: str = ""
    complete: Callable[[ModuleRun], ModuleRun] | None = None


class Recorder:
    """Stores and records what `record` is given. Any thread may call it.

    Args:
        on_stored: told the module and its outputs as soon as these have digests and are stored; called here.
        on_recorded: told what one transaction recorded; called here.
        on_failure: told what the store raised; nothing more is recorded then.
    """

    def __init__(
        self,
        runs: RunRepository,
        objects: ObjectStore,
        run_id: str,
        *,
        on_stored: Callable[[str, Stored], None],
        on_recorded: Callable[[Sequence[ModuleRun]], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._runs = runs
        self._objects = objects
        self._run_id = run_id
        self._on_stored = on_stored
        self._on_recorded = on_recorded
        self._on_failure = on_failure
        self._changes: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="estudio-recorder", daemon=True)
        self._thread.start()

    def record(self, *changes: Change) -> None:
        """Keep these, in this order, soon."""
        for change in changes:
            self._changes.put(change)

    def close(self) -> None:
        """Wait until everything is kept, or the store failed."""
        self._changes.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            while batch := self._next_batch():
                self._keep(batch)
        except Exception as error:  # noqa: BLE001 -- handed to the run, which ends with it
            self._on_failure(error)

    def _next_batch(self) -> list[Change]:
        """All that waits; empty at the end. The end's mark is put back, for the next call to see."""
        batch: list[Change] = []
        change = self._changes.get()
        while change is not None:
            batch.append(change)
            try:
                change = self._changes.get_nowait()
            except queue.Empty:
                return batch
        if batch:
            self._changes.put(None)
        return batch

    def _keep(self, batch: list[Change]) -> None:
        small = self._store_small(batch)
        changed = [self._stored(number, change, small) for number, change in enumerate(batch)]
        self._runs.change_modules(self._run_id, changed)
        self._on_recorded(changed)

    def _store_small(self, batch: list[Change]) -> dict[tuple[int, str], str]:
        """Store logs and small outputs of a batch together: digests by the change's number and the port."""
        contents: dict[tuple[int, str], bytes] = {}
        for number, change in enumerate(batch):
            for port, held in change.held.items():
                content = small_content(held)
                if content is not None:
                    contents[number, port] = content
            if change.log:
                contents[number, _LOG] = change.log.encode("utf-8", "surrogatepass")
        digests = self._objects.put_many(list(contents.values())) if contents else []
        return dict(zip(contents, digests, strict=True))

    def _stored(self, number: int, change: Change, small: dict[tuple[int, str], str]) -> ModuleRun:
        """The record of a change whose outputs are stored, large ones now."""
        module_run = change.module_run
        if change.held:
            outputs = tuple(
                stored_output(held, small.get((number, port)) or store_large(self._objects, held))
                for port, held in change.held.items()
            )
            module_run = replace(module_run, outputs=outputs)
        if change.log:
            module_run = replace(module_run, log=small[number, _LOG])
        if change.complete is not None:
            module_run = change.complete(module_run)
        if module_run.state is ModuleState.FINISHED:
            self._on_stored(module_run.module, module_run.outputs)
        return module_run
