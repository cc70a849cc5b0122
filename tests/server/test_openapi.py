from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import jsonschema  # type: ignore[import-untyped, unused-ignore]
import pyarrow as pa
import pytest

from estudio.core.module_kind import Parameter, ParameterType
from estudio.server.openapi_parts import all_problem_statuses
from estudio.server.service_document import SCORE_PROBLEMS
from estudio.server.settings import ServerSettings
from estudio.services.calling import ScoreOutcome
from estudio.services.calling_double import HostDouble
from estudio.tables.table import Table
from tests.server.job_server import serving_jobs
from tests.server.running import context_of, identity, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SAMPLE = Table.from_arrow(
    pa.table(
        {
            "number": pa.array([1.5, None]),
            "whole": pa.array([1, 2]),
            "text": pa.array(["x", None], pa.large_string()),
            "flag": pa.array([True, False]),
        }
    )
)


def described_host() -> HostDouble:
    host = HostDouble()
    parameters = [Parameter("factor", ParameterType.NUMBER, default=1.0, minimum=0.0, maximum=10.0)]
    for _ in range(2):
        host.add("all", identity, inputs={"input1": SAMPLE}, outputs={"output1": SAMPLE}, parameters=parameters)
    two = {"left": SAMPLE, "right": SAMPLE}
    host.add("two", lambda call: ScoreOutcome(dict(call.inputs)), inputs=two, outputs=two, key="two-key")
    return host


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(context_of(described_host())) as address:
        yield address


def document_of(url: str, path: str) -> dict[str, object]:
    answer = httpx.get(url + path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    document: dict[str, object] = answer.json()
    return document


def test_the_examples_of_a_service_are_answered_as_it_says(url: str) -> None:
    document = document_of(url, "/services/all/openapi.json")
    (path, item), *_ = document["paths"].items()  # type: ignore[attr-defined]
    content = item["post"]["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        answer = httpx.post(url + path, json=example["value"], headers={"Authorization": "Bearer call-key"})
        assert answer.status_code == 200, answer.text
        jsonschema.Draft202012Validator(document["components"]["schemas"]["Answer"]).validate(answer.json())  # type: ignore[index]


def test_a_version_is_described_at_its_own_address(url: str) -> None:
    document = document_of(url, "/services/all/versions/1/openapi.json")
    assert list(document["paths"]) == ["/services/all/versions/1/score"]  # type: ignore[call-overload]
    assert httpx.get(f"{url}/services/all/versions/9/openapi.json").json()["code"] == "version-not-found"
    assert httpx.get(f"{url}/services/all/versions/x/openapi.json").json()["code"] == "version-not-found"
    assert httpx.get(f"{url}/services/none/openapi.json").json()["code"] == "service-not-found"


def test_jobs_are_described_as_they_are(tmp_path: Path) -> None:
    """Every job route is called as the document says, and answers what its schemas say."""
    with serving_jobs(tmp_path / "w") as served:
        document = served.call.get("/services/pima/openapi.json").json()
        pinned = served.call.get("/services/pima/versions/1/openapi.json").json()
        schemas = document["components"]["schemas"]

        def check(name: str, value: object) -> None:
            schema = {**schemas[name], "components": document["components"]}
            jsonschema.Draft202012Validator(schema).validate(value)

        upload = served.call.post(
            "/services/pima/uploads", content="name,x\nn,1\n", headers={"Content-Type": "text/csv"}
        )
        asked = {"inputs": {"input1": {"upload": upload.json()["upload"]}}, "outputs": {"output1": {"format": "jsonl"}}}
        made = served.call.post("/services/pima/jobs", json=asked)
        shown = served.call.get(made.headers["location"], headers={"Prefer": "wait=10"})
        listed = served.call.get("/services/pima/jobs")
        ended = served.call.delete(made.headers["location"])
    assert list(pinned["paths"]) == ["/services/pima/versions/1/score", "/services/pima/versions/1/jobs"]
    assert {path.removeprefix("/services/pima"): sorted(item) for path, item in document["paths"].items()} == {
        "/score": ["post"],
        "/jobs": ["get", "post"],
        "/jobs/{job}": ["delete", "get"],
        "/jobs/{job}/outputs/{output}": ["get"],
        "/uploads": ["post"],
    }
    check("Upload", upload.json())
    check("JobRequest", asked)
    check("JobRequest", {"inputs": {"input1": [{"name": "n", "x": 1}]}})
    for answer in (made, shown, ended):
        check("Job", answer.json())
    check("Jobs", listed.json())
    for item in document["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                for content in response.get("content", {}).values():
                    if "example" in content and status in {"201", "202"}:
                        check(content["schema"]["$ref"].rsplit("/", 1)[1], content["example"])
    with pytest.raises(jsonschema.ValidationError):
        check("JobRequest", {"inputs": {"input1": {"upload": 5}}})


def test_private_descriptions_need_a_key() -> None:
    settings = ServerSettings(log_format="none", public_descriptions=False)
    with running(context_of(described_host(), settings)) as url:
        path = f"{url}/services/all/openapi.json"
        assert httpx.get(path).status_code == 401
        assert httpx.get(path, headers={"Authorization": "Bearer call-key"}).status_code == 200
        assert "/services/all" not in httpx.get(f"{url}/openapi.json").json()["info"]["description"]


def test_every_problem_of_the_table_is_documented_for_score_calls() -> None:
    assert set(all_problem_statuses()) - set(SCORE_PROBLEMS) == {411, 421, 501}


def test_the_server_describes_its_own_routes(url: str) -> None:
    document = document_of(url, "/openapi.json")
    for path in document["paths"]:  # type: ignore[attr-defined]
        if "{" not in path:
            assert httpx.get(url + path).status_code == 200, path
