from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pytest

from estudio.core.module_kind import Parameter, ParameterType
from estudio.core.schema import Column
from estudio.core.service import ServicePort, ServiceVersion
from estudio.errors import InvalidCall
from estudio.services.call_media import JSON, body_format, wanted_format
from estudio.services.call_parsing import ParsedCall, parse_score_request
from estudio.services.call_parsing_classic import parse_classic_request
from estudio.services.call_rendering import check_acceptable, render_classic, render_outputs
from estudio.tables.table import Table
from estudio.tables.webbytes import BodyFormat, write_body_table
from estudio.tables.webjson_reading import Orient

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = (Column("a", "int64", 0), Column("b", "large_string", 0))
PARAMETERS = (
    Parameter("trees", ParameterType.INTEGER, required=True, minimum=1),
    Parameter("rate", ParameterType.NUMBER, default=0.5),
    Parameter("names", ParameterType.COLUMNS),
    Parameter("orient", ParameterType.STRING),
)


def version(inputs: int = 1, outputs: int = 1, parameters: tuple[Parameter, ...] = ()) -> ServiceVersion:
    ports = [ServicePort(f"input{number + 1}", "in", COLUMNS, "") for number in range(inputs)]
    results = [ServicePort(f"output{number + 1}", "out", COLUMNS, "") for number in range(outputs)]
    return ServiceVersion("0" * 32, 1, 0.0, "e", "E", "", "", tuple(ports), tuple(results), parameters)


def parse(body: Any, of: ServiceVersion | None = None, query: Mapping[str, str] | None = None) -> ParsedCall:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return parse_score_request(content, JSON, of or version(), query or {})


def problems_of(body: Any, of: ServiceVersion | None = None, query: Mapping[str, str] | None = None) -> list[Any]:
    with pytest.raises(InvalidCall) as caught:
        parse(body, of, query)
    assert caught.value.kind == "schema"
    return [(each.code, each.pointer, each.input) for each in caught.value.problems]


def classic_problems(body: Any, of: ServiceVersion | None = None) -> list[Any]:
    with pytest.raises(InvalidCall) as caught:
        parse_classic_request(orjson.dumps(body), of or version(), swagger=False)
    return [(each.code, each.pointer, each.input) for each in caught.value.problems]


RECORD = {"a": 1, "b": "x"}
TABLE = Table.from_arrow(pa.table({"a": [1], "b": ["x"]}))


@pytest.mark.parametrize(
    ("body", "orient"),
    [
        ({"inputs": {"input1": [RECORD]}}, Orient.RECORDS),
        ({"inputs": {"input1": {"columns": ["b", "a"], "data": [["x", 1]]}}}, Orient.SPLIT),
        ({"inputs": {"input1": RECORD}}, Orient.RECORDS),
        ([RECORD], Orient.RECORDS),
        ({"columns": ["b", "a"], "data": [["x", 1]]}, Orient.SPLIT),
        ({"columns": ["b", "a"], "index": [0], "data": [["x", 1]]}, Orient.SPLIT),
        ({"ColumnNames": ["b", "a"], "Values": [["x", "1"]]}, Orient.SPLIT),
        (RECORD, Orient.RECORDS),
    ],
)
def test_all_forms_of_a_call_with_one_input(body: Any, orient: Orient) -> None:
    parsed = parse(body)
    assert parsed.inputs == {"input1": TABLE}
    assert parsed.orient is orient
    assert parse(body, query={"orient": "split"}).orient is Orient.SPLIT


def test_a_record_points_without_a_row() -> None:
    assert problems_of({"a": "x", "b": 1}) == [("wrong-type", "/a", "input1"), ("wrong-type", "/b", "input1")]
    assert problems_of({"inputs": {"input1": {"a": 1}}}) == [("missing-column", "/inputs/input1", "input1")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (5, [("wrong-body", "", None)]),
        (None, [("wrong-body", "", None)]),
        ({"inputs": 5}, [("wrong-body", "/inputs", None), ("missing-input", "/inputs", "input1")]),
        ({"inputs": {}}, [("missing-input", "/inputs", "input1")]),
        ({"inputs": {"input1": None}}, [("missing-input", "/inputs", "input1")]),
        ({"inputs": {"input1": [], "x/": []}}, [("unknown-input", "/inputs/x~1", "x/")]),
        ({"inputs": {"input1": []}, "input": 1}, [("wrong-body", "/input", None)]),
        ({"inputs": {"input1": [RECORD, {"a": "x", "b": ""}]}}, [("wrong-type", "/inputs/input1/1/a", "input1")]),
        ({"parameters": {}}, [("missing-input", "/inputs", "input1")]),
    ],
)
def test_what_is_wrong_with_a_call(body: Any, expected: list[Any]) -> None:
    assert problems_of(body) == expected


def test_two_inputs_take_only_the_whole_call() -> None:
    both = {"inputs": {"input2": [RECORD], "input1": [RECORD]}}
    assert list(parse(both, version(2)).inputs) == ["input1", "input2"]
    assert problems_of([RECORD], version(2)) == [("wrong-body", "", None)]


def test_no_inputs_need_no_body() -> None:
    assert parse(b"", version(0)) == ParsedCall()
    assert parse({}, version(0)) == ParsedCall()
    assert problems_of([], version(0)) == [("wrong-body", "", None)]


def test_parameters_are_typed_or_text() -> None:
    of = version(parameters=PARAMETERS)
    sent = {"inputs": {"input1": []}, "parameters": {"trees": "5", "rate": 1, "names": "a,b", "orient": "x"}}
    assert parse(sent, of).parameters == {"trees": 5, "rate": 1.0, "names": ["a,b"], "orient": "x"}
    assert parse({"inputs": {"input1": []}, "parameters": {"trees": 5.0, "rate": None}}, of).parameters == {"trees": 5}


def test_parameters_stand_in_the_query_too() -> None:
    query = {"trees": "5", "names": "a,b", "parameters.orient": "x", "orient": "split"}
    parsed = parse([RECORD], version(parameters=PARAMETERS), query)
    assert parsed.parameters == {"trees": 5, "names": ["a", "b"], "orient": "x"}
    assert parsed.orient is Orient.SPLIT


def test_what_is_wrong_with_parameters() -> None:
    of = version(parameters=PARAMETERS)
    sent = {"inputs": {"input1": []}, "parameters": {"trees": 0, "tree": 1, "names": [[1]], "rate": "x"}}
    assert problems_of(sent, of) == [
        ("wrong-parameter", "/parameters/trees", "trees"),
        ("unknown-parameter", "/parameters/tree", "tree"),
        ("wrong-parameter", "/parameters/names", "names"),
        ("wrong-parameter", "/parameters/rate", "rate"),
        ("missing-parameter", "/parameters", "trees"),
    ]
    assert problems_of([], of, {"trees": "1", "tree": "2", "orient": "x"}) == [
        ("wrong-parameter", "", "orient"), ("unknown-parameter", "", "tree"),
    ]  # fmt: skip
    assert problems_of({"inputs": {"input1": []}, "parameters": {"trees": 1}}, of, {"trees": "1"}) == [
        ("wrong-parameter", "/parameters/trees", "trees")
    ]


@pytest.mark.parametrize("format_", BodyFormat)
def test_whole_bodies(format_: BodyFormat) -> None:
    body = write_body_table(TABLE, format_)
    of = version(parameters=PARAMETERS)
    parsed = parse_score_request(body, format_.value, of, {"trees": "3"})
    assert parsed == ParsedCall({"input1": TABLE}, {"trees": 3})
    with pytest.raises(InvalidCall) as caught:
        parse_score_request(body, format_.value, version(2), {})
    assert caught.value.kind == "media-type"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (None, JSON), ("", JSON), ("application/json", JSON), ("Application/JSON; charset=UTF8", JSON),
        ("application/vnd.api+json", JSON), ("text/csv; header=present", BodyFormat.CSV),
        ("application/x-parquet", BodyFormat.PARQUET),
    ],
)  # fmt: skip
def test_media_types(sent: str | None, expected: str) -> None:
    assert body_format(sent) == expected


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ("application/x-www-form-urlencoded", "media-type"),
        ("text/csv;charset=latin-1", "encoding"),
        ("/", "media-type"),
    ],
)
def test_wrong_media_types(sent: str, kind: str) -> None:
    with pytest.raises(InvalidCall) as caught:
        body_format(sent)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON), ("", JSON), ("*/*", JSON), ("text/csv", "text/csv"),
        ("text/*;q=0.5, application/json;q=0.4", "text/csv"),
        ("application/json;q=0, */*", "text/csv"), ("application/x-parquet", BodyFormat.PARQUET),
        ("text/html, */*;q=0.1", JSON), ("text/csv;q=0.9, application/json", JSON),
    ],
)  # fmt: skip
def test_negotiation(accept: str | None, expected: str) -> None:
    assert wanted_format(accept, (JSON, *BodyFormat)) == expected


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "text/csv;q=x", "text/csv;q=nan", ",", "*"])
def test_nothing_acceptable(accept: str) -> None:
    with pytest.raises(InvalidCall) as caught:
        wanted_format(accept, (JSON, *BodyFormat))
    assert caught.value.kind == "not-acceptable"


def test_answers() -> None:
    of = version(outputs=2)
    outputs = {"output2": TABLE, "output1": TABLE}
    assert render_outputs(outputs, None, of, Orient.SPLIT) == (
        b'{"outputs":{"output1":{"columns":["a","b"],"data":[[1,"x"]]},"output2":{"columns":["a","b"],"data":[[1,"x"]]}}}',
        JSON,
    )
    with pytest.raises(InvalidCall):
        check_acceptable("text/csv", of)
    assert render_outputs({"output1": TABLE}, "text/csv", version(), Orient.RECORDS) == (
        b"a,b\n1,x\n", "text/csv; charset=utf-8",
    )  # fmt: skip
    assert render_outputs({}, None, version(outputs=0), Orient.RECORDS) == (b'{"outputs":{}}', JSON)


def test_old_answers() -> None:
    assert render_classic({"output1": TABLE}, version(), details=True, swagger=False) == (
        b'{"Results":{"output1":{"type":"table","value":{"ColumnNames":["a","b"],"ColumnTypes":["Int64","String"],'
        b'"Values":[["1","x"]]}}}}'
    )
    assert render_classic({"output1": TABLE}, version(), details=False, swagger=True) == (
        b'{"Results":{"output1":[{"a":"1","b":"x"}]}}'
    )


@pytest.mark.parametrize(
    "table",
    [
        {"ColumnNames": ["b", "a"], "Values": [["x", "1"]]},
        {"columnnames": ["a", "b"], "values": [[1, "x"]]},
        [{"a": "1", "b": "x"}],
    ],
)
def test_old_calls(table: Any) -> None:
    body = orjson.dumps({"inputs": {"input1": table}, "GlobalParameters": {"trees": "7", "names": "a,b", "orient": 5}})
    parsed = parse_classic_request(body, version(parameters=PARAMETERS), swagger=False)
    assert parsed == ParsedCall({"input1": TABLE}, {"trees": 7, "names": ["a", "b"], "orient": "5"}, Orient.CLASSIC)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([], [("wrong-body", "", None)]),
        ({}, [("missing-input", "/Inputs", "input1")]),
        ({"Inputs": []}, [("wrong-body", "/Inputs", None), ("missing-input", "/Inputs", "input1")]),
        ({"Inputs": {"input1": 5}}, [("wrong-shape", "/Inputs/input1", "input1")]),
        ({"Inputs": {"input1": [], "x": []}}, [("unknown-input", "/Inputs/x", "x")]),
        (
            {"Inputs": {"input1": []}, "GlobalParameters": {"x": "1"}},
            [("unknown-parameter", "/GlobalParameters/x", "x")],
        ),
        (
            {"Inputs": {"input1": {"ColumnNames": ["a", "b"], "Values": [["x", ""]]}}},
            [("wrong-type", "/Inputs/input1/Values/0/0", "input1")],
        ),
    ],
)
def test_wrong_old_calls(body: Any, expected: list[Any]) -> None:
    assert classic_problems(body) == expected


def test_required_parameters_of_old_calls() -> None:
    problems = classic_problems({"Inputs": {"input1": []}}, version(parameters=PARAMETERS))
    assert problems == [("missing-parameter", "/GlobalParameters", "trees")]


def test_an_empty_parameter_of_an_old_call_is_not_given() -> None:
    given = {"trees": "", "rate": "", "names": "", "orient": ""}
    body: dict[str, Any] = {"Inputs": {"input1": []}, "GlobalParameters": given}
    of = version(parameters=PARAMETERS)
    assert classic_problems(body, of) == [("missing-parameter", "/GlobalParameters", "trees")]
    given["trees"] = "1"
    parsed = parse_classic_request(orjson.dumps(body), of, swagger=False)
    assert parsed.parameters == {"trees": 1, "orient": ""}


def test_an_old_call_without_inputs() -> None:
    assert parse_classic_request(b"", version(0), swagger=True) == ParsedCall()
