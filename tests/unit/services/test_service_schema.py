from __future__ import annotations

import datetime as dt
import decimal
import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estudio.core.module_kind import Parameter, ParameterType
from estudio.core.service import ServicePort, ServiceVersion
from estudio.services.call_parsing import parse_score_request
from estudio.services.call_parsing_classic import parse_classic_request
from estudio.services.call_rendering import render_outputs
from estudio.services.service_schema import (
    classic_example,
    request_examples,
    request_schema,
    response_example,
    response_schema,
    swagger_definitions,
)
from estudio.tables.table import Table
from estudio.tables.webjson_reading import Orient

GOLDEN = Path(__file__).with_name("service_schema.json")
SAMPLE = Table.from_arrow(
    pa.table(
        {
            "age": pa.array([50, 31, None, 4], pa.int32()),
            "bmi": [33.6, None, 1e10, 4.0],
            "name": ["a", "é", None, ""],
            "smoker": [True, None, False, True],
            "seen": pa.array([dt.datetime(2024, 2, 29, 1, 2, 3), None, None, None], pa.timestamp("ns")),  # noqa: DTZ001
            "at": pa.array([0, None, None, None], pa.timestamp("ms", "UTC")),
            "kind": pa.array(["x", "y", None, "x"]).dictionary_encode(),
            "scores": [[1, 2], None, [], [3]],
            "born": pa.array([dt.date(1970, 1, 1), None, None, None]),
            "price": pa.array([decimal.Decimal("1.50"), None, None, None], pa.decimal128(7, 2)),
            "wait": pa.array([dt.timedelta(days=1), None, None, None], pa.duration("us")),
            "small": pa.array([0.1, None, None, None], pa.float32()),
            "code": pa.array([b"\0", None, None, None]),
            "none": pa.nulls(4),
        }
    )
)
PARAMETERS = (
    Parameter("trees", ParameterType.INTEGER, "how many", default=5, minimum=1, maximum=9),
    Parameter("rate", ParameterType.NUMBER, minimum=0.5),
    Parameter("mode", ParameterType.CHOICE, default="fast", choices=("fast", "slow")),
    Parameter("columns", ParameterType.COLUMNS),
    Parameter("types", ParameterType.MAPPING),
    Parameter("where", ParameterType.PATH),
    Parameter("exact", ParameterType.BOOLEAN, default=False),
)


def version(parameters: tuple[Parameter, ...] = PARAMETERS, inputs: int = 1) -> ServiceVersion:
    ports = [ServicePort(f"input{number + 1}", "in", SAMPLE.schema.columns, "") for number in range(inputs)]
    outputs = (ServicePort("output1", "out", SAMPLE.schema.columns, ""),)
    return ServiceVersion("0" * 32, 1, 0.0, "e", "E", "", "", tuple(ports), outputs, parameters)


SAMPLES = {"input1": SAMPLE, "input2": SAMPLE, "output1": SAMPLE}
CHECKER = jsonschema.Draft202012Validator


def test_the_schemas_are_those_of_the_golden_file() -> None:
    made = {
        "request": request_schema(version(), SAMPLES),
        "response": response_schema(version(), SAMPLES),
        "request_examples": request_examples(version(), SAMPLES),
        "response_example": response_example(version(), SAMPLES),
        "swagger": swagger_definitions(version(), SAMPLES),
    }
    assert json.loads(json.dumps(made)) == json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("inputs", [0, 1, 2])
def test_the_schemas_are_schemas_and_the_examples_fit(inputs: int) -> None:
    of = version(inputs=inputs)
    CHECKER.check_schema(request_schema(of, SAMPLES))
    CHECKER.check_schema(response_schema(of, SAMPLES))
    for example in request_examples(of, SAMPLES).values():
        CHECKER(request_schema(of, SAMPLES)).validate(example)
        parse_score_request(orjson.dumps(example), None, of, {})
    CHECKER(response_schema(of, SAMPLES, Orient.RECORDS)).validate(response_example(of, SAMPLES))
    parse_classic_request(orjson.dumps(classic_example(of, SAMPLES)), of, swagger=True)


@pytest.mark.parametrize("orient", [Orient.RECORDS, Orient.SPLIT])
def test_answers_fit_their_schema(orient: Orient) -> None:
    body, _ = render_outputs({"output1": SAMPLE}, None, version(), orient)
    CHECKER(response_schema(version(), SAMPLES, orient)).validate(orjson.loads(body))


def test_schemas_need_no_samples() -> None:
    assert CHECKER(request_schema(version(), {})).is_valid({"inputs": {"input1": []}})
    assert swagger_definitions(version(), {})["input1Item"]["properties"]["kind"] == {"type": "string"}


@pytest.mark.parametrize(
    "sent",
    [{}, {"inputs": {}}, {"inputs": {"input1": [{}]}}, {"inputs": {"input1": []}, "x": 1}, 5, [5],
     {"inputs": {"input1": []}, "parameters": {"trees": 0}}],
)  # fmt: skip
def test_what_is_refused_fits_no_schema(sent: Any) -> None:
    assert not CHECKER(request_schema(version(), SAMPLES)).is_valid(sent)


def test_a_column_called_inputs_takes_the_short_record_away() -> None:
    port = ServicePort("input1", "in", (type(SAMPLE.schema.columns[0])("inputs", "int64", 0),), "")
    of = ServiceVersion("0" * 32, 1, 0.0, "e", "E", "", "", (port,))
    assert not CHECKER(request_schema(of, {})).is_valid({"inputs": 5})
    assert CHECKER(request_schema(of, {})).is_valid([{"inputs": 5}])
    assert CHECKER(request_schema(of, {})).is_valid({"inputs": {"input1": {"inputs": 5}}})


def from_schema(schema: Any) -> st.SearchStrategy[Any]:
    """Values of the few kinds of schemas that cells have."""
    if "anyOf" in schema:
        return st.one_of([from_schema(each) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema["type"]
    if kind == "array":
        return st.lists(from_schema(schema["items"]), max_size=3)
    if kind == "string":
        return st.from_regex(schema["pattern"], fullmatch=True) if "pattern" in schema else st.text(max_size=9)
    bounds = (schema.get("minimum"), schema.get("maximum"))
    return {
        "integer": st.integers(*bounds), "number": st.floats(*bounds), "boolean": st.booleans(), "null": st.none(),
    }[kind]  # fmt: skip


@pytest.mark.parametrize("name", SAMPLE.schema.names)
def test_what_fits_the_schema_of_a_column_is_taken(name: str) -> None:
    one = Table.from_arrow(SAMPLE.to_arrow().select([name]))
    port = ServicePort("input1", "in", one.schema.columns, "")
    of = ServiceVersion("0" * 32, 1, 0.0, "e", "E", "", "", (port,))
    schema = request_schema(of, {"input1": one})["anyOf"][1]["items"]["properties"][name]

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(from_schema(schema))
    def check(cell: Any) -> None:
        parse_score_request(orjson.dumps([{name: cell}]), None, of, {})

    check()
