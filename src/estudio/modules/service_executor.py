"""Runs the script calls of web services in guests that have their script loaded already.

A guest serves one script with one bundle, one calling and one set of limits. What differs from an ordinary call: the
script's top level has run before, and with the isolation `worker` what a call leaves in memory stays.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.core.service import ServiceIsolation
from estudio.errors import EstudioError, SandboxBroken, ServiceBusy
from estudio.modules.execute_python_script import call_folder, outcome_of, reopened
from estudio.modules.file_digests import digest_of
from estudio.modules.inputs import opened_bundle
from estudio.modules.reports import CheckedReport, check_report, used_bytes
from estudio.modules.service_message import CallParts, ProcessLimits, call_parts, load_message
from estudio.modules.service_slots import NoPlace, Slots
from estudio.sandbox.outcome import judge
from estudio.sandbox.policy import GuestProfile
from estudio.sandbox.service_exchange import Bounds, ServiceFacts, ServiceMessage
from estudio.sandbox.service_guests import ServiceGuest

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from estudio.core.limits import Limits
    from estudio.modules.call_message import ScriptCall
    from estudio.modules.script_outcome import ScriptOutcome
    from estudio.modules.warm_pools import WarmPools

MAX_CALLS = 2_000
"""Of one guest: all calls of it share an address layout and a hash seed, and a worker may leak what it holds."""
LOOK_EVERY_CALLS = 64
"""How often a worker's memory is looked at: reading its control group takes as long as a part of a call."""
MEMORY_SHARE = 0.75
"""Of its memory limit: a worker that holds more is replaced before a call fails for what earlier ones left."""
MAX_ATTEMPTS = 3
"""Guests for one call that ended before they had it; the last ones are new."""
MAX_SCRIPTS = 64
"""Scripts whose guests are kept; beyond, those end that were called the longest time ago."""


@dataclass(slots=True)
class _Serving:
    """A loaded guest and its limits."""

    guest: ServiceGuest
    limits: ProcessLimits | None
    is_followed: bool = False


@dataclass(slots=True)
class _Script:
    """The places of one script."""

    slots: Slots[_Serving]
    example: ScriptCall
    users: int = 0


class ServiceExecutor:
    """Runs the calls of services in one environment. Any thread may call it; it owns the pools that it is given.

    Args:
        pools: of the environment.
        isolation: of the calls of one service from each other.
        slots: how many calls of one script run at a time.
        max_calls: after how many a guest is replaced.
    """

    def __init__(
        self, pools: WarmPools, isolation: ServiceIsolation, slots: int, *, max_calls: int = MAX_CALLS
    ) -> None:
        self.pools = pools
        self.isolation = isolation
        self._slots = slots
        self._max_calls = max_calls
        self._cancel = os.eventfd(0, os.EFD_CLOEXEC)
        self._is_cancelled = False
        self._calls = 0
        self._idle = threading.Condition()
        self._lock = threading.Lock()
        self._scripts: OrderedDict[Hashable, _Script] = OrderedDict()
        self._bundles: dict[str, tuple[tuple[int, ...] | None, str]] = {}

    def call(self, call: ScriptCall, on_output: Callable[[bytes], None] | None = None) -> ScriptOutcome:
        """Run one script call to its end.

        Raises:
            ServiceBusy: no place came free within the call's timeout.
            InvalidBundle: the bundle cannot be unpacked.
            SandboxUnavailable: the walls cannot be built, or broke.
            EnvironmentFailed: the environment's packages cannot be imported.
        """
        begin = time.monotonic()
        with self._at_work(), self._script_of(call) as script:
            try:
                serving = script.slots.take(call.limits.timeout_seconds)
            except NoPlace:
                return self._no_place(call)
            try:
                outcome, serving = self._serve(call, serving, begin, on_output)
            except BaseException:
                script.slots.give_back(None)
                raise
            self._give_back(script, serving)
            return outcome

    def warm(self, call: ScriptCall) -> ScriptOutcome | None:
        """Have guests ready for calls like this one in all places; its tables and parameters do not matter.

        Returns:
            None, or how the script failed while it was loaded.

        Raises:
            As `call`, but for ServiceBusy.
        """
        with self._at_work(), self._script_of(call) as script:
            while script.slots.idle_count < self._slots:
                loaded = self._load(call, None)
                if not isinstance(loaded, _Serving):
                    return loaded
                script.slots.add_idle(loaded)
        return None

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        self._begin_work()
        try:
            yield
        finally:
            self._end_work()

    def _begin_work(self) -> None:
        with self._idle:
            self._calls += 1

    def _end_work(self) -> None:
        with self._idle:
            self._calls -= 1
            self._idle.notify_all()

    def _no_place(self, call: ScriptCall) -> ScriptOutcome:
        if self._is_cancelled:
            facts = ServiceFacts(cancelled=True)
            return outcome_of(facts, judge(facts, call.limits), CheckedReport(), self.pools.isolation)
        raise ServiceBusy(
            f"All {self._slots} places of {call.script.name} were taken for {call.limits.timeout_seconds:g} seconds. "
            "Try again later, or serve it with more of them.",
            retry_after_seconds=1,
        )

    # --- one call

    def _serve(
        self, call: ScriptCall, serving: _Serving | None, begin: float, on_output: Callable[[bytes], None] | None
    ) -> tuple[ScriptOutcome, _Serving | None]:
        parts = call_parts(call)
        try:
            for attempt in range(MAX_ATTEMPTS):
                if serving is None or not serving.guest.alive or attempt == MAX_ATTEMPTS - 1:
                    _close(serving)
                    serving = None
                    loaded = self._load(call, on_output)
                    if not isinstance(loaded, _Serving):
                        total = time.monotonic() - begin
                        return replace(loaded, timings=replace(loaded.timings, total_seconds=total)), None
                    serving = loaded
                queue = time.monotonic() - begin
                facts = self._hold(call, parts, serving, on_output)
                if not facts.unbegun:
                    outcome = self._outcome(call, serving.guest, facts)
                    timings = replace(outcome.timings, queue_seconds=queue, total_seconds=time.monotonic() - begin)
                    return replace(outcome, timings=timings), serving
        except BaseException:
            _close(serving)
            raise
        _close(serving)
        raise SandboxBroken("Guests of this service end before they get their call. Try the call again.")

    def _hold(
        self, call: ScriptCall, parts: CallParts, serving: _Serving, on_output: Callable[[bytes], None] | None
    ) -> ServiceFacts:
        guest = serving.guest
        with reopened(parts.files) as descriptors:
            job = parts.text(serving.limits if self.isolation is ServiceIsolation.CALL else None)
            message = ServiceMessage(job, parts.payload, descriptors)
            return guest.call(message, self._bounds(call.limits, on_output, guest.loaded_log))

    def _outcome(self, call: ScriptCall, guest: ServiceGuest, facts: ServiceFacts) -> ScriptOutcome:
        facts.log[:0] = guest.loaded_log
        try:
            verdict = judge(facts, call.limits, bundle=False)
            checked = CheckedReport()
            if facts.report is not None and facts.broken_report is None:
                checked = check_report(facts.report, _result(guest, facts), call.tables, verdict.state)
                facts.checked_seconds = time.time() - facts.answered_at
            return outcome_of(facts, verdict, checked, self.pools.isolation)
        finally:
            if facts.result is not None:
                facts.result.close()

    def _bounds(self, limits: Limits, on_output: Callable[[bytes], None] | None, loaded_log: bytes = b"") -> Bounds:
        if on_output is not None and loaded_log:
            on_output(loaded_log)
        room = max(1, limits.log_bytes - len(loaded_log))
        return Bounds(limits.timeout_seconds, room, limits.output_bytes, self._cancel, on_output)

    # --- guests

    def _load(self, call: ScriptCall, on_output: Callable[[bytes], None] | None) -> _Serving | ScriptOutcome:
        """A guest that has the script loaded, or how the script failed."""
        with contextlib.ExitStack() as held, opened_bundle(call.bundle) as bundle:
            folder = held.enter_context(call_folder(self.pools.walls))
            pool = self.pools.pool_for(call.script)
            taken = pool.take(GuestProfile(call.limits.disk_bytes, call.allow_programs), folder)
            guest = ServiceGuest(taken, self.isolation, held.pop_all())
            try:
                limits = ProcessLimits.of(taken, call.limits) if "resource-limits" in self.pools.walls else None
                if taken.cgroup is not None:
                    taken.cgroup.limit(call.limits.memory_bytes, call.limits.processes)
                message = load_message(call, self.isolation, limits, bundle)
                facts = guest.load(message, self._bounds(call.limits, None))
                if guest.usable:
                    with contextlib.suppress(SandboxBroken):  # the next guest comes from another zygote
                        pool.refill()
                    return _Serving(guest, limits)
                return self._failed_load(call, guest, facts, on_output)
            finally:
                if not guest.usable:
                    guest.close()

    def _failed_load(
        self, call: ScriptCall, guest: ServiceGuest, facts: ServiceFacts, on_output: Callable[[bytes], None] | None
    ) -> ScriptOutcome:
        if on_output is not None and facts.log:
            on_output(bytes(facts.log))
        try:
            verdict = judge(facts, call.limits, bundle=call.bundle is not None)
            checked = CheckedReport()
            if facts.report is not None and facts.broken_report is None:
                checked = check_report(facts.report, _result(guest, facts), (), verdict.state)
            return outcome_of(facts, verdict, checked, self.pools.isolation)
        finally:
            if facts.result is not None:
                facts.result.close()

    def _give_back(self, script: _Script, serving: _Serving | None) -> None:
        if serving is not None and not serving.guest.alive:
            _close(serving)
            serving = None
        if serving is not None and self._is_worn_out(script, serving):
            if serving.is_followed and script.slots.idle_count:
                _close(serving)
                serving = None
            elif not serving.is_followed:
                serving.is_followed = True
                self._start_successor(script)
        script.slots.give_back(serving)

    def _is_worn_out(self, script: _Script, serving: _Serving) -> bool:
        guest = serving.guest
        if guest.calls >= self._max_calls:
            return True
        if guest.calls % LOOK_EVERY_CALLS or self.isolation is not ServiceIsolation.WORKER:
            return False
        cgroup = guest.guest.cgroup
        return cgroup is not None and cgroup.used_bytes() > MEMORY_SHARE * script.example.limits.memory_bytes

    def _start_successor(self, script: _Script) -> None:
        """Load another guest while the old one still serves: no call waits for it."""

        def start() -> None:
            try:
                loaded = self._load(script.example, None)
                if isinstance(loaded, _Serving):
                    script.slots.add_idle(loaded)
            except EstudioError:
                pass  # the old one goes on
            finally:
                self._leave(script)
                self._end_work()

        self._begin_work()
        with self._lock:
            script.users += 1
        threading.Thread(target=start, name="estudio-service-successor").start()

    # --- scripts

    @contextlib.contextmanager
    def _script_of(self, call: ScriptCall) -> Iterator[_Script]:
        """The places for calls of this script, which are kept meanwhile. Times and logs are bounded call by call."""
        limits = call.limits
        sizes = (limits.memory_bytes, limits.disk_bytes, limits.processes, limits.output_bytes)
        key = (call.script, self._bundle_key(call.bundle), call.calling, sizes, call.allow_programs)
        with self._lock:
            script = self._scripts.get(key)
            if script is None:
                slots: Slots[_Serving] = Slots(self._slots, last_first=self.isolation is ServiceIsolation.WORKER)
                script = self._scripts[key] = _Script(slots, replace(call, tables=(), parameters={}, seed=None))
            script.users += 1
            self._scripts.move_to_end(key)
            dropped = self._drop_unused()
        for old in dropped:
            _empty(old)
        try:
            yield script
        finally:
            self._leave(script)

    def _leave(self, script: _Script) -> None:
        with self._lock:
            script.users -= 1

    def _drop_unused(self) -> list[_Script]:
        oldest = list(self._scripts)[: max(0, len(self._scripts) - MAX_SCRIPTS)]
        return [self._scripts.pop(key) for key in oldest if not self._scripts[key].users]

    def _bundle_key(self, bundle: str | Path | None) -> tuple[str, str] | None:
        """A bundle by its path and content. The content is read again only where the file has changed."""
        if bundle is None:
            return None
        path = Path(bundle)
        facts = path.stat() if path.is_file() else None
        seen = None if facts is None else (facts.st_ino, facts.st_size, facts.st_mtime_ns)
        known = self._bundles.get(str(path))
        if known is None or known[0] != seen:
            known = self._bundles[str(path)] = (seen, digest_of(path) if path.exists() else "")
        return str(path), known[1]

    # --- the end

    def cancel(self) -> None:
        """End all calls, and those that come later as soon as they begin; their state is then cancelled."""
        self._is_cancelled = True
        os.eventfd_write(self._cancel, 1)
        with self._lock:
            scripts = list(self._scripts.values())
        for script in scripts:
            script.slots.close()

    def close(self) -> None:
        """End all calls (their state is then cancelled), guests and zygotes."""
        self.cancel()
        with self._idle:
            self._idle.wait_for(lambda: self._calls == 0)
        for script in self._scripts.values():
            _empty(script)
        self._scripts.clear()
        self.pools.close()
        os.close(self._cancel)


def _empty(script: _Script) -> None:
    while (serving := script.slots.remove_idle()) is not None:
        _close(serving)


def _close(serving: _Serving | None) -> None:
    if serving is not None:
        serving.guest.close()


def _result(guest: ServiceGuest, facts: ServiceFacts) -> memoryview:
    """The bytes of the result, which nobody can change any more."""
    if facts.result is None or facts.report is None:
        return memoryview(facts.payload)
    facts.result.freeze(guest.guest)
    size = os.fstat(facts.result.descriptor).st_size
    return facts.result.map(used_bytes(facts.report, size))
