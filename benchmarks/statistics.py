"""Statistics: a look at 10 million rows × 20 columns, beside pandas `describe` and `value_counts` of every column.

pandas has its DataFrame in memory already; estudio begins with the mapped file. What estudio estimates, it says.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.figures import Bound, Goal, number, verdict
from benchmarks.large_table import gigabytes, shared_folder, write_ipc
from benchmarks.peer import Peer
from benchmarks.report import Report, publish
from benchmarks.setting import Setting, read_setting
from estudio.core.statistics import Figure, TableStatistics
from estudio.tables.statistics import table_statistics
from estudio.tables.table import Table

FULL_ROWS = 10_000_000
QUICK_ROWS = 1_000_000
RATIO = Goal(Bound.AT_LEAST, 5)
SECONDS = Goal(Bound.AT_MOST, 2, "s")
TIMES = 3
TOLERANCE = 0.05
"""Of an estimated number of distinct values, relative: what is checked of it."""


def wide_table(rows: int) -> Table:
    """10 float64 with one value in twenty missing, 4 int64, 4 texts of 5 to `rows` distinct values, 1 bool, 1 time."""
    random = np.random.default_rng(20_240_831)
    columns: dict[str, object] = {}
    for place in range(10):
        values = random.standard_normal(rows) if place % 2 else random.random(rows)
        values[random.integers(0, 20, rows) == 0] = np.nan
        columns[f"float{place}"] = pa.array(values)
    for place, most in enumerate((10, 1_000, 1_000_000, 2**62)):
        columns[f"int{place}"] = pa.array(random.integers(0, most, rows))
    for name, distinct in (("few0", 5), ("few1", 200), ("many0", 100_000)):
        words = pa.array([f"word{place:08d}" for place in range(distinct)], pa.large_string())
        columns[name] = words.take(pa.array(random.integers(0, distinct, rows)))  # type: ignore[arg-type] # the stub takes no NumPy dtype
    numbers = pa.array(random.permutation(rows)).cast(pa.large_string())
    parts: Any = (pa.scalar("row", pa.large_string()), numbers, pa.scalar("-", pa.large_string()))
    columns["many1"] = pc.binary_join_element_wise(*parts)
    columns["flag"] = pa.array(random.integers(0, 2, rows).astype(bool))
    columns["moment"] = pa.array((random.integers(0, 10**9, rows) * 10**9).view("datetime64[ns]"))
    return Table.from_arrow(pa.table(columns))


def measure(setting: Setting) -> Report:
    """Both sides, one after the other: they would slow each other down."""
    rows = QUICK_ROWS if setting.quick else FULL_ROWS
    report = Report(
        "statistics",
        "a look at every column of a table, s",
        ("rows", "columns", "GB", "estudio p50", "pandas", "pandas ÷ estudio", "in seconds"),
    )
    with shared_folder() as folder:
        table = wide_table(rows)
        size = gigabytes(table)
        write_ipc(table, folder / "table.arrow")
        del table
        own, found = _own(folder / "table.arrow")
        report.note(_check(found, folder / "table.arrow"))
        with Peer(setting, "described.py") as peer:
            names = peer.ask("load", path=str(folder / "table.arrow"))
            seconds = peer.ask("describe") + sum(peer.ask("count", name=name) for name in names)
    report.add(
        str(rows),
        str(len(found.columns)),
        number(size),
        number(own),
        number(seconds),
        verdict(seconds / own, RATIO),
        verdict(own, SECONDS),
    )
    report.note("pandas: describe(include='all') and value_counts() per column, the DataFrame in memory before.")
    report.note(f"estimates: {_estimates(found)}")
    return report


def _own(path: Path) -> tuple[float, TableStatistics]:
    seconds = []
    with pa.memory_map(str(path)) as source:
        for _ in range(TIMES):
            table = Table.from_arrow(pa.ipc.open_file(source).read_all())
            start = time.perf_counter()
            found = table_statistics(table)
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), found


def _check(found: TableStatistics, path: Path) -> str:
    """Compare with what pyarrow computes; a fast wrong answer is no answer."""
    columns = {column.name: column for column in found.columns}
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
        for name in ("float0", "float1", "int3"):
            values = table.column(name).cast(pa.float64(), safe=False)
            exact = (pc.mean(values).as_py(), pc.stddev(values, ddof=1).as_py(), pc.quantile(values, 0.5)[0].as_py())
            ours = (columns[name].mean, columns[name].standard_deviation, columns[name].median)
            if not np.allclose(np.array(ours, dtype=float), np.array(exact), rtol=1e-9, atol=1e-12):
                raise RuntimeError(f"{name}: {ours} instead of {exact}")
        for name, distinct in (("few1", 200), ("many0", 100_000), ("many1", found.row_count)):
            unique = columns[name].unique or 0
            if abs(unique - distinct) > TOLERANCE * distinct:
                raise RuntimeError(f"{name}: {unique} different values instead of {distinct}")
    return "Checked: means, deviations and medians against pyarrow's, distinct values to within 5 %."


def _estimates(found: TableStatistics) -> str:
    counts = {figure: sum(column.is_approximate(figure) for column in found.columns) for figure in Figure}
    return ", ".join(f"{figure.value} of {count} columns" for figure, count in counts.items() if count) or "none"


def main() -> None:
    """Measure and publish."""
    setting = read_setting("statistics", "a look at every column of a large table")
    publish(measure(setting), versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
