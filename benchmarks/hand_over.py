"""Hand-over: from a mapped file of a gigabyte to a DataFrame that the script may change, beside `Table.to_pandas()`.

The guest maps and faults pages in when the script touches them: what reading them costs is in `round_trip`, not here.
"""

from __future__ import annotations

import statistics
import time

import pyarrow.compute as pc

from benchmarks.figures import Bound, Goal, milliseconds, number, verdict
from benchmarks.large_table import FULL_ROWS, NUMERIC, QUICK_ROWS, gigabytes, large_table, shared_folder, write_ipc
from benchmarks.peer import Peer
from benchmarks.report import Report, publish
from benchmarks.setting import Setting, executor, finished_call, read_setting
from estudio.core.limits import GIB, Limits
from estudio.modules.execute_python_script import ScriptExecutor
from estudio.tables.table import Table

GOAL = Goal(Bound.AT_MOST, 1 / 50)
LIMITS = Limits(memory_bytes=8 * GIB, output_bytes=8 * GIB)
EMPTY = "def azureml_main(dataframe1=None):\n    return dataframe1.iloc[:0]\n"
CHANGE = """
import pandas as pd
def azureml_main(dataframe1=None):
    dataframe1.loc[0, "int0"] = -7
    dataframe1.iloc[1, 2] = -7.5
    dataframe1.loc[2, "text0"] = "changed"
    dataframe1.fillna({"float1": 0.0}, inplace=True)
    return pd.DataFrame({
        "int0": [int(dataframe1.loc[0, "int0"])],
        "float0": [float(dataframe1.iloc[1, 2])],
        "text0": [str(dataframe1.loc[2, "text0"])],
        "holes": [int(dataframe1["float1"].isna().sum())],
    })
"""


def measure(setting: Setting) -> Report:
    """A quarter, a half and all of the table, on both sides."""
    full = QUICK_ROWS if setting.quick else FULL_ROWS
    report = Report(
        "hand_over",
        "a mapped table to a DataFrame that may be changed in place, ms",
        (
            "rows",
            "GB",
            "estudio p50",
            "Table.to_pandas() p50",
            "split_blocks (read-only)",
            "estudio ÷ to_pandas",
            "goal",
        ),
    )
    times = 3 if setting.quick else 7
    whole = large_table(full)
    with executor(setting, limits=LIMITS) as target, Peer(setting, "to_pandas.py") as peer, shared_folder() as folder:
        for share in (4, 2, 1):
            table = Table.from_arrow(whole.to_arrow().slice(0, full // share)) if share > 1 else whole
            write_ipc(table, folder / "table.arrow")
            answer = peer.ask("measure", path=str(folder / "table.arrow"), times=times)
            (folder / "table.arrow").unlink()
            own = statistics.median(_hand_over(target, table, times))
            plain, split = (statistics.median(answer[name]) for name in ("default", "split_blocks"))
            report.add(
                str(table.row_count),
                number(gigabytes(table)),
                *(milliseconds(value) for value in (own, plain, split)),
                f"{own / plain:.5f}",
                verdict(own / plain, GOAL),
            )
        report.note(_check_change(target, whole))
    report.note(
        "estudio's time is the guest's own word: from the job to the DataFrame, the script compiled in between."
    )
    return report


def _hand_over(target: ScriptExecutor, table: Table, times: int) -> list[float]:
    seconds = []
    for _ in range(times):
        time.sleep(0.1)  # the next guests are ready again
        seconds.append(finished_call(target, EMPTY, table, limits=LIMITS).timings.hand_over_seconds)
    return seconds


def _check_change(target: ScriptExecutor, table: Table) -> str:
    """Let a script change its table in place, and see that it saw the change and nobody else does."""
    before = _sums(table)
    result = finished_call(target, CHANGE, table, limits=LIMITS).table
    if result is None or result.to_arrow().to_pylist() != [
        {"int0": -7, "float0": -7.5, "text0": "changed", "holes": 0}
    ]:
        raise RuntimeError(f"the script could not change its table in place: {result}")
    if _sums(table) != before:
        raise RuntimeError("a script changed the table of its caller")
    return "Checked: the script changed numbers, text and gaps in place and saw it; the caller's table is as it was."


def _sums(table: Table) -> list[object]:
    return [pc.sum(table.to_arrow().column(name)).as_py() for name in NUMERIC] + [
        table.to_arrow().column("text0")[2].as_py()
    ]


def main() -> None:
    """Measure and publish."""
    setting = read_setting("hand_over", "a gigabyte to a writable DataFrame")
    publish(measure(setting), versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
