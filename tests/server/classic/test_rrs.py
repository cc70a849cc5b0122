from __future__ import annotations

import gzip
import json
import socket
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from estudio.services.calling import ScoreCall, ScoreOutcome
from tests.server.classic.conftest import OTHER_KEY, SAMPLE, rows

if TYPE_CHECKING:
    from tests.server.classic.conftest import Classic


def test_a_call_is_answered_with_cells_as_text(classic: Classic) -> None:
    answer = classic.execute(rows(["1.5", "x"], ["2", "y"]))
    assert answer.status == 200
    assert answer.json == {
        "Results": {
            "output1": {"type": "table", "value": {"ColumnNames": ["a", "b"], "Values": [["3", "x"], ["4", "y"]]}}
        }
    }


def test_details_add_the_types_of_columns(classic: Classic) -> None:
    answer = classic.execute(rows(["1.5", "x"]), "api-version=2.0&details=true")
    assert answer.json["Results"]["output1"]["value"]["ColumnTypes"] == ["Double", "String"]


def test_swagger_format_takes_and_gives_row_objects(classic: Classic) -> None:
    body = {"Inputs": {"input1": [{"a": "1.5", "b": "x"}, {"b": "y", "a": "2"}]}, "GlobalParameters": {}}
    answer = classic.execute(body, "api-version=2.0&format=swagger")
    assert answer.json == {"Results": {"output1": [{"a": "3", "b": "x"}, {"a": "4", "b": "y"}]}}


def test_the_r_client_asks_for_details_and_swagger_at_once(classic: Classic) -> None:
    body = {"Inputs": {"input1": [{"a": 1.5, "b": "x"}]}, "GlobalParameters": {}}
    answer = classic.execute(body, "api-version=2.0&details=true&format=swagger")
    assert answer.json["Results"]["output1"] == [{"a": "3", "b": "x"}]


def test_parameters_are_texts(classic: Classic) -> None:
    answer = classic.execute(rows(["1.5", "x"], factor="10"))
    assert answer.json["Results"]["output1"]["value"]["Values"] == [["15", "x"]]


def test_columns_are_matched_by_name(classic: Classic) -> None:
    table = {"ColumnNames": ["b", "a"], "Values": [["x", "1.5"]]}
    answer = classic.execute({"Inputs": {"input1": table}, "GlobalParameters": {}})
    assert answer.json["Results"]["output1"]["value"]["Values"] == [["3", "x"]]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_word_bearer_is_taken_in_any_case(classic: Classic, scheme: str) -> None:
    assert classic.execute(rows(["1", "x"]), headers={"Authorization": f"{scheme} call-key"}).status == 200


def test_the_later_address_takes_the_workspace_as_subscription(classic: Classic) -> None:
    workspace = classic.host.workspace_id
    guid = "-".join((workspace[:8], workspace[8:12], workspace[12:16], workspace[16:20], workspace[20:])).upper()
    body = {"Inputs": {"input1": [{"a": "1", "b": "x"}]}}
    for subscription, status in ((workspace, 200), (guid, 200), ("f" * 32, 400)):
        url = f"{classic.url}/subscriptions/{subscription}/services/{classic.endpoint.id}/execute"
        answer = classic.send("POST", f"{url}?api-version=2.0&format=swagger", body)
        assert answer.status == status
    assert answer.error == (400, "BadArgument", "BadSubscriptionId")


def test_an_answer_has_what_old_clients_print(classic: Classic) -> None:
    for body in (rows(["1", "x"]), rows(["1", "raise"])):
        answer = classic.execute(body, headers={"X-Request-Id": "mine-1"})
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert answer.headers["x-ms-request-id"] == "mine-1"
        assert answer.headers["date"].endswith(" GMT")
        assert len(answer.headers.get_all("date")) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("query", ["", "api-version=1.0", "api-version=2", "details=true"])
def test_a_call_needs_its_version(classic: Classic, query: str) -> None:
    assert classic.execute(rows(["1", "x"]), query).error == (400, "BadArgument", "BadVersionCall")


@pytest.mark.parametrize("query", ["details=maybe", "format=xml"])
def test_a_wrong_query_parameter_is_named(classic: Classic, query: str) -> None:
    answer = classic.execute(rows(["1", "x"]), f"api-version=2.0&{query}")
    assert answer.error == (400, "BadArgument", "InvalidQueryParameter")
    assert f"'{query.split('=', maxsplit=1)[0]}'" in answer.json["error"]["details"][0]["message"]


@pytest.mark.parametrize("authorization", ["Bearer wrong", "Bearer", "Basic call-key", f"Bearer {OTHER_KEY}"])
def test_a_wrong_key_is_refused_before_the_body_is_read(classic: Classic, authorization: str) -> None:
    answer = classic.execute(b"{", headers={"Authorization": authorization})
    assert answer.error == (401, "Unauthorized", "ScoreRequestUnauthorized")
    assert answer.json["error"]["details"] == [
        {"code": "ScoreRequestUnauthorized", "message": "Invalid credentials provided."}
    ]
    assert answer.headers["www-authenticate"] == 'Bearer realm="estudio"'


def test_unknown_ids_are_told_apart(classic: Classic) -> None:
    workspace, endpoint = classic.host.workspace_id, classic.endpoint.id
    for ws, ep, code in (
        (workspace, "f" * 32, "WebServiceNotFound"),
        ("f" * 32, endpoint, "WebServiceIdNotFoundInWorkspace"),
        ("f" * 32, "f" * 32, "WorkspaceNotFound"),
    ):
        answer = classic.send("POST", f"{classic.url}/workspaces/{ws}/services/{ep}/execute?api-version=2.0", b"{}")
        assert answer.error == (404, "NotFound", code)


def test_a_script_that_raises_is_a_module_execution_error(classic: Classic) -> None:
    answer = classic.execute(rows(["1", "raise"]))
    assert answer.error == (400, "ModuleExecutionError", "85")
    detail = answer.json["error"]["details"][0]
    assert detail["target"] == "Execute Python Script RRS"
    assert detail["message"].startswith("Error 0085: The following error occurred during script evaluation")
    assert "ZeroDivisionError: division by zero\r\n\r\n\r\n---------- End of error message" in detail["message"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("memory", (413, "MemoryQuotaViolation", "OutOfMemoryLimit")),
        ("slow", (408, "RequestTimeout", "ScoreRequestTimeout")),
        ("crash", (400, "LibraryExecutionError", "1000")),
        ("busy", (503, "InitializingContainers", "")),
        ("broken", (500, "InternalError", "ContainerProcessTerminatedWithSystemError")),
    ],
)
def test_each_way_to_fail_has_its_class(classic: Classic, word: str, expected: tuple[int, str, str]) -> None:
    assert classic.execute(rows(["1", word])).error == expected


def test_too_many_calls_are_throttled_with_the_endpoints_name_and_maximum(classic: Classic) -> None:
    classic.host.change_endpoint(replace(classic.endpoint, max_concurrent_calls=0))
    answer = classic.execute(rows(["1", "x"]))
    assert answer.error == (503, "ServiceUnavailable", "RequestThrottled")
    assert answer.json["error"]["details"][0]["message"] == (
        "Request was throttled for default endpoint. The maximum concurrency for the endpoint is 0."
    )
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"Inputs": 3}', b"\xff\xfe"])
def test_a_body_that_is_no_request_is_invalid(classic: Classic, body: bytes) -> None:
    assert classic.execute(body).error == (400, "BadArgument", "RequestBodyInvalid")


def test_missing_and_unknown_names_have_their_codes(classic: Classic) -> None:
    table = {"ColumnNames": ["a", "b"], "Values": [["1", "x"]]}
    for inputs, parameters, code in (
        ({}, {}, "MissingRequestInput"),
        ({"input1": table, "input9": table}, {}, "InvalidInputNames"),
        ({"input1": table}, {"other": "1"}, "UnexpectedParameter"),
    ):
        answer = classic.execute({"Inputs": inputs, "GlobalParameters": parameters})
        assert answer.error == (400, "BadArgument", code)


@pytest.mark.parametrize(
    "table",
    [
        {"ColumnNames": ["a"], "Values": [["1"]]},
        {"ColumnNames": ["a", "c"], "Values": [["1", "x"]]},
        {"ColumnNames": ["a", "b", "a"], "Values": [["1", "x", "2"]]},
    ],
)
def test_other_columns_are_a_mismatch(classic: Classic, table: object) -> None:
    answer = classic.execute({"Inputs": {"input1": table}, "GlobalParameters": {}})
    assert answer.error == (400, "BadUserArgument", "InputMismatchError")
    assert len(answer.json["error"]["details"]) > 1, "which column is told behind the old sentence"


@pytest.mark.parametrize(
    "table",
    [
        {"ColumnNames": ["a", "b"], "Values": [["one", "x"]]},
        {"ColumnNames": ["a", "b"], "Values": [["1"]]},
        {"ColumnNames": ["a", "b"], "Values": [["1", "x", "y"]]},
        {"ColumnNames": ["a", "b"], "Values": "1"},
        5,
    ],
)
def test_cells_that_cannot_be_read_are_a_parse_error(classic: Classic, table: object) -> None:
    answer = classic.execute({"Inputs": {"input1": table}, "GlobalParameters": {}})
    assert answer.error == (400, "BadUserArgument", "InputParseError")
    assert answer.json["error"]["details"][0]["message"].startswith(
        "Parsing of input vector failed.  Verify the input vector has the correct number of columns and data types.  "
        "Additional details: "
    )


@pytest.mark.parametrize(("cell", "given"), [(None, None), ("", None), (1, "2"), ("2.50", "5"), (0.25, "0.5")])
def test_cells_are_null_numbers_or_texts(classic: Classic, cell: object, given: str | None) -> None:
    answer = classic.execute(rows([cell, "x"]))
    assert answer.json["Results"]["output1"]["value"]["Values"] == [[given, "x"]]


def test_a_call_is_noted_as_one_with_its_code(classic: Classic) -> None:
    classic.execute(rows(["1", "x"]))
    classic.execute(rows(["1", "raise"]))
    assert [(each.status, each.code) for each in classic.host.records] == [(200, ""), (400, "module-failed")]


def test_words_of_the_script_stay_here_where_errors_are_not_exposed(classic: Classic) -> None:
    object.__setattr__(classic.context.settings, "expose_errors", False)
    answer = classic.execute(rows(["1", "raise"]))
    assert answer.error == (400, "ModuleExecutionError", "85")
    assert "ZeroDivisionError" not in json.dumps(answer.json)


def test_gzip_is_taken(classic: Classic) -> None:
    body = gzip.compress(json.dumps(rows(["1.5", "x"])).encode())
    answer = classic.execute(body, headers={"Content-Encoding": "gzip"})
    assert answer.json["Results"]["output1"]["value"]["Values"] == [["3", "x"]]
    assert classic.execute(body[:-9], headers={"Content-Encoding": "gzip"}).error == (
        400, "BadArgument", "RequestBodyInvalid",
    )  # fmt: skip


def test_a_body_that_is_too_large_is_refused_packed_or_not(classic: Classic) -> None:
    object.__setattr__(classic.context.settings, "max_body_bytes", 1000)
    large = b" " * 1001
    for body, headers in ((large, {}), (gzip.compress(large), {"Content-Encoding": "gzip"})):
        assert classic.execute(body, headers=headers).error == (413, "BadArgument", "RequestBodyInvalid")


def test_a_caller_who_leaves_ends_the_call(classic: Classic) -> None:
    left = threading.Event()

    def wait(call: ScoreCall) -> ScoreOutcome:
        assert call.cancelled is not None
        if call.cancelled.wait(20):
            left.set()
        return ScoreOutcome({"output1": SAMPLE})

    endpoint = classic.host.add("patient", wait, inputs={}, outputs={"output1": SAMPLE}, key="patient-key")
    host, port = classic.url.removeprefix("http://").split(":")
    path = f"/workspaces/{classic.host.workspace_id}/services/{endpoint.id}/execute?api-version=2.0"
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer patient-key\r\nContent-Length: 2\r\n\r\n{{}}"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode())
        assert not left.wait(0.2)
    assert left.wait(20)


def test_a_service_without_inputs_takes_an_empty_call(classic: Classic) -> None:
    endpoint = classic.host.add(
        "bare", lambda _: ScoreOutcome({"output1": SAMPLE}), inputs={}, outputs={"output1": SAMPLE}, key="bare-key"
    )
    url = f"{classic.url}/workspaces/{classic.host.workspace_id}/services/{endpoint.id}/execute?api-version=2.0"
    bodies: tuple[object, ...] = (b"", {}, {"Inputs": {}, "GlobalParameters": {}}, {"inputs": None})
    for body in bodies:
        answer = classic.send("POST", url, body, key="bare-key")
        assert answer.json["Results"]["output1"]["value"]["Values"] == [["1.5", "x"], ["2", "y"]]


def test_the_address_of_a_call_is_found_in_any_case_of_its_ids(classic: Classic) -> None:
    url = f"{classic.url}/workspaces/{classic.host.workspace_id.upper()}/services/{classic.endpoint.id.upper()}"
    assert classic.send("POST", f"{url}/execute?api-version=2.0", rows(["1", "x"])).status == 200


def test_a_slow_body_is_given_up(classic: Classic) -> None:
    object.__setattr__(classic.context.settings, "body_grace_seconds", 0.2)
    host, port = classic.url.removeprefix("http://").split(":")
    path = f"/workspaces/{classic.host.workspace_id}/services/{classic.endpoint.id}/execute?api-version=2.0"
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer call-key\r\nContent-Length: 20\r\n\r\n{{"
    with socket.create_connection((host, int(port))) as connection:
        connection.settimeout(20)
        connection.sendall(head.encode())
        answer = b""
        while b"ScoreRequestTimeout" not in answer and (part := connection.recv(65536)):
            answer += part
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"RequestTimeout"' in answer
