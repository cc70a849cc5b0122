"""DuckDB over tables in memory, shut in: no files, no network, no extensions, a bounded amount of memory.

A query sees the tables it is given and nothing else. Column names of people never become SQL: tables are registered
with names of ours.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MEMORY = "4GB"
"""Of DuckDB's own structures; the tables that it reads are ours."""
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "memory_limit": MEMORY,
    "temp_directory": "",
    "threads": 1,
}
_making = threading.Lock()


@functools.cache
def _engine() -> duckdb.DuckDBPyConnection:
    import duckdb  # noqa: PLC0415 - small tables need none of it

    connection = duckdb.connect(":memory:", config=_SETTINGS)
    connection.execute("SET lock_configuration = true")
    return connection


def query(sql: str, **tables: pa.Table) -> pa.Table:
    """Run one statement of ours over tables that it names. Any thread may call it; each call uses one core."""
    with _making:
        cursor = _engine().cursor()
    try:
        for name, table in tables.items():
            cursor.register(name, table)
        answer: pa.Table = cursor.sql(sql).to_arrow_table()
        return answer
    finally:
        cursor.close()
