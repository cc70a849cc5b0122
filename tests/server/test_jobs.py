"""Jobs of the modern face, over real HTTP: made in every way, watched, cancelled, downloaded, refused."""

from __future__ import annotations

import gzip
import io
import json
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from estudio.server.jobs import job_of_call, wants_job
from estudio.server.settings import ServerSettings
from tests.server.job_server import JobServer, serving_jobs
from tests.services.job_bench import SAMPLE, doubled, expected_text, failing
from tests.services.test_job_runner import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOBS = "/services/pima/jobs"
RECORDS = [{"name": "n0", "x": 0}, {"name": "n1", "x": 1}]
INLINE = {"inputs": {"input1": RECORDS}}
CSV = "name,x\nn0,0\nn1,1\n"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[JobServer]:
    with serving_jobs(tmp_path / "w") as server:
        yield server


def ended(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """The job of a 202 answer, once it has ended."""
    assert answer.status_code == 202, answer.text
    shown = client.get(answer.headers["location"], headers={"Prefer": "wait=10"})
    assert shown.status_code == 200
    document: dict[str, Any] = shown.json()
    return document


def result(client: httpx.Client, job: dict[str, Any]) -> httpx.Response:
    return client.get(job["outputs"]["output1"]["href"])


def test_a_job_of_tables_in_the_body(served: JobServer) -> None:
    made = served.call.post(JOBS, json=INLINE)
    assert made.headers["location"] == f"{JOBS}/{made.json()['id']}" == made.json()["links"]["self"]
    assert made.json()["state"] in {"queued", "running", "finished"}
    job = ended(served.call, made)
    assert (job["state"], job["version"], job["attempts"]) == ("finished", 1, 1)
    assert job["progress"] == {"rows_done": 2, "rows_total": 2}
    assert job["ended_at"] <= job["expires_at"]
    assert job["created_at"].endswith("Z")
    assert job["outputs"]["output1"] == {
        "href": f"{JOBS}/{job['id']}/outputs/output1", "format": "csv", "bytes": len(expected_text(2)), "rows": 2,
    }  # fmt: skip
    answer = result(served.call, job)
    assert (answer.text, answer.headers["content-type"]) == (expected_text(2), "text/csv; charset=utf-8")
    assert f'filename="pima-{job["id"][:8]}-output1.csv"' in answer.headers["content-disposition"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_table_as_the_whole_body(served: JobServer, packed: bool) -> None:
    content = gzip.compress(CSV.encode()) if packed else CSV.encode()
    headers = {"Content-Type": "text/csv"} | ({"Content-Encoding": "gzip"} if packed else {})
    job = ended(served.call, served.call.post(f"{JOBS}?trees=3", content=content, headers=headers))
    assert result(served.call, job).text == expected_text(2)


def test_parquet_in_and_out(served: JobServer) -> None:
    file = io.BytesIO()
    pq.write_table(pacsv.read_csv(io.BytesIO(CSV.encode())), file)
    made = served.call.post(
        JOBS, content=file.getvalue(), headers={"Content-Type": "application/vnd.apache.parquet"}
    )  # fmt: skip
    answer = result(served.call, ended(served.call, made))
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert pq.read_table(io.BytesIO(answer.content)).to_pydict() == {"name": ["n0", "n1"], "double": [0, 2]}


def test_an_arrow_stream_in_and_another_format_out(served: JobServer) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SAMPLE.to_arrow().schema) as writer:
        writer.write_table(SAMPLE.to_arrow())
    made = served.call.post(
        f"{JOBS}?format=jsonl", content=sink.getvalue().to_pybytes(),
        headers={"Content-Type": "application/vnd.apache.arrow.stream"},
    )  # fmt: skip
    answer = result(served.call, ended(served.call, made))
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["double"] for line in answer.text.splitlines()] == [2, 4]


def test_an_upload_is_used_by_a_job(served: JobServer) -> None:
    upload = served.call.post("/services/pima/uploads", content=CSV, headers={"Content-Type": "text/csv"})
    assert upload.status_code == 201
    assert (upload.json()["format"], upload.json()["bytes"]) == ("csv", len(CSV))
    named = {"inputs": {"input1": {"upload": upload.json()["upload"]}}, "outputs": {"output1": {"format": "tsv"}}}
    job = ended(served.call, served.call.post(JOBS, json=named))
    assert result(served.call, job).text == expected_text(2).replace(",", "\t")


def test_an_upload_says_its_format(served: JobServer) -> None:
    tsv = served.call.post("/services/pima/uploads?format=tsv.gz", content=gzip.compress(b"x\tname\n1\tn\n"))
    assert tsv.json()["upload"].endswith(".tsv.gz")
    job = ended(served.call, served.call.post(JOBS, json={"inputs": {"input1": {"upload": tsv.json()["upload"]}}}))
    assert result(served.call, job).text == "name,double\nn,2\n"
    assert served.call.post("/services/pima/uploads", content=CSV).json()["code"] == "media-type-not-supported"
    assert served.call.post("/services/pima/uploads?format=exe", content=CSV).status_code == 400


def test_files_of_the_workspace_are_for_managers(served: JobServer) -> None:
    (served.root / "data" / "in.csv").write_text(CSV)
    request = {"inputs": {"input1": {"path": "data/in.csv"}}, "outputs": {"output1": {"path": "data/out.parquet"}}}
    assert served.call.post(JOBS, json=request).status_code == 401
    job = ended(served.manage, served.manage.post(JOBS, json=request))
    assert job["state"] == "finished"
    assert pq.read_table(served.root / "data" / "out.parquet").num_rows == 2
    assert result(served.call, job).status_code == 200


def test_a_dataset_is_an_input(served: JobServer) -> None:
    (served.root / "data" / "in.csv").write_text(CSV)
    served.workspace.datasets.add(served.root / "data" / "in.csv", "people")
    job = ended(served.manage, served.manage.post(JOBS, json={"inputs": {"input1": {"dataset": "people"}}}))
    assert result(served.manage, job).text == expected_text(2)
    unknown = served.manage.post(JOBS, json={"inputs": {"input1": {"dataset": "nobody"}}})
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    "place",
    [".estudio/estudio.db", "../out.csv", "/tmp/out.csv", "data/.hidden.csv", "data/script.py", "missing/out.csv",
     "estudio.toml", "link/out.csv", ".estudio/out.csv", "data\\out.csv"],
)  # fmt: skip
@pytest.mark.parametrize("where", ["inputs", "outputs"])
def test_paths_that_are_refused(served: JobServer, place: str, where: str) -> None:
    (served.root / "link").symlink_to("/tmp")
    inputs: dict[str, object] = {"input1": RECORDS}
    request: dict[str, object] = {"inputs": inputs}
    if where == "inputs":
        inputs["input1"] = {"path": place, "format": "csv"}
    else:
        request["outputs"] = {"output1": {"path": place, "format": "csv"}}
    answer = served.manage.post(JOBS, json=request)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-call")
    assert served.manage.get(JOBS).json() == {"jobs": []}


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "missing-input", "/inputs"),
        ({"inputs": {"input1": [{"name": 1}]}}, "missing-column", "/inputs/input1"),
        ({"inputs": {"input1": RECORDS, "more": RECORDS}}, "unknown-input", "/inputs/more"),
        ({"inputs": {"input1": RECORDS}, "outputs": {"more": {}}}, "unknown-output", "/outputs"),
        ({"inputs": {"input1": RECORDS}, "outputs": {"output1": "csv"}}, "wrong-body", "/outputs/output1"),
        (
            {"inputs": {"input1": RECORDS}, "outputs": {"output1": {"format": "exe"}}},
            "wrong-format",
            "/outputs/output1",
        ),
        ({"inputs": {"input1": {"upload": 5}}}, "wrong-body", "/inputs/input1"),
        ({"inputs": {"input1": {"upload": "0" * 64 + ".csv"}}}, "unknown-upload", "/inputs/input1"),
        ({"inputs": {"input1": {"upload": "../x.csv"}}}, "unknown-upload", "/inputs/input1"),
        ({"inputs": {"input1": RECORDS}, "parameters": {"trees": 0}}, "wrong-parameter", "/parameters/trees"),
        ({"inputs": {"input1": RECORDS}, "parameters": {"cats": 0}}, "unknown-parameter", "/parameters/cats"),
        ({"input": {}}, "wrong-body", "/input"),
    ],
)
def test_a_request_that_does_not_fit_says_where(served: JobServer, body: object, code: str, pointer: str) -> None:
    answer = served.call.post(JOBS, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["errors"][0]["code"], answer.json()["errors"][0]["pointer"]) == (code, pointer)


@pytest.mark.parametrize("body", ["[1]", "{", "1"])
def test_bodies_that_are_no_request(served: JobServer, body: str) -> None:
    assert served.call.post(JOBS, content=body).status_code == 400


def test_a_file_that_does_not_fit_fails_the_job_with_its_problems(served: JobServer) -> None:
    made = served.call.post(JOBS, content="name,x\nn0,zero\n", headers={"Content-Type": "text/csv"})
    job = ended(served.call, made)
    assert (job["state"], job["outputs"]) == ("failed", {})
    (problem,) = job["error"]["errors"]
    assert (problem["code"], problem["row"], problem["column"]) == ("wrong-type", 0, "x")
    assert served.call.get(f"{JOBS}/{job['id']}/outputs/output1").status_code == 404


def test_the_same_idempotency_key_is_the_same_job(served: JobServer) -> None:
    headers = {"Idempotency-Key": "once"}
    first = served.call.post(JOBS, json=INLINE, headers=headers)
    again = served.call.post(JOBS, json=INLINE, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.headers["location"] == again.headers["location"]
    other = served.call.post(JOBS, json={"inputs": {"input1": RECORDS[:1]}}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "state-conflict")
    assert len(served.call.get(JOBS).json()["jobs"]) == 1


def test_jobs_are_listed_the_newest_first(served: JobServer) -> None:
    made = [served.call.post(JOBS, json=INLINE).json()["id"] for _ in range(3)]
    assert [job["id"] for job in served.call.get(JOBS).json()["jobs"]] == made[::-1]
    assert [job["id"] for job in served.call.get(f"{JOBS}?limit=1").json()["jobs"]] == made[-1:]
    for limit in ("0", "1001", "x", "9" * 30, "-1"):
        assert served.call.get(f"{JOBS}?limit={limit}").status_code == 400


def test_without_a_key_there_is_nothing(served: JobServer) -> None:
    job = served.call.post(JOBS, json=INLINE).json()["id"]
    with httpx.Client(base_url=served.call.base_url) as nobody:
        for method, path in (("POST", JOBS), ("GET", JOBS), ("GET", f"{JOBS}/{job}"), ("DELETE", f"{JOBS}/{job}"),
                             ("POST", "/services/pima/uploads"), ("GET", f"{JOBS}/{job}/outputs/output1")):  # fmt: skip
            assert nobody.request(method, path).status_code == 401


def test_another_service_does_not_know_the_job(served: JobServer) -> None:
    job = ended(served.call, served.call.post(JOBS, json=INLINE))["id"]
    served.host.add("other", doubled, inputs={"input1": SAMPLE}, outputs={"output1": SAMPLE}, key="other-key")
    for path in (f"/services/other/jobs/{job}", f"/services/other/jobs/{job}/outputs/output1"):
        answer = served.call.get(path, headers={"Authorization": "Bearer other-key"})
        assert (answer.status_code, answer.json()["code"]) == (404, "job-not-found")
    assert served.call.get(f"{JOBS}/{'0' * 32}").status_code == 404


def test_a_job_is_cancelled(tmp_path: Path) -> None:
    gate = Gate()
    with serving_jobs(tmp_path / "w", gate) as served:
        made = served.call.post(JOBS, json=INLINE)
        assert gate.began.wait(5)
        asked = served.call.delete(made.headers["location"])
        assert asked.status_code == 202
        begin = time.monotonic()
        assert ended(served.call, made)["state"] == "cancelled"
        assert time.monotonic() - begin < 10
        assert served.call.delete(made.headers["location"]).status_code == 200


def test_waiting_ends_in_time(tmp_path: Path) -> None:
    gate = Gate()
    with serving_jobs(tmp_path / "w", gate) as served:
        made = served.call.post(JOBS, json=INLINE)
        begin = time.monotonic()
        shown = served.call.get(made.headers["location"], headers={"Prefer": "handling=lenient, wait=1"})
        assert 0.9 < time.monotonic() - begin < 15
        assert shown.headers["preference-applied"] == "wait=1"
        assert shown.json()["state"] == "running"


def test_a_download_may_be_of_a_part_or_of_nothing_new(served: JobServer) -> None:
    job = ended(served.call, served.call.post(JOBS, json=INLINE))
    href = job["outputs"]["output1"]["href"]
    whole = served.call.get(href)
    part = served.call.get(href, headers={"Range": "bytes=5-10"})
    assert (part.status_code, part.content) == (206, whole.content[5:11])
    assert part.headers["content-range"] == f"bytes 5-10/{len(whole.content)}"
    same = served.call.get(href, headers={"If-None-Match": whole.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert served.call.get(href, headers={"Range": "bytes=999999-"}).status_code == 416


@pytest.mark.parametrize("expose", [True, False])
def test_the_author_s_words_leave_the_server_only_where_that_is_set(tmp_path: Path, expose: bool) -> None:
    settings = ServerSettings(log_format="none", expose_errors=expose)
    with serving_jobs(tmp_path / "w", lambda _: failing(), settings) as served:
        job = ended(served.call, served.call.post(JOBS, json=INLINE))
    assert (job["state"], job["error"]["code"]) == ("failed", "script-raised")
    assert ("traceback" in job["error"], "message" in job["error"]) == (expose, expose)


def test_results_are_kept_as_long_as_the_server_says(served: JobServer) -> None:
    other = served.workspace.jobs.runner(served.host, keep_seconds=3600.0)
    served.runner.stop()
    other.start()
    job = ended(served.call, served.call.post(JOBS, json=INLINE))
    other.stop()
    kept = datetime.fromisoformat(job["expires_at"]) - datetime.fromisoformat(job["ended_at"])
    assert kept.total_seconds() == pytest.approx(3600, abs=0.01)


def test_an_upload_that_is_too_large_is_refused(tmp_path: Path) -> None:
    settings = ServerSettings(log_format="none", max_upload_bytes=10)
    with serving_jobs(tmp_path / "w", settings=settings) as served:
        for path in (JOBS, "/services/pima/uploads"):
            answer = served.call.post(path, content=CSV, headers={"Content-Type": "text/csv"})
            assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_a_pinned_version_s_job_stays_of_that_version(served: JobServer) -> None:
    served.host.add("pima", lambda _: failing(), inputs={"input1": SAMPLE}, outputs={"output1": SAMPLE})
    made = served.call.post("/services/pima/versions/1/jobs", json=INLINE)
    assert ended(served.call, made)["version"] == 1
    assert served.call.post("/services/pima/versions/9/jobs", json=INLINE).status_code == 404


def test_a_score_call_becomes_a_job(served: JobServer) -> None:
    live = served.host.find("pima")
    body, location = job_of_call(served.workspace.jobs, live, {"input1": SAMPLE}, {"trees": 3})
    assert json.loads(body)["links"]["self"] == location
    job = served.call.get(location, headers={"Prefer": "wait=10"}).json()
    assert [json.loads(line)["double"] for line in result(served.call, job).text.splitlines()] == [2, 4]


@pytest.mark.parametrize(
    ("prefer", "wanted"),
    [("respond-async", True), ("wait=5, Respond-Async", True), ("respond-asyncx", False), ("", False), (None, False)],
)
def test_who_prefers_a_job(prefer: str | None, wanted: bool) -> None:
    assert wants_job(prefer) is wanted
