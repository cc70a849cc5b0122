"""The large table of the benchmarks, the same in every run: 9 columns, 96 bytes a row.

2 int64, 4 float64 of which one value in twenty is NaN, 2 texts of 12 characters with 10 000 distinct values,
1 datetime64[ns].
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from estudio.tables.table import Table

FULL_ROWS = 11_000_000
"""1.06 GB of values."""
QUICK_ROWS = 400_000
DISTINCT_TEXTS = 10_000
SHARED_MEMORY = "/dev/shm"
NUMERIC = ("int0", "int1", "float0", "float1", "float2", "float3")


def large_table(rows: int) -> Table:
    """The table with that many rows."""
    random = np.random.default_rng(20_240_831)
    words = pa.array([f"text{number:08d}" for number in range(DISTINCT_TEXTS)], pa.large_string())
    columns: dict[str, object] = {}
    for number in range(2):
        columns[f"int{number}"] = pa.array(random.integers(0, 2**40, rows))
    for number in range(4):
        values = random.random(rows)
        values[random.integers(0, 20, rows) == 0] = np.nan
        columns[f"float{number}"] = pa.array(values)
    for number in range(2):
        codes = pa.array(random.integers(0, DISTINCT_TEXTS, rows, dtype=np.int32))
        columns[f"text{number}"] = words.take(codes)  # type: ignore[arg-type] # the stub takes no NumPy dtype
    seconds = random.integers(0, 10**9, rows)
    columns["moment"] = pa.array((seconds * 10**9).view("datetime64[ns]"))
    return Table.from_arrow(pa.table(columns))


def gigabytes(table: Table) -> float:
    """How large its values are, 10⁹ bytes."""
    return float(table.to_arrow().nbytes) / 1e9


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder in shared memory that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="estudio-bench-", dir=SHARED_MEMORY) as folder:
        yield Path(folder)


def write_ipc(table: Table, path: Path) -> None:
    """The same table as a file for peers."""
    with pa.OSFile(os.fspath(path), "wb") as sink, pa.ipc.new_file(sink, table.to_arrow().schema) as writer:
        writer.write_table(table.to_arrow())
