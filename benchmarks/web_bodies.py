"""Bodies of web service calls: tables from and to JSON and binary forms, in microseconds, beside orjson with pandas.

Processor time of one process, nothing but conversion: no HTTP and no script.

    python -m benchmarks.web_bodies
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pandas as pd
import pyarrow as pa

from benchmarks.figures import Bound, Goal
from estudio.core.schema import Column
from estudio.tables.table import Table
from estudio.tables.webbytes import BodyFormat, read_body_table, write_body_table
from estudio.tables.webjson_reading import Orient, parse_json, read_json_table
from estudio.tables.webjson_writing import write_json_table
from estudio.tables.webproblems import Place, Problems

REPEATS = 7
GOALS = {
    (1, "records", "read"): Goal(Bound.AT_MOST, 60, "µs"), (1, "records", "write"): Goal(Bound.AT_MOST, 40, "µs"),
    (1000, "records", "read"): Goal(Bound.AT_MOST, 2500, "µs"),
    (1000, "records", "write"): Goal(Bound.AT_MOST, 2000, "µs"),
}  # fmt: skip


def table_of(rows: int) -> Table:
    """10 columns: six of reals, two of whole numbers, one of text, one of flags."""
    columns: dict[str, Any] = {f"real{number}": [row * 1.1 + number for row in range(rows)] for number in range(6)}
    columns |= {f"whole{number}": [row + number for row in range(rows)] for number in range(2)}
    columns |= {"text": [f"text {row}" for row in range(rows)], "flag": [bool(row % 2) for row in range(rows)]}
    return Table.from_arrow(pa.table(columns))


def microseconds(function: Callable[[], object], calls: int) -> float:
    """The least processor time of some rounds, per call: what else runs on the machine does not count."""
    function()
    return min(timeit.repeat(function, number=calls, repeat=REPEATS, timer=time.process_time)) / calls * 1e6


def read_json(body: bytes, columns: Sequence[Column]) -> Table | None:
    return read_json_table(parse_json(body), columns, Place("input1"), Problems())


def read_bytes(body: bytes, format_: BodyFormat, columns: Sequence[Column]) -> Table | None:
    return read_body_table(body, format_, columns, Place("input1"), Problems())


def show(rows: int, form: str, way: str, seconds: float) -> None:
    goal = GOALS.get((rows, form, way))
    verdict = "" if goal is None else f"{goal} {'met' if goal.met_by(seconds) else 'MISSED'}"
    print(f"{rows:>5} rows  {form:<36} {way:<5} {seconds:>9.1f} µs  {verdict}")


def measure(rows: int, calls: int) -> None:
    table = table_of(rows)
    columns = table.schema.columns
    for orient in Orient:
        body = write_json_table(table, orient)
        show(rows, orient, "read", microseconds(lambda body=body: read_json(body, columns), calls))  # type: ignore[misc]
        show(rows, orient, "write", microseconds(lambda orient=orient: write_json_table(table, orient), calls))  # type: ignore[misc]
    for form in BodyFormat:
        body = write_body_table(table, form)
        show(rows, form, "read", microseconds(lambda body=body, form=form: read_bytes(body, form, columns), calls))  # type: ignore[misc]
        show(rows, form, "write", microseconds(lambda form=form: write_body_table(table, form), calls))  # type: ignore[misc]
    records, dataframe = write_json_table(table, Orient.RECORDS), table.to_pandas()
    show(rows, "pandas records", "read", microseconds(lambda: pd.DataFrame(orjson.loads(records)), calls))
    show(rows, "pandas records", "write", microseconds(lambda: orjson.dumps(dataframe.to_dict("records")), calls))


if __name__ == "__main__":
    measure(1, 500)
    measure(1000, 20)
