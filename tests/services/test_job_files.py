"""Files of jobs: what is read as what, how parts become one file, how inputs are cut."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from estudio.core.service import ServicePort
from estudio.errors import InvalidCall, InvalidDataset, InvalidUsage, OutputFailed
from estudio.services import job_parts
from estudio.services.job_files import keep_part, keep_result, read_job_table
from estudio.services.job_parts import JobPart, plan_parts, tables_of_part
from estudio.store.memory import MemoryObjects
from estudio.tables.reading import read_table
from estudio.tables.table import Table
from tests.services.job_bench import table

if TYPE_CHECKING:
    from pathlib import Path

DAY = datetime(2026, 3, 1, 12, 30, tzinfo=UTC).replace(tzinfo=None)
SAMPLE = Table.from_arrow(
    pa.table(
        {
            "code": pa.array(["007"], pa.large_string()),
            "n": pa.array([1], pa.int64()),
            "f": pa.array([0.5], pa.float64()),
            "b": pa.array([True]),
            "t": pa.array([DAY], pa.timestamp("ns")),
        }
    )
)
PORT = ServicePort("input1", "in", SAMPLE.schema.columns, "")


def read(tmp_path: Path, text: str, format_: str = "csv", port: ServicePort = PORT) -> dict[str, list[Any]]:
    path = tmp_path / "object"
    path.write_bytes(gzip.compress(text.encode()) if format_.endswith(".gz") else text.encode())
    found = read_job_table(path, format_, port)
    assert [column.type for column in found.schema.columns] == [column.type for column in port.columns]
    read: dict[str, list[Any]] = found.to_arrow().to_pydict()
    return read


@pytest.mark.parametrize("format_", ["csv", "csv.gz"])
def test_columns_are_found_by_name_and_have_the_version_s_types(tmp_path: Path, format_: str) -> None:
    found = read(tmp_path, "t,b,f,n,code\n2026-03-01T12:30:00,true,1,7,007\n,,,,\n", format_)
    assert list(found) == ["code", "n", "f", "b", "t"]
    assert found == {"code": ["007", None], "n": [7, None], "f": [1.0, None], "b": [True, None], "t": [DAY, None]}


def test_a_file_without_a_header_has_the_version_s_order(tmp_path: Path) -> None:
    found = read(tmp_path, "007\t3\t1.5\tfalse\t2026-03-01T12:30:00\n", "nh.tsv")
    assert (found["code"], found["n"], found["b"]) == (["007"], [3], [False])


def test_text_stays_text_and_whole_numbers_with_a_point_are_whole(tmp_path: Path) -> None:
    found = read(tmp_path, "code,n,f,b,t\n0010,5.0,2,False,2026-03-01 12:30:00\n1e5,6.0,3,True,2026-03-01 12:30:00\n")
    assert (found["code"], found["n"]) == (["0010", "1e5"], [5, 6])


def test_json_lines_fit_alike(tmp_path: Path) -> None:
    line = '{"n": 1, "code": "007", "f": 2, "b": false, "t": "2026-03-01T12:30:00"}\n'
    assert read(tmp_path, line, "jsonl")["f"] == [2.0]


@pytest.mark.parametrize(
    ("text", "code", "row", "column"),
    [
        ("code,n,f,b\n1,2,3,true\n", "missing-column", None, "t"),
        ("code,n,f,b,t,more\n", "unknown-column", None, "more"),
        ("code,n,f,b,t\na,1,1,true,\na,x,1,true,\n", "wrong-type", 1, "n"),
        ("code,n,f,b,t\na,1.5,1,true,\n", "wrong-type", 0, "n"),
        ("code,n,f,b,t\na,1,1,maybe,\n", "wrong-type", 0, "b"),
        ("code,n,f,b,t\na,1,1,true,soon\n", "wrong-type", 0, "t"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, code: str, row: int | None, column: str) -> None:
    with pytest.raises(InvalidCall) as caught:
        read(tmp_path, text)
    problem = caught.value.problems[0]
    assert (problem.code, problem.row, problem.column, problem.input) == (code, row, column, "input1")


def test_a_broken_file_and_an_unknown_format_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset):
        read(tmp_path, "", "parquet")
    with pytest.raises(InvalidUsage):
        read(tmp_path, "", "exe")


PARTS = (table(name=["a", "b"], n=[1, 2]), table(name=["c, d"], n=[3]))
WHOLE = table(name=["a", "b", "c, d"], n=[1, 2, 3])


@pytest.mark.parametrize(
    "format_", ["csv", "tsv", "nh.csv", "nh.tsv", "jsonl", "parquet", "arrow", "arff", "xlsx", "csv.gz", "jsonl.gz"]
)
@pytest.mark.parametrize("count", [1, 2])
def test_parts_become_one_file_of_each_format(tmp_path: Path, format_: str, count: int) -> None:
    objects = MemoryObjects()
    tables = PARTS if count == 2 else (WHOLE,)
    result = keep_result(objects, [keep_part(objects, each) for each in tables], format_)
    content = objects.read_bytes(result.digest, 1 << 20)
    assert (result.format, result.row_count, result.size_bytes) == (format_, 3, len(content))
    path = tmp_path / f"out.{format_}"
    path.write_bytes(content)
    found = read_table(path).to_arrow()
    assert [column.to_pylist() for column in found.columns] == [["a", "b", "c, d"], [1, 2, 3]]
    if format_ == "csv":
        assert content == b'name,n\na,1\nb,2\n"c, d",3\n'


def joined(*tables: Table) -> dict[str, list[Any]]:
    objects = MemoryObjects()
    result = keep_result(objects, [keep_part(objects, each) for each in tables], "arrow")
    found: dict[str, list[Any]] = pa.ipc.open_file(objects.read_bytes(result.digest, 1 << 20)).read_all().to_pydict()
    return found


def test_parts_whose_types_differ_get_one_that_holds_both() -> None:
    assert joined(table(x=[1, 2]), table(x=[1.5]))["x"] == [1.0, 2.0, 1.5]
    nothing = Table.from_arrow(pa.table({"x": pa.nulls(2)}))
    assert joined(nothing, table(x=["a"]))["x"] == [None, None, "a"]
    categories = [Table.from_arrow(pa.table({"x": pa.array(each).dictionary_encode()})) for each in (["a"], ["b", "c"])]
    assert joined(*categories)["x"] == ["a", "b", "c"]


def test_parts_that_have_nothing_in_common_are_refused() -> None:
    with pytest.raises(InvalidCall, match="nothing in common"):
        joined(table(x=[1]), table(x=["a"]))
    with pytest.raises(InvalidCall, match="Part 2 of the job gave other columns than part 1"):
        joined(table(x=[1]), table(y=[1]))


def test_parquet_that_cannot_hold_the_table_is_an_output_that_failed() -> None:
    objects = MemoryObjects()
    parts = [keep_part(objects, Table.from_arrow(pa.table({"x": pa.array([1], pa.duration("ns"))}))) for _ in range(2)]
    try:
        keep_result(objects, parts, "parquet")
    except OutputFailed as error:
        assert "Parquet cannot hold" in error.message  # noqa: PT017 -- newer Parquet may hold it


def test_a_row_wise_job_of_one_input_is_cut() -> None:
    seven, other = table(x=list(range(7))), table(x=[1])
    assert plan_parts({"a": seven}, row_wise=True, part_rows=3) == [
        JobPart(0, 0, 3),
        JobPart(1, 3, 3),
        JobPart(2, 6, 1),
    ]
    assert plan_parts({"a": seven}, row_wise=False, part_rows=3) == [JobPart(0, 0, 7)]
    assert plan_parts({"a": seven, "b": other}, row_wise=True, part_rows=3) == [JobPart(0, 0, 7)]
    assert plan_parts({"a": table(x=[])}, row_wise=True) == [JobPart(0, 0, 0)]
    assert plan_parts({}, row_wise=True) == [JobPart(0, 0, 0)]


def test_wide_tables_are_cut_by_their_bytes() -> None:
    wide = table(x=["x" * (job_parts.PART_BYTES // 4)] * 9)
    parts = plan_parts({"a": wide}, row_wise=True)
    assert len(parts) == 3
    assert sum(part.row_count for part in parts) == 9


def test_the_rows_of_a_part() -> None:
    seven = table(x=list(range(7)))
    part = tables_of_part({"a": seven}, JobPart(1, 3, 3), 3)["a"]
    assert part.to_arrow().column("x").to_pylist() == [3, 4, 5]
    assert tables_of_part({"a": seven}, JobPart(0, 0, 7), 1)["a"] is seven
