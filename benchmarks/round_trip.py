"""Round trip: a gigabyte to a script and back, every number read on both sides, beside other ways to do that.

Two kinds of script, never to be mixed up: *identity* hands its table back as it is, and estudio sends untouched columns
back as a reference (found by comparing memory, never by guessing); *every number changed* sends all numbers back.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pyarrow.compute as pc

from benchmarks.figures import Bound, Goal, number, verdict
from benchmarks.large_table import FULL_ROWS, NUMERIC, QUICK_ROWS, gigabytes, large_table, shared_folder, write_ipc
from benchmarks.peer import Peer
from benchmarks.report import Report, publish
from benchmarks.setting import Setting, executor, finished_call, read_setting
from benchmarks.small_table import fresh
from estudio.core.limits import GIB, Limits
from estudio.modules.execute_python_script import ScriptExecutor
from estudio.tables.table import Table

LIMITS = Limits(memory_bytes=8 * GIB, output_bytes=8 * GIB)
AGAINST_FEATHER = Goal(Bound.AT_MOST, 0.5)
AGAINST_READ_ONLY = Goal(Bound.AT_MOST, 1.0)
READ = "    [float(dataframe1[name].to_numpy().sum()) for name in numeric]\n"
HEAD = 'def azureml_main(dataframe1=None):\n    numeric = [n for n in dataframe1 if dataframe1[n].dtype.kind in "if"]\n'
CHANGE = "    for name in numeric:\n        dataframe1[name] += 1\n"
SCRIPTS = {False: HEAD + READ + "    return dataframe1\n", True: HEAD + READ + CHANGE + "    return dataframe1\n"}
WAYS = {
    "feather": "Feather in /dev/shm, mapped",
    "nan-kept": "the same, NaN kept, split blocks: read-only, unvalidated",
    "pickle5": "pickle 5, buffers out of band, pipe",
    "parquet": "Parquet in /dev/shm",
}
SELDOM = ("parquet", "pickle5")
"""Too slow to be taken as often as the others: timed in their one checked trip, and Parquet for one script only."""
SETTLE_SECONDS = 0.3

Trip = Callable[[], float]


def own_trip(target: ScriptExecutor, given: Callable[[], Table], *, changes: bool) -> Trip:
    """One call, from `given` to a DataFrame of the result, every number read."""

    def trip() -> float:
        start = time.perf_counter()
        result = finished_call(target, SCRIPTS[changes], given(), limits=LIMITS).table
        if result is None:
            raise RuntimeError("a finished call without a table")
        back = result.to_pandas()
        for name in NUMERIC:
            float(back[name].to_numpy().sum())
        return time.perf_counter() - start

    return trip


def check_values(target: ScriptExecutor, table: Table, *, changes: bool) -> None:
    """See once that the result holds the right values.

    Raises:
        RuntimeError: it does not.
    """
    result = finished_call(target, SCRIPTS[changes], table, limits=LIMITS).table
    expected = table.to_arrow()
    for name in NUMERIC if changes else ():
        column = pc.add(expected.column(name), 1)
        expected = expected.set_column(expected.schema.get_field_index(name), name, column)
    if result != Table.from_arrow(expected):
        raise RuntimeError("estudio's round trip changed values")


def measure(setting: Setting) -> Report:
    """Both scripts, all ways in turns."""
    table = large_table(QUICK_ROWS if setting.quick else FULL_ROWS)
    report = Report(
        "round_trip",
        f"{table.row_count} rows × 9 columns, {number(gigabytes(table))} GB, there and back, every number read",
        ("script", "way", "n", "least s", "p50 s", "estudio ÷ way", "goal for estudio"),
    )
    with executor(setting, limits=LIMITS) as target, Peer(setting, "exchange.py") as peer, shared_folder() as folder:
        write_ipc(table, folder / "table.arrow")
        peer.ask("load", path=str(folder / "table.arrow"), folder=str(folder))
        (folder / "table.arrow").unlink()
        for changes in (False, True):
            check_values(target, table, changes=changes)
            ways = [way for way in WAYS if not (changes and way == "parquet")]
            checked = {way: float(peer.ask("trip", way=way, changes=changes, verify=True)) for way in ways}
            seldom = {way: [checked[way]] for way in SELDOM if way in checked}
            trips = _trips(target, peer, table, changes=changes)
            found = _turns(trips, 2 if setting.quick else 4) | seldom
            _rows(report, "every number changed" if changes else "identity", found)
    report.note("Start: the host holds the table (peers a DataFrame, estudio its Table); end: a DataFrame in the host.")
    report.note("A table's file is written once: `estudio, walled` writes it anew each time, as its peers do.")
    report.note("Identity: estudio sends untouched columns back as a reference, after comparing them with the file.")
    report.note("Every number changed: `df[name] += 1` on all six numeric columns, on all sides; they all travel back.")
    report.note(
        "estudio's guest is fresh and walled, its DataFrame writable, its result validated; the peers' are not."
    )
    report.note("All ways were checked for equal values once before they were timed.")
    return report


def _trips(target: ScriptExecutor, peer: Peer, table: Table, *, changes: bool) -> dict[str, Trip]:
    def of_peer(way: str) -> Trip:
        return lambda: float(peer.ask("trip", way=way, changes=changes, verify=False))

    frame = table.to_pandas(copy=True)
    return {
        OWN: own_trip(target, lambda: fresh(table), changes=changes),
        OWN_AGAIN: own_trip(target, lambda: table, changes=changes),
        OWN_FROM_PANDAS: own_trip(target, lambda: Table.from_pandas(frame), changes=changes),
        **{way: of_peer(way) for way in WAYS if way not in SELDOM},
    }


OWN, OWN_AGAIN, OWN_FROM_PANDAS = (
    "estudio, walled",
    "estudio, walled, a table that a call has had before",
    "estudio, walled, from a DataFrame (Table.from_pandas)",
)


def _turns(trips: dict[str, Trip], rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {way: [] for way in trips}
    for _ in range(rounds):
        for way, trip in trips.items():
            time.sleep(SETTLE_SECONDS)
            seconds[way].append(trip())
    return seconds


def _rows(report: Report, script: str, found: dict[str, list[float]]) -> None:
    own = statistics.median(found[OWN])
    goals = {"feather": AGAINST_FEATHER, "nan-kept": AGAINST_READ_ONLY}
    for way, seconds in found.items():
        middle = statistics.median(seconds)
        ratio = "" if way == OWN else f"{own / middle:.3f}"
        goal = verdict(own / middle, goals[way]) if way in goals else ""
        report.add(script, WAYS.get(way, way), str(len(seconds)), number(min(seconds)), number(middle), ratio, goal)


def main() -> None:
    """Measure and publish."""
    setting = read_setting("round_trip", "a gigabyte there and back")
    publish(measure(setting), versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
