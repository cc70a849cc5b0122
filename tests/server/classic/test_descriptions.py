from __future__ import annotations

import html
import json
import re
import urllib.parse
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from estudio.core.module_kind import Parameter, ParameterType
from estudio.server.classic.help_html import PAGE_STYLE
from estudio.tables.table import Table
from tests.server.classic.conftest import SAMPLE, double, rows

if TYPE_CHECKING:
    from tests.server.classic.conftest import Answered, Classic

jsonschema = pytest.importorskip("jsonschema", reason="the development lock brings it")

SWAGGER_RULES: dict[str, Any] = {
    "type": "object",
    "required": ["swagger", "info", "paths"],
    "additionalProperties": False,
    "patternProperties": {"^x-": {}},
    "properties": {
        "swagger": {"const": "2.0"},
        "info": {
            "type": "object",
            "required": ["version", "title"],
            "properties": {"version": {"type": "string"}, "title": {"type": "string"}},
        },
        "host": {"type": "string", "pattern": "^[^{}/ :\\\\]+(?::\\d+)?$"},
        "basePath": {"type": "string", "pattern": "^/"},
        "schemes": {"type": "array", "items": {"enum": ["http", "https", "ws", "wss"]}, "uniqueItems": True},
        "consumes": {"type": "array", "items": {"type": "string"}},
        "produces": {"type": "array", "items": {"type": "string"}},
        "paths": {"patternProperties": {"^/": {"$ref": "#/definitions/path"}}, "additionalProperties": False},
        "definitions": {"type": "object", "additionalProperties": {"$ref": "#/definitions/schema"}},
        "securityDefinitions": {
            "additionalProperties": {
                "required": ["type", "name", "in"],
                "properties": {"type": {"const": "apiKey"}, "in": {"enum": ["header", "query"]}},
            }
        },
        "security": {"type": "array", "items": {"type": "object"}},
    },
    "definitions": {
        "path": {
            "additionalProperties": False,
            "properties": {each: {"$ref": "#/definitions/operation"} for each in ("get", "post", "put", "delete")},
        },
        "operation": {
            "required": ["responses"],
            "additionalProperties": False,
            "properties": {
                "summary": {"type": "string"},
                "description": {"type": "string"},
                "operationId": {"type": "string"},
                "security": {"type": "array"},
                "parameters": {"type": "array", "items": {"$ref": "#/definitions/parameter"}},
                "responses": {
                    "minProperties": 1,
                    "additionalProperties": False,
                    "patternProperties": {"^([0-9]{3})$|^(default)$": {"$ref": "#/definitions/response"}},
                },
            },
        },
        "parameter": {
            "required": ["name", "in", "schema"],
            "properties": {"in": {"const": "body"}, "schema": {"$ref": "#/definitions/schema"}},
        },
        "response": {
            "required": ["description"],
            "additionalProperties": False,
            "properties": {"description": {"type": "string"}, "schema": {"$ref": "#/definitions/schema"}},
        },
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {"^x-": {}},
            "properties": {
                "$ref": {"type": "string", "pattern": "^#/definitions/"},
                "type": {"enum": ["array", "boolean", "integer", "number", "object", "string"]},
                "format": {"type": "string"},
                "description": {"type": "string"},
                "default": {},
                "enum": {"type": "array", "minItems": 1},
                "minimum": {"type": "number"},
                "maximum": {"type": "number"},
                "required": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                "properties": {"additionalProperties": {"$ref": "#/definitions/schema"}},
                "additionalProperties": {"$ref": "#/definitions/schema"},
                "items": {"$ref": "#/definitions/schema"},
                "example": {},
            },
        },
    },
}
"""What Swagger 2.0's own schema demands of the parts that are used here, and nothing else allowed."""


def swagger_of(classic: Classic) -> Any:
    answer = classic.send("GET", "/swagger.json", key="")
    assert answer.status == 200
    return answer.json


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        return [each for key, item in value.items() for each in ([item] if key == "$ref" else references(item))]
    return [each for item in value for each in references(item)] if isinstance(value, list) else []


def check_references(document: Any) -> None:
    found = references(document)
    assert found
    for reference in found:
        assert urllib.parse.unquote(reference.removeprefix("#/definitions/")) in document["definitions"]


def test_swagger_needs_no_key_and_keeps_its_rules(classic: Classic) -> None:
    document = swagger_of(classic)
    jsonschema.Draft4Validator({**SWAGGER_RULES, "$schema": "http://json-schema.org/draft-04/schema#"})
    jsonschema.Draft7Validator(SWAGGER_RULES).validate(document)
    check_references(document)
    assert f"{document['schemes'][0]}://{document['host']}{document['basePath']}" == classic.api


def test_swagger_has_what_the_r_client_looks_for(classic: Classic) -> None:
    document = swagger_of(classic)
    paths = document["paths"]
    method = next(iter(paths[list(paths)[1]])).upper()
    executing = [
        path for path, item in paths.items() if any(call["operationId"] == "execute" for call in item.values())
    ]
    assert (method, executing) == ("POST", ["/execute?api-version=2.0&format=swagger"])
    definitions = document["definitions"]
    assert list(definitions["input1Item"]["properties"]) == ["a", "b"]
    assert [each["type"] for each in definitions["output1Item"]["properties"].values()] == ["number", "string"]
    assert definitions["ExecutionRequest"]["example"] == {
        "Inputs": {"input1": [{"a": 1.5, "b": "x"}, {"a": 2.0, "b": "y"}]},
        "GlobalParameters": {"factor": "2.0"},
    }
    parameters = definitions["ExecutionRequest"]["properties"]["GlobalParameters"]["properties"]
    assert parameters == {"factor": {"type": "string", "description": "What a is multiplied by.", "default": "2.0"}}


def test_swaggers_own_example_is_a_call(classic: Classic) -> None:
    document = swagger_of(classic)
    path = document["paths"] and list(document["paths"])[1]
    address = f"{document['schemes'][0]}://{document['host']}{document['basePath']}{path}"
    answer = classic.send("POST", address, document["definitions"]["ExecutionRequest"]["example"])
    assert answer.json == {"Results": {"output1": [{"a": "3", "b": "x"}, {"a": "4", "b": "y"}]}}


def test_swagger_of_the_later_address(classic: Classic) -> None:
    base = f"/subscriptions/{classic.host.workspace_id}/services/{classic.endpoint.id}"
    answer = classic.send("GET", f"{classic.url}{base}/swagger.json", key="")
    assert answer.json["basePath"] == base


def test_swagger_of_a_service_without_ports_and_of_odd_names(classic: Classic) -> None:
    odd = Table.from_arrow(pa.table({'a "b" ~/': [1], "ü": [True]}))
    parameters = [
        Parameter("kind", ParameterType.CHOICE, choices=("one", "two")),
        Parameter("count", ParameterType.INTEGER, required=True, minimum=1, maximum=9),
    ]
    bare = classic.host.add("bare", double, inputs={}, outputs={}, key="bare-key")
    strange = classic.host.add(
        "strange", double, inputs={"my input/1": odd}, outputs={"out": odd}, parameters=parameters, key="strange-key"
    )
    for endpoint in (bare, strange):
        url = f"{classic.url}/workspaces/{classic.host.workspace_id}/services/{endpoint.id}/swagger.json"
        document = classic.send("GET", url, key="").json
        jsonschema.Draft7Validator(SWAGGER_RULES).validate(document)
        check_references(document)


def help_page(classic: Classic, kind: str = "score", service: str = "doubler", endpoint: str = "default") -> Answered:
    workspace = classic.host.workspace_id
    url = f"{classic.url}/apihelp/workspaces/{workspace}/webservices/{service}/endpoints/{endpoint}/{kind}"
    return classic.send("GET", url, key="")


@pytest.mark.parametrize("kind", ["score", "jobs"])
def test_help_pages_need_no_key_and_load_nothing(classic: Classic, kind: str) -> None:
    answer = help_page(classic, kind)
    page = answer.body.decode()
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"<style>{PAGE_STYLE}</style>" in page
    assert "prefers-color-scheme:dark" in page
    assert 'name="viewport"' in page
    assert not re.search(r"<(script|link|img|iframe|object|embed)\b|@import|url\(|\bon\w+=", page)
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]
    assert "MissingRequestInput" in page
    assert html.escape(classic.api) in page


def test_a_help_page_is_found_by_ids_as_the_r_client_reads_them_out(classic: Classic) -> None:
    by_id = help_page(classic, service=classic.endpoint.service_id, endpoint=classic.endpoint.id)
    assert by_id.body == help_page(classic).body
    assert help_page(classic, endpoint="none").error == (404, "NotFound", "WebServiceNotFound")
    assert help_page(classic, service="other", endpoint=classic.endpoint.id).error[0] == 404


def test_the_r_client_finds_its_program(classic: Classic) -> None:
    pattern = r"""</?\w+((\s+\w+(\s*=\s*(?:".*?"|'.*?'|[^'">\s]+))?)+\s*|\s*)/?>"""
    lines = help_page(classic).body.decode().splitlines()
    text = "\n".join(re.sub("&.?quot;", "'", re.sub(pattern, r"\1", line)) for line in lines)
    program = text[text.index("code-snippet-r") + len("code-snippet-r") + 1 :].lstrip('"').lstrip("\n")
    assert program.startswith(("library(", "#", "req", "h "))


def test_the_help_pages_sample_is_a_call(classic: Classic) -> None:
    page = help_page(classic).body.decode()
    sample = json.loads(html.unescape(page.split("<h2>Sample request</h2>")[1].split("<pre>")[1].split("</pre>")[0]))
    assert set(sample) == {"Inputs", "GlobalParameters"}
    assert classic.execute(sample).status == 200
    answer = json.loads(html.unescape(page.split("<h2>Sample answer</h2>")[1].split("<pre>")[1].split("</pre>")[0]))
    given = classic.execute(rows(), "api-version=2.0&details=true").json
    for each in (answer, given):
        each["Results"]["output1"]["value"].pop("Values")
    assert answer == given


def test_words_of_a_service_are_no_markup(classic: Classic) -> None:
    evil = Table.from_arrow(pa.table({"<script>alert(1)</script>": ["</pre><script>alert(2)</script>"]}))
    classic.host.add("evil", double, inputs={"input1": evil}, outputs={"output1": SAMPLE}, key="evil-key")
    for kind in ("score", "jobs"):
        assert b"<script" not in help_page(classic, kind, service="evil").body


def test_descriptions_can_be_closed(classic: Classic) -> None:
    object.__setattr__(classic.context.settings, "public_descriptions", False)
    assert classic.send("GET", "/swagger.json", key="").status == 401
    assert classic.send("GET", "/swagger.json").status == 200
    assert help_page(classic).status == 401
