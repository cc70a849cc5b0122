from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest

from estudio.tables.queryengine import query

if TYPE_CHECKING:
    from pathlib import Path

FORBIDDEN = (
    "SELECT * FROM read_text('{path}')",
    "SELECT * FROM '{path}'",
    "SELECT * FROM glob('{folder}/*')",
    "COPY (SELECT 1) TO '{folder}/written.csv'",
    "ATTACH '{folder}/other.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET memory_limit = '1TB'",
    "SET temp_directory = '{folder}'",
)


def test_a_query_sees_its_tables() -> None:
    table = pa.table({"x": pa.array(["a", "b", "a", None], pa.large_string())})
    assert query("SELECT count(DISTINCT x) AS n FROM t", t=table).to_pylist() == [{"n": 2}]
    with pytest.raises(duckdb.Error):
        query("SELECT * FROM t")


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_the_engine_is_shut_in(sql: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with pytest.raises(duckdb.Error):
        query(sql.format(path=secret, folder=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
