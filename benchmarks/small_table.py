"""The small table of the benchmarks on the host's side: the same values as `peers/small_frame.py`."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from estudio.tables.table import Table

IDENTITY = "def azureml_main(dataframe1=None, dataframe2=None):\n    return dataframe1\n"


def small_table() -> Table:
    """10 rows × 5 columns: whole numbers, reals with gaps, text, flags, moments."""
    days = [dt.datetime(2024, 2, 29) + dt.timedelta(days=day) for day in range(10)]  # noqa: DTZ001
    return Table.from_arrow(
        pa.table(
            {
                "whole": pa.array(range(10), pa.int64()),
                "real": pa.array([1.5, None] * 5, pa.float64()),
                "text": pa.array(["x", "yy"] * 5, pa.large_string()),
                "flag": pa.array([True, False] * 5),
                "moment": pa.array(days, pa.timestamp("ns")),
            }
        )
    )


def fresh(table: Table) -> Table:
    """The same values as a table that no call has met: what is written once for a table is written again."""
    return Table(table.to_arrow())
