"""What every answer has, and what the options of a call do."""

from __future__ import annotations

import gzip
import io
import json
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from estudio.server.request_log import RequestLog
from estudio.server.settings import ServerSettings
from estudio.services.calling import Readiness, ScoreCall, ScoreOutcome
from estudio.services.calling_double import HostDouble
from estudio.tables.table import Table
from tests.server.raw import connect, head
from tests.server.running import SAMPLE, context_of, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = {"Authorization": "Bearer call-key"}
ROWS = {"inputs": {"input1": [{"a": 1.5, "b": "x"}]}}
SCORE = "/services/echo/score"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    settings = ServerSettings(log_format="none", allowed_origins=("https://page.example",))
    with running(context_of(settings=settings)) as url, httpx.Client(base_url=url, headers=KEY) as made:
        yield made


def test_every_answer_has_the_headers_that_keep_browsers_from_harm(client: httpx.Client) -> None:
    for path in (SCORE, "/nothing", "/health/live", "/problems"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers


@pytest.mark.parametrize(("given", "is_kept"), [("mine.1-a:b", True), ("a" * 129, False), ("a b", False), ("", False)])
def test_a_sane_request_id_is_taken_over(client: httpx.Client, given: str, is_kept: bool) -> None:
    answer = client.post(SCORE, json=ROWS, headers={"X-Request-Id": given})
    assert (answer.headers["x-request-id"] == given) is is_kept


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", SCORE, 405, "POST"),
        ("PUT", SCORE, 405, "POST"),
        ("OPTIONS", SCORE, 204, "POST"),
        ("HEAD", "/health/live", 200, None),
        ("DELETE", "/health/live", 405, "GET, HEAD"),
        ("GET", "/services/echo/score/", 404, None),
        ("POST", "/services/none/score", 404, None),
        ("POST", "/services/echo/versions/9/score", 404, None),
        ("POST", "/services/echo/versions/x/score", 404, None),
        ("POST", "/services/echo/endpoints/none/score", 404, None),
        ("POST", "/services/%00/score", 404, None),
    ],
)
def test_methods_and_addresses(client: httpx.Client, method: str, path: str, status: int, allow: str | None) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    if allow is not None:
        assert sorted(answer.headers["allow"].split(", ")) == sorted(allow.split(", "))
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", [SCORE, "/services/echo/versions/1/score", "/services/echo/endpoints/default/score"])
def test_each_address_of_a_service(client: httpx.Client, path: str) -> None:
    assert client.post(path, json=ROWS).json() == {"outputs": {"output1": [{"a": 1.5, "b": "x"}]}}


def test_tables_go_in_and_out_in_every_form(client: httpx.Client) -> None:
    arrow = SAMPLE.to_arrow()
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, arrow.schema) as writer:
        writer.write_table(arrow)
    parquet = io.BytesIO()
    pq.write_table(arrow, parquet)
    bodies = {
        "application/vnd.apache.arrow.stream": stream.getvalue(),
        "application/vnd.apache.parquet": parquet.getvalue(),
        "text/csv": b"a,b\n1.5,x\n2.5,y\n",
        "application/json": json.dumps([{"a": 1.5, "b": "x"}, {"a": 2.5, "b": "y"}]).encode(),
    }
    for sent, body in bodies.items():
        for wanted in bodies:
            answer = client.post(SCORE, content=body, headers={"Content-Type": sent, "Accept": wanted})
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"].partition(";")[0] == wanted
            if wanted.endswith("arrow.stream"):
                assert pa.ipc.open_stream(answer.content).read_all().to_pylist() == arrow.to_pylist()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Accept": "image/png"}, 406),
        ({"Content-Type": "image/png"}, 415),
        ({"Content-Type": "application/json; charset=utf-16"}, 415),
        ({"Idempotency-Key": "k" * 300}, 400),
    ],
)
def test_headers_that_cannot_be(client: httpx.Client, headers: dict[str, str], status: int) -> None:
    content = json.dumps(ROWS).encode()
    answer = client.post(SCORE, content=content, headers={"Content-Type": "application/json", **headers})
    assert answer.status_code == status


@pytest.mark.parametrize("query", ["orient=split&orient=split", "%ff=1", "&".join(f"a{n}=1" for n in range(300))])
def test_queries_that_cannot_be(client: httpx.Client, query: str) -> None:
    assert client.post(f"{SCORE}?{query}", json=ROWS).status_code == 400


def test_a_long_answer_is_packed_where_the_caller_takes_it(client: httpx.Client) -> None:
    many = [{"a": 1.5, "b": "x"}] * 1000
    plain = client.post(SCORE, json=many, headers={"Accept-Encoding": "identity"})
    packed = client.post(SCORE, json=many)
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 10
    assert packed.json() == plain.json()
    sent = gzip.compress(json.dumps(many).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert client.post(SCORE, content=sent, headers=headers).json() == plain.json()


def test_a_wrong_call_names_row_and_column(client: httpx.Client) -> None:
    answer = client.post(SCORE, json={"inputs": {"input1": [{"a": "no number", "b": "x"}]}})
    assert answer.status_code == 400
    place = answer.json()["errors"][0]
    assert (place["pointer"], place["row"], place["column"]) == ("/inputs/input1/0/a", 0, "a")


def test_pages_of_allowed_origins_may_call(client: httpx.Client) -> None:
    asks = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type"}  # fmt: skip
    assert client.options(SCORE, headers=asks).headers["access-control-allow-origin"] == "https://page.example"
    answer = client.post(SCORE, json=ROWS, headers={"Origin": "https://page.example"})
    assert answer.headers["access-control-allow-origin"] == "https://page.example"
    answer = client.post(SCORE, json=ROWS, headers={"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in answer.headers


def counting_host(calls: list[ScoreCall], seconds: float = 0.0) -> HostDouble:
    def count(call: ScoreCall) -> ScoreOutcome:
        calls.append(call)
        time.sleep(seconds)
        return ScoreOutcome({"output1": call.inputs["input1"]})

    host = HostDouble()
    host.add("echo", count, inputs={"input1": SAMPLE}, outputs={"output1": SAMPLE})
    return host


@pytest.fixture
def answers_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.mark.usefixtures("answers_folder")
def test_the_same_idempotency_key_gets_the_same_answer() -> None:
    calls: list[ScoreCall] = []
    headers = {**KEY, "Idempotency-Key": "k1"}
    with running(context_of(counting_host(calls))) as url, httpx.Client(base_url=url) as client:
        first = client.post(SCORE, json=ROWS, headers=headers)
        second = client.post(SCORE, json=ROWS, headers=headers)
        other = client.post(SCORE, json={"inputs": {"input1": [{"a": 2.5, "b": "x"}]}}, headers=headers)
        another = client.post(SCORE, json=ROWS, headers={**headers, "Idempotency-Key": "k2"})
    assert first.content == second.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert another.status_code == 200
    assert len(calls) == 2


@pytest.mark.usefixtures("answers_folder")
def test_a_call_whose_key_is_being_answered_is_refused() -> None:
    calls: list[ScoreCall] = []
    headers = {**KEY, "Idempotency-Key": "k1"}
    statuses: list[int] = []
    with running(context_of(counting_host(calls, 0.5))) as url:
        threads = [
            threading.Thread(
                target=lambda: statuses.append(httpx.post(url + SCORE, json=ROWS, headers=headers).status_code)
            )
            for _ in range(2)
        ]
        threads[0].start()
        while not calls:
            time.sleep(0.01)
        threads[1].start()
        for thread in threads:
            thread.join()
    assert sorted(statuses) in ([200, 409], [200, 200])
    assert len(calls) == 1


def test_a_caller_who_leaves_cancels_the_call() -> None:
    calls: list[ScoreCall] = []
    body = json.dumps(ROWS).encode()
    host = counting_host(calls, 1.5)
    with running(context_of(host)) as url:
        with connect(url) as connection:
            connection.sendall(head(len(body)) + body)
            while not calls:
                time.sleep(0.01)
            time.sleep(0.7)
        cancelled = calls[0].cancelled
        assert cancelled is not None
        assert cancelled.wait(2)
        while not host.records:
            time.sleep(0.01)
    assert host.records[0].status == 499


def test_more_calls_than_threads_are_refused_at_once() -> None:
    calls: list[ScoreCall] = []
    settings = ServerSettings(log_format="none", max_calls=1)
    with running(context_of(counting_host(calls, 1.0), settings)) as url:
        slow = threading.Thread(target=lambda: httpx.post(url + SCORE, json=ROWS, headers=KEY))
        slow.start()
        while not calls:
            time.sleep(0.01)
        answer = httpx.post(url + SCORE, json=ROWS, headers=KEY)
        slow.join()
    assert (answer.status_code, answer.json()["code"]) == (503, "service-busy")
    assert answer.headers["retry-after"] == "1"


def test_readiness_names_what_is_waited_for() -> None:
    host = HostDouble(ready=Readiness(ready=False, waiting=("environment default",)))
    with running(context_of(host)) as url:
        answer = httpx.get(f"{url}/health/ready")
        assert answer.status_code == 503
        assert answer.json() == {"status": "not-ready", "waiting": ["environment default"]}
        assert httpx.get(f"{url}/health/live").json() == {"status": "live"}


def test_the_log_has_a_line_for_each_request_without_payload_and_key() -> None:
    stream = io.StringIO()
    context = context_of()
    log = RequestLog("json", stream)
    object.__setattr__(context, "log", log)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with running(context) as url:
        httpx.post(
            url + SCORE + "?orient=split", json=ROWS, headers={**KEY, "traceparent": trace, "X-Request-Id": "r1"}
        )
        httpx.get(f"{url}/nothing?call-key")
    log.close()
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["request_id"], first["trace_id"]) == ("r1", "0af7651916cd43dd8448eb211c80319c")
    assert (first["service"], first["version"], first["endpoint"], first["status"]) == ("echo", 1, "default", 200)
    assert first["bytes_in"] == len(json.dumps(ROWS, separators=(",", ":")))
    assert first["seconds"] > 0
    assert len(first["key_id"]) == 16
    assert second["status"] == 404
    assert "call-key" not in stream.getvalue()
    assert "split" not in stream.getvalue()


@pytest.mark.parametrize("characters", [10, 100_000])
def test_a_short_call_may_have_a_long_answer(characters: int) -> None:
    def long(_: ScoreCall) -> ScoreOutcome:
        return ScoreOutcome({"output1": Table.from_arrow(pa.table({"a": [1.0], "b": ["x" * characters]}))})

    host = HostDouble()
    host.add("echo", long, inputs={"input1": SAMPLE}, outputs={"output1": SAMPLE})
    with running(context_of(host)) as url:
        answer = httpx.post(url + SCORE, json=ROWS, headers=KEY)
    assert answer.json() == {"outputs": {"output1": [{"a": 1.0, "b": "x" * characters}]}}
