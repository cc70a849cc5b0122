"""Where the time of a small call goes: the host's steps, the fork, each wall, and each step inside the guest.

The steps are timed in this process and in a copy of the guest's code with clocks around its functions; a step's time
contains that of the steps it calls, so columns do not add up. Page faults are counted because a fork pays by them.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import estudio
from benchmarks.figures import milliseconds, percentile
from benchmarks.processor_time import children_of, own_and_waited
from benchmarks.report import Report, publish
from benchmarks.setting import PLAIN, Setting, executor, finished_call, read_setting
from benchmarks.small_table import IDENTITY, fresh, small_table
from estudio.modules import execute_python_script as module
from estudio.sandbox import guests, pool, zygotes

PACE_SECONDS = 0.05
"""Long enough that the next guests are ready again: what is measured is a call, not the wait for a fork."""

WARM_CALLS = 10

Steps = dict[str, list[tuple[float, int]]]


class HostClock:
    """Clocks around the host's functions, for the time of a `with`."""

    def __init__(self) -> None:
        self.steps: Steps = defaultdict(list)
        self.guest_steps: Steps = defaultdict(list)
        self._kept: list[tuple[Any, str, Any]] = []

    def around(self, owner: Any, name: str, label: str) -> None:
        """Time a function of a module or class."""
        function = getattr(owner, name)

        def measured(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                self.steps[label].append((time.perf_counter() - start, 0))

        self._replace(owner, name, measured)

    def around_context(self, owner: Any, name: str, label: str) -> None:
        """Time a context manager's way in."""
        function = getattr(owner, name)

        @contextmanager
        def measured(*arguments: Any, **options: Any) -> Iterator[Any]:
            start = time.perf_counter()
            with function(*arguments, **options) as value:
                self.steps[label].append((time.perf_counter() - start, 0))
                yield value

        self._replace(owner, name, measured)

    def keep_reports(self) -> None:
        """Collect the steps that guests measured."""
        hold: Callable[..., Any] = guests.Conversation.hold

        def keeping(conversation: guests.Conversation, message: guests.CallMessage) -> guests.CallFacts:
            facts: guests.CallFacts = hold(conversation, message)
            for label, seconds, faults in (facts.report or {}).get("steps", []):
                self.guest_steps[label].append((seconds, faults))
            return facts

        self._replace(guests.Conversation, "hold", keeping)

    def _replace(self, owner: Any, name: str, value: Any) -> None:
        self._kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def restore(self) -> None:
        """Put everything back."""
        for owner, name, value in reversed(self._kept):
            setattr(owner, name, value)


@contextmanager
def clocks() -> Iterator[HostClock]:
    """Clocks on the host and, for zygotes started meanwhile, in the guest."""
    clock = HostClock()
    with tempfile.TemporaryDirectory(prefix="estudio-timed-") as folder:
        clock._replace(zygotes, "_GUEST_FOLDER", timed_guest(Path(folder)))
        clock.keep_reports()
        clock.around(module, "file_of", "the table's file, written once")
        clock.around(pool.GuestPool, "take", "take a ready guest (and ask for the next)")
        clock.around(module, "ResultFile", "make the result file")
        clock.around(module, "message_of", "compose the call")
        clock.around(guests.Guest, "send", "send the call")
        clock.around(guests.Conversation, "hold", "CONVERSATION: send to answer")
        clock.around(guests.ResultFile, "freeze", "seal the result")
        clock.around(guests.ResultFile, "map", "map the result")
        clock.around(module, "check_report", "check and build the tables")
        clock.around(guests.Guest, "kill", "kill the guest")
        clock.around(guests.Guest, "close", "close its descriptors")
        try:
            yield clock
        finally:
            clock.restore()


def timed_guest(folder: Path) -> Path:
    """A copy of the guest's code whose bootstrap puts clocks around it."""
    source = Path(estudio.__file__).parent / "guest"
    for path in source.glob("*.py"):
        shutil.copy(path, folder / path.name)
    (folder / "bootstrap.py").rename(folder / "plain_bootstrap.py")
    shutil.copy(Path(__file__).parent / "peers" / "timed_bootstrap.py", folder / "bootstrap.py")
    return folder


def measure(setting: Setting) -> Report:
    """Paced calls with clocks around everything."""
    report = Report(
        "breakdown", "where the milliseconds of a small call go", ("where", "step", "p50 ms", "p90 ms", "page faults")
    )
    count = 20 if setting.quick else 200
    with clocks() as clock, executor(setting) as target:
        _paced_calls(target, WARM_CALLS)
        clock.steps.clear()
        clock.guest_steps.clear()
        before = _cpu(target)
        totals = _paced_calls(target, count)
        after = _cpu(target)
    for where, start, end in zip(("host", "zygote", "guest"), before, after, strict=True):
        report.add(where, "CPU TIME of a call, everything included", f"{(end - start) / count * 1000:.2f} (mean)")
    report.add("host", "WHOLE CALL", *_middle([(value, 0) for value in totals])[:2])
    for label, values in clock.steps.items():
        report.add("host", label, *_middle(values)[:2])
    for label, values in clock.guest_steps.items():
        report.add("guest", label, *_middle(values))
    report.note(
        "Steps in capitals contain those below them; a step that is called more than once is counted each time."
    )
    report.note("Fork and CONFINE and PREPARE happen ahead of the call, while its predecessor runs.")
    return report


def _paced_calls(target: module.ScriptExecutor, count: int) -> list[float]:
    table, seconds = small_table(), []
    for _ in range(count):
        start = time.perf_counter()
        finished_call(target, IDENTITY, fresh(table))
        seconds.append(time.perf_counter() - start)
        time.sleep(PACE_SECONDS)
    return seconds


def _cpu(target: module.ScriptExecutor) -> tuple[float, float, float]:
    """CPU seconds so far of the host, of the zygote, and of the guests that it has waited for."""
    (first,) = children_of(target.pools.pool_for(PLAIN)._zygote._process.pid)
    (zygote,) = children_of(first)
    return time.process_time(), *own_and_waited(zygote)


def _middle(values: list[tuple[float, int]]) -> tuple[str, str, str]:
    ranked = sorted(seconds for seconds, _ in values)
    faults = statistics.median(faults for _, faults in values)
    return milliseconds(percentile(ranked, 50)), milliseconds(percentile(ranked, 90)), f"{faults:.0f}"


def main() -> None:
    """Measure and publish."""
    setting = read_setting("breakdown", "where the time of a small call goes")
    publish(measure(setting), versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
