"""Runs script calls: tables and a bundle in, up to two tables and a visualization out.

One call is files in → one function → files out. Each call gets a guest of its own, and nothing of it is left when the
call returns.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.core.classic_errors import classic_text
from estudio.core.outcome import (
    ScriptState,
    Timings,
    Visualization,
)
from estudio.errors import SandboxBroken
from estudio.modules.call_message import CallFiles, ScriptCall, message_of
from estudio.modules.inputs import opened_bundle
from estudio.modules.reports import CheckedReport, check_report, used_bytes
from estudio.modules.script_outcome import ScriptOutcome
from estudio.sandbox.guests import CallFacts, Conversation, Guest, ResultFile
from estudio.sandbox.outcome import Verdict, judge
from estudio.sandbox.policy import GuestProfile
from estudio.tables.tablefile import file_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from estudio.core.outcome import Isolation
    from estudio.modules.warm_pools import WarmPools
    from estudio.tables.table import Table
    from estudio.tables.tablefile import TableFile


class ScriptExecutor:
    """Runs script calls. Any thread may call it; it owns the pools that it is given."""

    def __init__(self, pools: WarmPools) -> None:
        self.pools = pools
        self._cancel = os.eventfd(0, os.EFD_CLOEXEC)
        self._calls = 0
        self._idle = threading.Condition()

    @property
    def busy(self) -> bool:
        """Whether a call is at work."""
        with self._idle:
            return self._calls > 0

    def call(self, call: ScriptCall, on_output: Callable[[bytes], None] | None = None) -> ScriptOutcome:
        """Run one script call to its end.

        Raises:
            InvalidBundle: the bundle cannot be unpacked.
            SandboxUnavailable: the walls cannot be built, or broke.
            EnvironmentFailed: the environment's packages cannot be imported.
        """
        with self._idle:
            self._calls += 1
        try:
            return self._call(call, on_output)
        finally:
            with self._idle:
                self._calls -= 1
                self._idle.notify_all()

    def _call(self, call: ScriptCall, on_output: Callable[[bytes], None] | None) -> ScriptOutcome:
        begin = time.monotonic()
        profile = GuestProfile(call.limits.disk_bytes, call.allow_programs)
        inputs = tuple(_file_of(table) for table in call.tables)
        with (
            reopened(inputs) as descriptors,
            opened_bundle(call.bundle) as bundle,
            call_folder(self.pools.walls) as folder,
        ):
            queue_begin = time.monotonic()
            pool = self.pools.pool_for(call.script)
            guest = pool.take(profile, folder)
            queue = time.monotonic() - queue_begin
            try:
                with contextlib.closing(ResultFile(call.limits.output_bytes)) as result:
                    outcome = self._converse(guest, call, CallFiles(inputs, descriptors, bundle, result), on_output)
            finally:
                guest.kill()
                guest.close()
                with contextlib.suppress(SandboxBroken):  # the next call starts another zygote
                    pool.refill()
        timings = replace(outcome.timings, queue_seconds=queue, total_seconds=time.monotonic() - begin)
        return replace(outcome, timings=timings)

    def _converse(
        self,
        guest: Guest,
        call: ScriptCall,
        files: CallFiles,
        on_output: Callable[[bytes], None] | None,
    ) -> ScriptOutcome:
        conversation = Conversation(
            guest,
            timeout_seconds=call.limits.timeout_seconds,
            log_bytes=call.limits.log_bytes,
            cancel=self._cancel,
            on_output=on_output,
        )
        if guest.cgroup is not None and call.limits != self.pools.limits:
            guest.cgroup.limit(call.limits.memory_bytes, call.limits.processes)
        limited = "resource-limits" in self.pools.walls
        message = message_of(call, guest, files, limited=limited)
        facts = conversation.hold(message)
        if facts.report is None or facts.report.get("state") != "finished":
            self._await_end(guest, facts)
        verdict = judge(facts, call.limits, bundle=files.bundle is not None)
        checked = CheckedReport()
        if facts.report is not None:
            files.result.freeze(guest)
            file = files.result.map(used_bytes(facts.report, call.limits.output_bytes))
            checked = check_report(facts.report, file, call.tables, verdict.state)
            facts.checked_seconds = time.time() - facts.answered_at
        return outcome_of(facts, verdict, checked, self.pools.isolation)

    def _await_end(self, guest: Guest, facts: CallFacts) -> None:
        """The end of a guest that did not finish says why: its status, and whether it was its memory."""
        guest.kill()
        guest.ended.wait(30.0)
        facts.status = guest.status
        facts.kernel_killed_for_memory = guest.kernel_killed_for_memory

    def cancel(self) -> None:
        """End all calls, and those that come later as soon as they begin; their state is then cancelled."""
        os.eventfd_write(self._cancel, 1)

    def close(self) -> None:
        """End all calls (their state is then cancelled), guests and zygotes."""
        self.cancel()
        with self._idle:
            self._idle.wait_for(lambda: self._calls == 0)
            self.pools.close()
        os.close(self._cancel)


@contextlib.contextmanager
def call_folder(walls: frozenset[str]) -> Iterator[str | None]:
    """Without a wall around the files, a call works in a temporary folder that is removed after it."""
    if "mount" in walls:
        yield None
        return
    folder = tempfile.mkdtemp(prefix="estudio-")
    try:
        for name in ("work/Script Bundle", "tmp", "home", "shm"):
            Path(folder, name).mkdir(parents=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def outcome_of(facts: CallFacts, verdict: Verdict, checked: CheckedReport, isolation: Isolation) -> ScriptOutcome:
    """What is told of a call; its queue and total times are still to be filled in."""
    state, error = verdict.state, verdict.error
    if checked.error is not None:
        state, error = ScriptState.FAILED, checked.error
    if error is not None:
        error = replace(error, classic_text=classic_text(error.code, error.traceback, error.message))
    log = facts.log.decode("utf-8", errors="replace")
    tables = (*checked.tables, None, None) if state is ScriptState.FINISHED else (None, None)
    return ScriptOutcome(
        state=state,
        table=tables[0],
        table2=tables[1],
        visualization=Visualization(log, checked.images, checked.concatenated),
        log=log,
        timings=_timings(facts),
        isolation=isolation,
        error=error,
    )


def _file_of(table: Table | None) -> TableFile | None:
    return None if table is None else file_of(table)


@contextlib.contextmanager
def reopened(files: tuple[TableFile | None, ...]) -> Iterator[tuple[int, ...]]:
    """Descriptors of these files for one call alone."""
    descriptors: list[int] = []
    try:
        descriptors.extend(file.reopen() for file in files if file is not None)
        yield tuple(descriptors)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _timings(facts: CallFacts) -> Timings:
    report = facts.report or {}
    told = report.get("timings")
    told = told if isinstance(told, dict) else {}
    seconds = {name: _seconds(told.get(name)) for name in ("hand_over", "script", "result")}
    start = max(0.0, _seconds(report.get("received")) - facts.sent_at) if facts.report else 0.0
    return Timings(
        start_seconds=start,
        hand_over_seconds=seconds.get("hand_over", 0.0),
        script_seconds=seconds.get("script", 0.0),
        result_seconds=seconds.get("result", 0.0) + facts.checked_seconds,
    )


def _seconds(untrusted: object) -> float:
    if isinstance(untrusted, int | float) and not isinstance(untrusted, bool) and 0 <= untrusted < 1e10:
        return float(untrusted)
    return 0.0
