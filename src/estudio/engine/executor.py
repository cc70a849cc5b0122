"""Executes a plan: modules that do not depend on one another at one time, within the budget.

Results are handed on as soon as they are there and stored meanwhile. Only the thread in `run` decides; workers and
the recorder send it messages, and so does `cancel`, which any thread or signal handler may call.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from estudio.core.events import ModuleChanged, RunChanged
from estudio.core.run import ModuleRun, ModuleState, RunState
from estudio.engine.announcer import Announcer
from estudio.engine.budget import Ledger
from estudio.engine.holdings import Holdings
from estudio.engine.interruption import cancelled_by_interrupt
from estudio.engine.module_calls import DIGEST_AT_ONCE_BYTES, Ended, ModuleCaller
from estudio.engine.progress import Progress, Ready, Step
from estudio.engine.recorder import Change, Recorder
from estudio.engine.run_end import final_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from estudio.core.events import Event
    from estudio.core.run import RunRecord, StoredOutput
    from estudio.engine.budget import Budget
    from estudio.engine.plan import Plan
    from estudio.engine.reuse import Past
    from estudio.store.protocols import ObjectStore, RunRepository


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run works with.

    Attributes:
        runs: where it is recorded.
        objects: where results are kept.
        past: earlier results, the same that the plan was made with.
        files: opens files of the snapshot.
        budget: how much of the machine it may take.
        on_event: told what happens, in order, in a thread of its own.
        interrupt: ends all calls that are running; called once, when the run is cancelled or cannot go on.
        digest_at_once_bytes: larger tables are digested while what is below them is at work already.
    """

    runs: RunRepository
    objects: ObjectStore
    past: Past
    files: Callable[[str], Path]
    budget: Budget
    on_event: Callable[[Event], None] | None = None
    interrupt: Callable[[], None] | None = None
    digest_at_once_bytes: int = DIGEST_AT_ONCE_BYTES


@dataclass(frozen=True, slots=True)
class _Stored:
    name: str


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


@dataclass(frozen=True, slots=True)
class _CancelAsked:
    pass


_Message: TypeAlias = Ended | _Stored | _Failed | _CancelAsked


class Execution:
    """One run being executed. Make it, call `run` once."""

    def __init__(self, plan: Plan, record: RunRecord, around: Surroundings) -> None:
        self.plan = plan
        self._record = record
        self._around = around
        self._messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._holdings = Holdings(around.objects)
        self._progress = Progress(plan, around.past, self._holdings)
        self._ledger = Ledger(around.budget)
        self._ready: deque[Ready] = deque()
        self._changes: list[Change] = []
        self._running: dict[str, ModuleRun] = {}
        self._announcer = Announcer(around.on_event)
        self._failure: BaseException | None = None
        self._is_stopping = False

    def cancel(self) -> None:
        """End the run soon: nothing new starts, running calls are ended, what is finished is kept."""
        self._messages.put(_CancelAsked())

    def run(self) -> RunRecord:
        """Execute the plan; returns the run's record with its final state.

        Raises:
            KeyboardInterrupt: Ctrl-C in the main thread; the run is cancelled cleanly first.
            StoreFailed: results or states could not be kept; those recorded before are.
            Exception: what a watcher of events raised, or a mistake of ours; the run has ended when it is raised.
        """
        modules = [ModuleRun(planned.name, planned.kind.name) for planned in self.plan.modules.values()]
        modules += [ModuleRun(name, kind) for name, kind in self.plan.skipped.items()]
        self._around.runs.add_run(self._record, modules)
        with cancelled_by_interrupt(self.cancel):
            return self._run(modules)

    def _run(self, modules: Sequence[ModuleRun]) -> RunRecord:
        self._announcer.start()
        self._announcer.announce(RunChanged(self._record, tuple(module.module for module in modules)))
        try:
            self._execute()
        except BaseException as error:  # noqa: BLE001 -- raised below, when the run has its final state
            self._failure = self._failure or error
        self._end()
        if self._failure is not None:
            raise self._failure
        return self._record

    def _end(self) -> None:
        try:
            self._record = self._around.runs.end_run(self._record.id, self._final_state(), time.time())
        except Exception as error:  # noqa: BLE001 -- the first failure says more; the next command repairs the run
            self._failure = self._failure or error
        else:
            self._announcer.announce(RunChanged(self._record))
        watching = self._announcer.close()
        self._failure = self._failure or watching

    def _final_state(self) -> RunState:
        if isinstance(self._failure, Exception):
            return RunState.FAILED
        states = self._progress.states
        if self._failure is not None or not self._progress.is_over or ModuleState.CANCELLED in states.values():
            return RunState.CANCELLED
        return final_state(self.plan.targets, states, partial=self.plan.is_partial)

    def _execute(self) -> None:
        around, run_id = self._around, self._record.id
        recorder = Recorder(
            around.runs,
            around.objects,
            run_id,
            on_stored=self._on_stored,
            on_recorded=self._on_recorded,
            on_failure=lambda error: self._messages.put(_Failed(error)),
        )
        caller = ModuleCaller(
            run_id,
            self._holdings,
            around.objects,
            around.files,
            self._announcer.announce,
            digest_at_once_bytes=around.digest_at_once_bytes,
        )
        workers = ThreadPoolExecutor(around.budget.parallel, thread_name_prefix="estudio-module")
        try:
            self._take(self._progress.begin())
            while self._is_at_work:
                self._start_ready(workers, caller)
                self._hand_changes(recorder)
                if self._is_at_work:
                    self._handle(self._messages.get())
        finally:
            self._stop()
            workers.shutdown(wait=True, cancel_futures=True)
            self._handle_rest()
            self._hand_changes(recorder)
            recorder.close()
            self._handle_rest()

    @property
    def _is_at_work(self) -> bool:
        return bool(self._running) or not (self._is_stopping or self._progress.is_over)

    def _take(self, step: Step) -> None:
        self._changes.extend(step.changes)
        self._ready.extend(step.ready)

    def _hand_changes(self, recorder: Recorder) -> None:
        """Together, and when all that can go has been started: what is below need not wait for the recorder."""
        recorder.record(*self._changes)
        self._changes.clear()

    def _start_ready(self, workers: ThreadPoolExecutor, caller: ModuleCaller) -> None:
        """Start what there is room for, in order; what is too large now lets others pass."""
        too_large: list[Ready] = []
        while self._ready and not self._is_stopping and not self._ledger.is_full:
            ready = self._ready.popleft()
            if not self._ledger.admit(ready.planned.name, ready.memory_bytes):
                too_large.append(ready)
                continue
            running = replace(ready.module_run, started_at=time.time())
            self._running[running.module] = running
            self._changes.append(Change(running))
            self._announcer.announce(ModuleChanged(self._record.id, running))
            workers.submit(self._work, caller, ready)
        self._ready.extendleft(reversed(too_large))

    def _work(self, caller: ModuleCaller, ready: Ready) -> None:
        self._messages.put(caller.call(ready.planned, ready.ports))

    def _handle(self, message: _Message) -> None:
        if isinstance(message, Ended):
            self._handle_ended(message)
        elif isinstance(message, _Stored):
            self._ledger.release_stored(message.name)
            self._take(self._progress.stored(message.name))
        elif isinstance(message, _Failed):
            self._failure = self._failure or message.error
            self._stop()
        else:
            self._stop()

    def _handle_ended(self, ended: Ended) -> None:
        running = self._running.pop(ended.name)
        self._ledger.release(ended.name)
        if ended.state is ModuleState.FINISHED:
            self._ledger.hold(ended.name, ended.held_bytes)
        if ended.failure is not None:
            self._failure = self._failure or ended.failure
        if ended.state is ModuleState.CANCELLED:
            self._stop()
        self._take(self._progress.ended(ended, running))

    def _stop(self) -> None:
        """Start nothing more, and end what runs."""
        if not self._is_stopping:
            self._is_stopping = True
            if self._running and self._around.interrupt is not None:
                self._around.interrupt()

    def _handle_rest(self) -> None:
        """What was sent after the last message that was waited for: results to keep, failures to raise."""
        while not self._messages.empty():
            self._handle(self._messages.get())

    def _on_stored(self, name: str, outputs: tuple[StoredOutput, ...]) -> None:
        self._holdings.add_stored(name, outputs)
        self._messages.put(_Stored(name))

    def _on_recorded(self, changed: Sequence[ModuleRun]) -> None:
        run_id = self._record.id
        self._announcer.announce(
            *(ModuleChanged(run_id, module) for module in changed if module.state is not ModuleState.RUNNING)
        )
