"""Calls of a web service's script: 1 row × 10 columns through one line of pandas, in loaded guests, without HTTP.

`worker` is one walled process for all calls, `call` a fresh one for each; beside them the same line in this process,
on a DataFrame that is made anew, which isolates nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing

import pyarrow as pa

from benchmarks.figures import Bound, Goal, Spread, milliseconds, spread, verdict
from benchmarks.report import Report, publish
from benchmarks.setting import Setting, read_setting
from estudio.core.limits import Limits
from estudio.core.service import ServiceIsolation
from estudio.modules.call_message import ScriptCall
from estudio.modules.inputs import ScriptSource
from estudio.modules.service_executor import ServiceExecutor
from estudio.modules.warm_pools import WarmPools
from estudio.tables.table import Table

SCRIPT = b"def azureml_main(df):\n    df['total'] = df['c0'] + df['c1']\n    return df\n"
COLUMNS = 10
SLOTS = 2
WORKER_GOAL = Goal(Bound.AT_MOST, 0.8, "ms")
CALL_GOAL = Goal(Bound.AT_MOST, 6.0, "ms")
CALL_RATE_GOAL = Goal(Bound.AT_LEAST, 150, "calls/s")

Call = Callable[[], object]


def row() -> pa.Table:
    """One row of numbers."""
    return pa.table({f"c{number}": pa.array([float(number)]) for number in range(COLUMNS)})


def in_process() -> object:
    """The same work on pandas here."""
    frame = row().to_pandas()
    frame["total"] = frame["c0"] + frame["c1"]
    return frame


def take_turns(call: Call, callers: int, count: int) -> tuple[Spread, float]:
    """The spread of `count` calls of each caller, and calls per second of all together."""
    seconds: list[float] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(count):
                begin = time.perf_counter()
                call()
                seconds.append(time.perf_counter() - begin)
        except BaseException as error:  # noqa: BLE001 -- told by the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(callers)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return spread(seconds), callers * count / (time.perf_counter() - begin)


def service_call(executor: ServiceExecutor) -> Call:
    """One call that has to finish, of a table that no call has met."""
    script, values = ScriptSource("measured.py", SCRIPT), row()

    def call() -> object:
        outcome = executor.call(ScriptCall(script, (Table(values),)))
        if not outcome.finished:
            raise RuntimeError(f"the measured script ended as {outcome.state}: {outcome.error}")
        return outcome

    return call


def measure(setting: Setting) -> Report:
    """Both kinds of isolation, with one caller and with four."""
    report = Report(
        "service_calls",
        f"a service's script on 1 row × {COLUMNS} columns, {SLOTS} places, ms",
        ("way", "callers", "n", "p50", "p90", "p99", "calls/s", "goal"),
    )
    count = 100 if setting.quick else 1_000
    in_process()
    _row(report, "pandas in this process", 1, *take_turns(in_process, 1, count), "")
    for isolation in (ServiceIsolation.WORKER, ServiceIsolation.CALL):
        with closing(ServiceExecutor(WarmPools(setting.environment, Limits()), isolation, SLOTS)) as executor:
            executor.warm(ScriptCall(ScriptSource("measured.py", SCRIPT)))
            call = service_call(executor)
            take_turns(call, 1, 20)
            for callers in (1, 4):
                found, rate = take_turns(call, callers, count // callers)
                _row(
                    report, f"isolation {isolation.value}", callers, found, rate, _goal(isolation, callers, found, rate)
                )
    report.note("The clock stops when the checked result is in hand.")
    return report


def _goal(isolation: ServiceIsolation, callers: int, found: Spread, rate: float) -> str:
    if isolation is ServiceIsolation.WORKER:
        return "" if callers > 1 else verdict(found.p50 * 1000, WORKER_GOAL)
    return verdict(rate, CALL_RATE_GOAL) if callers > 1 else verdict(found.p50 * 1000, CALL_GOAL)


def _row(report: Report, way: str, callers: int, found: Spread, rate: float, goal: str) -> None:
    cells = (milliseconds(value) for value in (found.p50, found.p90, found.p99))
    report.add(way, str(callers), str(found.count), *cells, f"{rate:.0f}", goal)


def main() -> None:
    """Measure and publish."""
    setting = read_setting("service_calls", "calls of a service's script in loaded guests")
    publish(measure(setting), versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
