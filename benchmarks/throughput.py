"""Throughput: small calls per second with four callers at once, beside the standard library's forkserver with as many.

Callers are threads on both sides; both sides run for the same time, in turns.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.figures import Bound, Goal, milliseconds, number, verdict
from benchmarks.peer import Peer
from benchmarks.processor_time import tree_seconds
from benchmarks.report import Report, publish
from benchmarks.setting import Setting, executor, finished_call, read_setting
from benchmarks.small_table import IDENTITY, fresh, small_table
from estudio.modules.execute_python_script import ScriptExecutor

CALLERS = 4
SETTLE_SECONDS = 0.5
GOAL = Goal(Bound.AT_LEAST, 2.0)
OWN, PLAIN, TUNED = (
    f"estudio, walled, {CALLERS} guests ready ahead",
    "stdlib forkserver, pandas + pyarrow preloaded",
    "the same, warmed up and frozen by hand",
)


@dataclass(slots=True)
class Count:
    """Calls finished in so many seconds, and the processor seconds that they took."""

    calls: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0

    def turn(self, pid: int, work: Callable[[], Sequence[float]], *, besides: Sequence[int] = ()) -> None:
        """One more turn of the side that lives in the process tree of `pid`, without the trees `besides`."""

        def used() -> float:
            return tree_seconds(pid) - sum(map(tree_seconds, besides))

        time.sleep(SETTLE_SECONDS)
        before = used()
        calls, seconds = work()
        time.sleep(SETTLE_SECONDS)
        self.calls += int(calls)
        self.seconds += seconds
        self.processor_seconds += used() - before

    @property
    def per_second(self) -> float:
        """Calls per second over all turns."""
        return self.calls / self.seconds


def together(target: ScriptExecutor, callers: int, seconds: float) -> tuple[int, float]:
    """How many calls that many threads finish, and in how many seconds."""
    table, counts, failures = small_table(), [0] * callers, list[Exception]()
    end = time.perf_counter() + seconds

    def work(place: int) -> None:
        try:
            while time.perf_counter() < end:
                finished_call(target, IDENTITY, fresh(table))
                counts[place] += 1
        except Exception as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(callers)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(counts), time.perf_counter() - start


def measure(setting: Setting) -> Report:
    """Both sides in turns."""
    report = Report(
        "throughput",
        f"identity of 10 rows × 5 mixed columns, a fresh process per call, {CALLERS} callers",
        ("way", "calls", "calls per second", "processor ms per call", "estudio ÷ way", "goal"),
    )
    rounds, seconds = (2, 2.0) if setting.quick else (4, 6.0)
    own, plain, tuned = Count(), Count(), Count()
    with (
        executor(setting, ahead=CALLERS) as target,
        Peer(setting, "forkserver.py") as forkserver,
        Peer(setting, "forkserver.py", "warmed") as warmed,
    ):
        forkserver.ask("check")
        warmed.ask("check")
        together(target, CALLERS, 0.5)
        peers = (forkserver.pid, warmed.pid)
        for _ in range(rounds):
            own.turn(os.getpid(), lambda: together(target, CALLERS, seconds), besides=peers)
            for peer, count in ((forkserver, plain), (warmed, tuned)):
                count.turn(peer.pid, functools.partial(peer.ask, "together", callers=CALLERS, seconds=seconds))
    for way, count in ((OWN, own), (PLAIN, plain), (TUNED, tuned)):
        ratio = own.per_second / count.per_second
        report.add(
            way,
            str(count.calls),
            number(count.per_second),
            milliseconds(count.processor_seconds / count.calls),
            f"{ratio:.2f}" if count is not own else "",
            verdict(ratio, GOAL) if count is plain else "",
        )
    report.note("Processor time counts all processes of a side; on a busy machine its ratio is the one to believe.")
    report.note("Every forkserver child is waited for by its caller; estudio's guests end while the next call runs.")
    return report


def main() -> None:
    """Measure and publish."""
    setting = read_setting("throughput", "calls per second with four callers")
    publish(measure(setting), versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
