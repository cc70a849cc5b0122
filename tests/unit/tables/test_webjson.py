from __future__ import annotations

import datetime as dt
import decimal
import math
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.core.schema import Column
from estudio.errors import InvalidCall
from estudio.tables.table import Table
from estudio.tables.webarrays import pack, read_column
from estudio.tables.webcells import cell_reader
from estudio.tables.webjson_reading import MAX_CALL_ROWS, Orient, parse_json, read_json_table, read_records
from estudio.tables.webjson_writing import classic_records, classic_value, write_json_table
from estudio.tables.webproblems import MAX_PROBLEMS, Place, Problems
from tests.unit.tables.arrowtables import arrow_tables

PLACE = Place("input1", "/inputs/input1")


def columns(**types: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind, 0) for name, kind in types.items())


def read(value: Any, *, classic: bool = False, **types: str) -> Table:
    problems = Problems()
    table = read_json_table(value, columns(**types), PLACE, problems, classic=classic)
    problems.check()
    assert table is not None
    table.to_arrow().validate(full=True)
    return table


def problems_of(value: Any, **types: str) -> list[tuple[str, str, int | None, str | None]]:
    problems = Problems()
    assert read_json_table(value, columns(**types), PLACE, problems) is None
    return [(each.code, each.pointer, each.row, each.column) for each in problems.found]


def values(table: Table) -> dict[str, list[Any]]:
    return table.to_arrow().to_pydict()


def test_records_are_matched_by_name_and_ordered_as_expected() -> None:
    table = read([{"b": "x", "a": 1}, {"a": 2, "b": None}], a="int64", b="large_string")
    assert table.schema.names == ("a", "b")
    assert values(table) == {"a": [1, 2], "b": ["x", None]}


def test_split_is_matched_by_name() -> None:
    table = read({"columns": ["b", "a"], "data": [["x", 1], ["y", 2]]}, a="int64", b="large_string")
    assert values(table) == {"a": [1, 2], "b": ["x", "y"]}


def test_classic_cells_are_text_or_numbers() -> None:
    body = {
        "ColumnNames": ["n", "f", "t", "b"],
        "Values": [["1", "2.5", "x", "True"], [2, 3, 4, False], ["", "", "", ""]],
    }
    table = read(body, n="int32", f="float64", t="large_string", b="bool")
    assert values(table) == {"n": [1, 2, None], "f": [2.5, 3.0, None], "t": ["x", "4", ""], "b": [True, False, None]}


@pytest.mark.parametrize("sent", [[], {"columns": ["a"], "data": []}, {"ColumnNames": ["a"], "Values": []}])
def test_no_rows_are_a_table_with_its_columns(sent: Any) -> None:
    table = read(sent, a="int64")
    assert (table.row_count, table.schema.names) == (0, ("a",))


def test_a_table_without_columns_has_rows() -> None:
    assert read([{}, {}]).row_count == 2


@pytest.mark.parametrize(
    ("kind", "sent", "expected"),
    [
        ("int64", 3, 3),
        ("int64", 3.0, 3),
        ("int64", "3", 3),
        ("int64", " -3 ", -3),
        ("int64", "3.0", 3),
        ("int64", "-9223372036854775808", -(2**63)),
        ("uint64", 2**64 - 1, 2**64 - 1),
        ("float64", 3, 3.0),
        ("float64", "1e3", 1000.0),
        ("float64", "-INF", -math.inf),
        ("float64", "NaN", None),
        ("float32", 0.1, 0.10000000149011612),
        ("bool", True, True),
        ("bool", "true", True),
        ("bool", "False", False),
        ("bool", "0", False),
        ("bool", 1, True),
        ("large_string", "ä\0", "ä\0"),
        ("large_binary", "AAE=", b"\0\1"),
        ("date32", "2024-02-29", dt.date(2024, 2, 29)),
        ("date32", "2/29/2024 12:00:00 AM", dt.date(2024, 2, 29)),
        ("time32[s]", "23:59:59", dt.time(23, 59, 59)),
        ("timestamp[us]", "2024-02-29T14:30:00.000001", dt.datetime(2024, 2, 29, 14, 30, 0, 1)),  # noqa: DTZ001
        ("timestamp[us]", "2/29/2024 2:30:00 PM", dt.datetime(2024, 2, 29, 14, 30)),  # noqa: DTZ001
        ("timestamp[us]", "2/29/2024 12:05:00 AM", dt.datetime(2024, 2, 29, 0, 5)),  # noqa: DTZ001
        ("timestamp[us]", "2024-02-29T14:30:00+02:00", dt.datetime(2024, 2, 29, 12, 30)),  # noqa: DTZ001
        ("timestamp[us, tz=UTC]", "2024-02-29T14:30:00Z", dt.datetime(2024, 2, 29, 14, 30, tzinfo=dt.UTC)),
        ("duration[us]", "-1 days 23:59:59.5", dt.timedelta(seconds=-0.5)),
        ("duration[s]", "02:00:01", dt.timedelta(hours=2, seconds=1)),
        ("decimal128(5, 2)", 1.5, decimal.Decimal("1.50")),
        ("decimal128(5, 2)", "-123.45", decimal.Decimal("-123.45")),
        ("dictionary", "x", "x"),
        ("large_list", [1, None], [1, None]),
        ("null", None, None),
        ("null", 5, 5),
    ],
)
def test_what_a_cell_means(kind: str, sent: Any, expected: Any) -> None:
    assert values(read([{"a": sent}, {"a": None}], a=kind)) == {"a": [expected, None]}


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("int64", 3.5), ("int64", True), ("int64", "x"), ("int64", ""), ("int64", 2**63), ("int64", "1_000"),
        ("int64", 1e300), ("int64", -9.3e18), ("int8", 128), ("uint8", -1), ("int64", [1]), ("int64", "٣"),
        ("float64", "x"), ("float64", True), ("float64", "1e999"), ("float64", "1_0"), ("float64", "+-inf"),
        ("float64", {}), ("float32", 1e39), ("bool", 2), ("bool", "yes"), ("bool", 0.5), ("large_string", 5),
        ("large_string", True), ("large_string", ["x"]), ("large_binary", "A"), ("large_binary", "ä"),
        ("date32", "2024-02-30"), ("date32", "2024-02-29T01:00:00"), ("time32[s]", "24:00:00"),
        ("time32[s]", "10:00:00.5"), ("timestamp[ns]", "3000-01-01"), ("timestamp[ns]", 5),
        ("timestamp[ns, tz=UTC]", "2024-02-29T14:30:00"), ("timestamp[s]", "13/1/2024"), ("duration[s]", ""),
        ("duration[s]", "5"), ("decimal128(5, 2)", 1000), ("decimal128(5, 2)", "0.001"),
        ("decimal128(5, 2)", "1e99999"), ("decimal128(5, 2)", False), ("large_list", 5), ("large_list", [[1]]),
        ("null", {}), ("dictionary", [1]), ("int64", "9" * 5000), ("timestamp[ns]", "1677-09-21T00:12:43.145224192"),
    ],
)  # fmt: skip
def test_what_a_cell_cannot_be(kind: str, sent: Any) -> None:
    assert problems_of([{"a": None}, {"a": sent}], a=kind) == [("wrong-type", "/inputs/input1/1/a", 1, "a")]


def test_an_empty_text_is_missing_only_on_the_old_wire() -> None:
    assert values(read([{"a": ""}], classic=True, a="float64")) == {"a": [None]}
    assert problems_of([{"a": ""}], a="float64")[0][0] == "wrong-type"


def test_problems_have_pointers() -> None:
    assert problems_of({"columns": ["b", "a/~"], "data": [[1, 1], ["x", "y"]]}, **{"a/~": "int64", "b": "int64"}) == [
        ("wrong-type", "/inputs/input1/data/1/1", 1, "a/~"),
        ("wrong-type", "/inputs/input1/data/1/0", 1, "b"),
    ]
    assert problems_of([{"a/~": "x"}], **{"a/~": "int64"}) == [("wrong-type", "/inputs/input1/0/a~1~0", 0, "a/~")]


def test_columns_that_do_not_fit_are_named() -> None:
    assert problems_of({"columns": ["b", "b", "c"], "data": []}, a="int64", b="int64") == [
        ("missing-column", "/inputs/input1", None, "a"),
        ("duplicate-column", "/inputs/input1/columns/1", None, "b"),
        ("unknown-column", "/inputs/input1/columns/2", None, "c"),
    ]
    assert problems_of([{"b": 1, "x": 1}, {"b": 1, "x": 2}, {}, 5], a="int64", b="int64") == [
        ("missing-column", "/inputs/input1", None, "a"),
        ("unknown-column", "/inputs/input1/0/x", 0, "x"),
        ("missing-column", "/inputs/input1/2", 2, "b"),
        ("wrong-shape", "/inputs/input1/3", 3, None),
    ]


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        (5, ""), ("x", ""), (None, ""), ({"a": 1}, ""), ({"columns": "a", "data": []}, "/columns"),
        ({"columns": ["a"]}, "/data"), ({"columns": ["a"], "data": [5]}, "/data/0"),
        ({"columns": ["a"], "data": [[1, 2]]}, "/data/0"), ({"ColumnNames": ["a"], "Values": [{}]}, "/Values/0"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_told_with_its_place(sent: Any, pointer: str) -> None:
    assert problems_of(sent, a="int64")[0][:2] == ("wrong-shape", "/inputs/input1" + pointer)


def test_problems_are_bounded() -> None:
    problems = Problems()
    read_records([{"a": "x"}] * 1000, columns(a="int64"), PLACE, problems, classic=False)
    assert len(problems.found) == MAX_PROBLEMS
    with pytest.raises(InvalidCall, match="more than 19 more problems"):
        problems.check()


def test_rows_are_bounded() -> None:
    assert problems_of([{}] * (MAX_CALL_ROWS + 1))[0][0] == "wrong-shape"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "syntax"), (b"{", "syntax"), (b"NaN", "syntax"), (b"1 2", "syntax"), (b"[" * 100_000, "syntax"),
        (b'"\\ud800"', "syntax"), (b'"\xff"', "encoding"), (b"\xef\xbb\xbf{}", "encoding"), (b"1e999", "syntax"),
    ],
)  # fmt: skip
def test_bodies_that_are_no_json(body: bytes, kind: str) -> None:
    with pytest.raises(InvalidCall) as caught:
        parse_json(body)
    assert caught.value.kind == kind


def _finite(table: Table) -> Table:
    """Infinity as missing, as JSON has none."""
    import pyarrow.compute as pc

    arrow = table.to_arrow()
    for number, field in enumerate(arrow.schema):
        column: Any = arrow.column(number)
        if pa.types.is_floating(field.type):
            cleaned = pc.if_else(pc.is_finite(column), column, pa.scalar(None, field.type))
            arrow = arrow.set_column(number, field.name, cleaned)
    return Table.from_arrow(arrow)


def _plain(table: Table) -> list[list[Any]]:
    return [[orjson.dumps(value, default=str) for value in column.to_pylist()] for column in table.to_arrow().columns]


@given(arrow_tables(), st.sampled_from(list(Orient)))
def test_what_is_written_reads_back(given_table: pa.Table, orient: Orient) -> None:
    table = Table.from_arrow(given_table)
    sent = parse_json(write_json_table(table, orient))
    problems = Problems()
    result = read_json_table(sent, table.schema.columns, PLACE, problems, classic=orient is Orient.CLASSIC)
    problems.check()
    assert result is not None
    result.to_arrow().validate(full=True)
    assert result.row_count == table.row_count
    typed = {"null", "dictionary", "dictionary-ordered", "large_list"}
    for column, before, after in zip(
        table.schema.columns, _finite(table).to_arrow().columns, result.to_arrow().columns, strict=True
    ):
        if column.type in typed or (orient is Orient.CLASSIC and column.type.startswith("float")):
            assert before.null_count <= after.null_count or orient is Orient.CLASSIC
        else:
            assert before.equals(after), column


FINITE = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.sampled_from("ab") | st.text(max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | FINITE | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
KINDS = [
    "null", "bool", "int8", "int64", "uint64", "float32", "float64", "large_string", "large_binary", "date32",
    "time32[s]", "time64[ns]", "timestamp[ns]", "timestamp[s]", "timestamp[us, tz=UTC]", "duration[ms]",
    "decimal128(10, 2)", "decimal256(50, 3)", "decimal128(5, -2)", "dictionary", "dictionary-ordered", "large_list",
]  # fmt: skip


@given(JSON, st.sampled_from(KINDS), st.sampled_from(KINDS), st.booleans())
def test_any_json_is_a_table_or_told(sent: Any, first: str, second: str, classic: bool) -> None:
    problems = Problems()
    table = read_json_table(sent, columns(a=first, b=second), PLACE, problems, classic=classic)
    assert (table is None) == bool(problems.found)


@given(st.lists(JSON, max_size=4), st.sampled_from(KINDS), st.booleans())
def test_any_cells_are_a_column_or_told(cells: list[Any], kind: str, classic: bool) -> None:
    told: list[int] = []

    def report(row: int, _: str) -> bool:
        told.append(row)
        return True

    column = read_column(kind, cells, report, classic=classic)
    assert (column is None) == bool(told)
    if column is not None:
        column.validate(full=True)
        Table.from_arrow(pa.table({"a": column})).to_arrow().validate(full=True)


def noted(rows: list[int], row: int) -> bool:
    rows.append(row)
    return True


LIKELY = st.one_of(
    st.none(), st.integers(-(2**65), 2**65), FINITE, st.booleans(),
    st.integers(-300, 300).map(str), st.floats().map(str),
    st.sampled_from(["", " ", "True", "0", "NaN", "-inf", "1_0", "1.", ".5", "-", "1-1"]),
    st.datetimes().map(lambda at: at.isoformat()), st.dates().map(str),
)  # fmt: skip


@given(st.lists(LIKELY, max_size=4), st.sampled_from(KINDS[1:-3]), st.booleans())
def test_the_quick_ways_give_what_the_slow_way_gives(cells: list[Any], kind: str, classic: bool) -> None:
    slow: list[Any] = []
    told: list[int] = []
    for row, cell in enumerate(cells):
        try:
            slow.append(cell_reader(kind, classic=classic)(cell))
        except ValueError:
            told.append(row)
    found: list[int] = []
    column = read_column(kind, cells, lambda row, _: noted(found, row), classic=classic)
    assert found == told
    if column is not None:
        assert column.equals(pack(kind, slow))
        assert Table(pa.table({"a": column})) == Table.from_arrow(pa.table({"a": column}))


def test_the_old_forms_of_values() -> None:
    table = Table.from_arrow(
        pa.table(
            {
                "d": pa.array([1.0, 0.1, None]),
                "b": pa.array([True, False, None]),
                "i": pa.array([1, None, -3], pa.int32()),
                "t": pa.array([0, 1, None], pa.timestamp("s")),
                "f": pa.array([0, 1, None], pa.timestamp("ms")),
                "c": pa.array(["x", None, "x"]).dictionary_encode(),
                "g": pa.array([0.1, 3e38, None], pa.float32()),
            }
        )
    )
    assert classic_value(table, details=True) == {
        "ColumnNames": ["d", "b", "i", "t", "f", "c", "g"],
        "ColumnTypes": ["Double", "Boolean", "Int32", "DateTime", "DateTime", "String", "Single"],
        "Values": [
            ("1", "True", "1", "1/1/1970 12:00:00 AM", "1970-01-01T00:00:00", "x", "0.1"),
            ("0.1", "False", None, "1/1/1970 12:00:01 AM", "1970-01-01T00:00:00.001", None, "3e+38"),
            (None, None, "-3", None, None, "x", None),
        ],
    }
    assert classic_records(table)[0]["d"] == "1"


def test_modern_json_has_typed_values() -> None:
    table = Table.from_arrow(
        pa.table(
            {'a"%s': [1.5, math.inf], "b": [2**63 - 1, 1], "c": ['x"\n', "é"], "d": [[1], None], "e": [None, True]}
        )
    )
    expected = '[{"a\\"%s":1.5,"b":9223372036854775807,"c":"x\\"\\n","d":[1],"e":null},{"a\\"%s":null,"b":1,"c":"é","d":null,"e":true}]'  # noqa: E501
    assert write_json_table(table, Orient.RECORDS).decode() == expected
    assert orjson.loads(write_json_table(table, Orient.SPLIT))["data"][1] == [None, 1, "é", None, True]


def test_many_rows_are_written_as_few_are() -> None:
    names = {'a"%s': [1.5, math.inf, None], "b": [2**63 - 1, 1, None], "c": ['x"\n', "é", None], "p": ["%s", ",", ""]}
    few = Table.from_arrow(pa.table(names | {"d": [[1, 2], None, []], "e": [None, True, False]}))
    many = Table.from_arrow(pa.concat_tables([few.to_arrow()] * 10))
    row = write_json_table(few, Orient.RECORDS)[1:-1]
    assert write_json_table(many, Orient.RECORDS) == b"[" + b",".join([row] * 10) + b"]"
