"""Throughput: small calls per second with four callers at once, beside the standard library's forkserver with as many.

Callers are threads on both sides; both sides run for the same time, in turns.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from benchmarks.figures import Bound, Goal, number, verdict
from benchmarks.peer import Peer
from benchmarks.report import Report, publish
from benchmarks.setting import Setting, executor, finished_call, read_setting
from benchmarks.small_table import IDENTITY, small_table
from estudio.modules.execute_python_script import ScriptExecutor

CALLERS = 4
SETTLE_SECONDS = 0.5
GOAL = Goal(Bound.AT_LEAST, 2.0)


@dataclass(slots=True)
class Count:
    """Calls finished in so many seconds."""

    calls: int = 0
    seconds: float = 0.0

    def add(self, calls: int, seconds: float) -> None:
        """One more turn."""
        self.calls += calls
        self.seconds += seconds

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
                finished_call(target, IDENTITY, table)
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
        ("way", "calls", "calls per second", "estudio ÷ way", "goal"),
    )
    rounds, seconds = (1, 2.0) if setting.quick else (4, 6.0)
    own, plain, tuned = Count(), Count(), Count()
    with (
        executor(setting, ahead=CALLERS) as target,
        Peer(setting, "forkserver.py") as forkserver,
        Peer(setting, "forkserver.py", "warmed") as warmed,
    ):
        forkserver.ask("check")
        warmed.ask("check")
        together(target, CALLERS, 0.5)
        for _ in range(rounds):
            time.sleep(SETTLE_SECONDS)
            own.add(*together(target, CALLERS, seconds))
            for peer, count in ((forkserver, plain), (warmed, tuned)):
                time.sleep(SETTLE_SECONDS)
                count.add(*peer.ask("together", callers=CALLERS, seconds=seconds))
    report.add(f"estudio, walled, {CALLERS} guests ready ahead", str(own.calls), number(own.per_second))
    ratio = own.per_second / plain.per_second
    report.add(
        "stdlib forkserver, pandas + pyarrow preloaded",
        str(plain.calls),
        number(plain.per_second),
        f"{ratio:.2f}",
        verdict(ratio, GOAL),
    )
    report.add(
        "the same, warmed up and frozen by hand",
        str(tuned.calls),
        number(tuned.per_second),
        f"{own.per_second / tuned.per_second:.2f}",
    )
    report.note("Every forkserver child is waited for by its caller; estudio's guests end while the next call runs.")
    return report


def main() -> None:
    """Measure and publish."""
    setting = read_setting("throughput", "calls per second with four callers")
    publish(measure(setting), versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
