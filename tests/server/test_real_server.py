"""`estudio serve` with real services under what goes wrong in real life: kills, stops, overload, promotions."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest

from estudio.core.job import JobState
from estudio.sandbox.doctor import examine_machine
from estudio.workspace.workspace import Workspace
from tests.server.real_server import (
    ROWS,
    SOURCE,
    RealServer,
    children,
    descendants,
    gone_within,
    kill,
    publish,
    serving,
    templates,
    zygotes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Require
    from tests.server.real_server import Published

pytestmark = [pytest.mark.sandbox, pytest.mark.environments]

GONE_SECONDS = 5.0
PAUSE_SECONDS = 0.01
"""Between two calls of a caller, so that two processors have room for what else a test starts."""


@pytest.fixture(scope="module")
def published(estudio_home: Path, require: Require, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    require(examine_machine().level, "full isolation cannot be had here: see `estudio doctor`")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESTUDIO_HOME", str(estudio_home))
        yield publish(tmp_path_factory.mktemp("real") / "w")


@pytest.fixture(scope="module")
def alone(published: Published, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The same workspace once more: another server at the same one would take over jobs that are handed back."""
    root = tmp_path_factory.mktemp("alone") / "w"
    shutil.copytree(published.root, root)
    return replace(published, root=root)


@pytest.fixture(scope="module")
def server(published: Published, alone: Published) -> Iterator[RealServer]:
    """One server with two workers, for all tests that do not end theirs."""
    del alone  # which is copied before anything is written here
    with serving(published, "--workers", "2") as served:
        served.wait_until_ready(2)
        yield served


class Callers:
    """Threads that call until they are stopped, each on a connection of its own."""

    def __init__(self, server: RealServer, count: int) -> None:
        self.answers: list[httpx.Response] = []
        self.broken: list[int] = []
        self._server = server
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.wait_for(4 * len(self._threads))
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more: int) -> None:
        goal, end = len(self.answers) + more, time.monotonic() + 10
        while len(self.answers) < goal:
            assert time.monotonic() < end, "the calls do not go on"
            time.sleep(0.01)

    def _call(self, number: int) -> None:
        with httpx.Client(timeout=20) as client:
            while not self._stop.is_set():
                try:
                    self.answers.append(self._server.score("which", client=client))
                except httpx.TransportError:
                    self.broken.append(number)
                time.sleep(PAUSE_SECONDS)


def together(count: int, function: Callable[[], Any]) -> list[Any]:
    """What so many threads got that began at one time."""
    found: list[Any] = []
    gate = threading.Barrier(count)

    def one() -> None:
        gate.wait()
        found.append(function())

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def check_calls(server: RealServer) -> None:
    """Both workers answer, whichever takes a connection."""
    answers = [server.score("which") for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 12, [answer.text for answer in answers]


def test_a_killed_worker_takes_its_guests_along_and_the_others_go_on(server: RealServer) -> None:
    victim = server.workers()[0]
    below = descendants(victim)
    assert len(below) >= 6
    with Callers(server, 6) as callers:
        kill(victim)
        assert gone_within({victim, *below}, GONE_SECONDS)
        callers.wait_for(30)
    assert len(callers.broken) == len(set(callers.broken)), "a caller lost more than the call that was in the worker"
    assert {answer.status_code for answer in callers.answers} == {200}
    server.wait_until_ready(2)
    check_calls(server)
    assert victim not in server.workers()


@pytest.mark.parametrize("find", [zygotes, templates, lambda worker: [
    first for zygote in zygotes(worker) for first in children(zygote)
]], ids=["zygotes", "guests", "first processes"])  # fmt: skip
def test_killed_guests_fail_the_calls_in_them_alone(server: RealServer, find: Callable[[int], list[int]]) -> None:
    slow: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: slow.append(server.score("slow", parameters={"seconds": 0.5})))
        for _ in range(2)
    ]
    with Callers(server, 2) as callers:
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        killed = {each for worker in server.workers() for each in find(worker)}
        assert killed
        for each in killed:
            with contextlib.suppress(ProcessLookupError):
                kill(each)
        callers.wait_for(10)
        for thread in threads:
            thread.join()
    failed = [answer for answer in (*callers.answers, *slow) if answer.status_code != 200]
    assert {answer.status_code for answer in failed} <= {502, 503}, [answer.text for answer in failed]
    assert all("again" in answer.text.lower() or "retry-after" in answer.headers for answer in failed)
    assert callers.broken == []
    assert gone_within(killed, GONE_SECONDS)
    check_calls(server)
    assert [server.score("slow").status_code for _ in range(4)] == [200] * 4


def test_nothing_outlives_a_killed_supervisor(published: Published) -> None:
    with serving(published, "--workers", "2") as server:
        server.wait_until_ready(2)
        below = descendants(server.process.pid)
        assert len(below) >= 14
        kill(server.process.pid)
        assert gone_within(below, GONE_SECONDS)


def test_a_stop_ends_calls_and_hands_jobs_back(alone: Published) -> None:
    call: list[httpx.Response] = []
    with serving(alone) as server, httpx.Client() as open_client:
        server.score("which", client=open_client)
        begun = server.score("slow", parameters={"seconds": 3.0}, headers={"Prefer": "respond-async"})
        job = begun.json()["id"]
        threads = [
            threading.Thread(target=lambda: call.append(server.score("slow", parameters={"seconds": 1.0})))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        wait_for_job(alone, job, JobState.RUNNING)
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.25)
        refused = server.score("which", client=open_client)
        assert (refused.status_code, int(refused.headers["retry-after"]) >= 1) == (503, True)
        with pytest.raises(httpx.ConnectError):
            server.score("which")
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in call] == [200] * 4
        assert server.process.wait(10) == 0
    with Workspace.open(alone.root) as workspace:
        assert workspace.jobs.get(job).state is JobState.QUEUED
    with serving(alone) as server:
        shown = httpx.get(
            server.url + begun.headers["location"], headers={**alone.key("slow"), "Prefer": "wait=15"}, timeout=20
        )
        assert (shown.json()["state"], shown.json()["attempts"] >= 1) == ("finished", True)


def wait_for_job(published: Published, job: str, state: JobState) -> None:
    with Workspace.open(published.root) as workspace:
        end = time.monotonic() + 10
        while workspace.jobs.get(job).state is not state:
            assert time.monotonic() < end, f"the job never becomes {state}"
            time.sleep(0.02)


def test_tls(published: Published, tmp_path: Path, require: Require) -> None:
    require(shutil.which("openssl"), "there is no openssl to make a certificate")
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    with serving(published, "--tls-certificate", str(certificate), "--tls-key", str(key)) as server:
        assert server.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(certificate))
        with httpx.Client(verify=trusting, timeout=20) as client:
            assert server.score("which", client=client).json()["outputs"]["output1"][0]["version"] == 2
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            server.score("which")
        with pytest.raises(httpx.TransportError):
            httpx.get(server.url.replace("https", "http") + "/health/live")


def test_a_call_that_is_answered_later(server: RealServer) -> None:
    made = server.score("which", headers={"Prefer": "respond-async"})
    assert (made.status_code, made.headers["preference-applied"]) == (202, "respond-async")
    with httpx.Client(base_url=server.url, headers=server.published.key("which"), timeout=20) as client:
        job = client.get(made.headers["location"], headers={"Prefer": "wait=15"}).json()
        assert (job["state"], job["version"]) == ("finished", 2)
        lines = client.get(job["outputs"]["output1"]["href"]).text.splitlines()
    assert [json.loads(line) for line in lines] == [{**row, "version": 2} for row in ROWS]


def post(
    url: str, path: str, body: object, key: dict[str, str], ready: threading.Barrier
) -> tuple[int, str, str, float]:
    """Status, Retry-After, text and seconds of a call on a connection that is open already."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    connection.connect()
    data = json.dumps(body)
    ready.wait()
    began = time.monotonic()
    connection.request("POST", path, data, {**key, "Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    seconds = time.monotonic() - began
    connection.close()
    return answer.status, answer.getheader("retry-after") or "", text, seconds


@pytest.mark.parametrize("wire", ["modern", "classic"])
def test_overload_is_refused_at_once(server: RealServer, wire: str) -> None:
    published, count = server.published, 60
    path = "/services/slow/endpoints/narrow/score"
    body: dict[str, object] = {"inputs": {"input1": ROWS}, "parameters": {"seconds": 0.2}}
    if wire == "classic":
        path = published.classic("", "narrow") + "/execute?api-version=2.0"
        table = {"ColumnNames": ["x"], "Values": [["1"]]}
        body = {"Inputs": {"input1": table}, "GlobalParameters": {"seconds": "0.2"}}
    gate = threading.Barrier(count)
    answers = together(count, lambda: post(server.url, path, body, published.key("narrow"), gate))
    refused = [answer for answer in answers if answer[0] != 200]
    assert 2 <= count - len(refused) <= count - 20
    assert {(status, retry) for status, retry, _, _ in refused} == {(503, "1")}
    assert {json.loads(text).get("code") or json.loads(text)["error"]["code"] for _, _, text, _ in refused} == {
        "service-throttled" if wire == "modern" else "ServiceUnavailable"
    }
    if wire == "classic":
        assert {json.loads(text)["error"]["details"][0]["code"] for _, _, text, _ in refused} == {"RequestThrottled"}
    first_scored = min(seconds for status, _, _, seconds in answers if status == 200)
    assert min(seconds for _, _, _, seconds in refused) < first_scored  # they wait for nobody


def test_promotions_under_load_lose_no_call(server: RealServer) -> None:
    command = [sys.executable, "-m", "estudio", "service", "promote", "which"]
    variables = {**os.environ, "PYTHONPATH": str(SOURCE)}
    with Callers(server, 4) as callers:
        for number in ("1", "2", "1"):
            subprocess.run(
                [*command, number],
                cwd=server.published.root,
                env=variables,
                check=True,
                capture_output=True,
                timeout=30,
            )
            callers.wait_for(20)
            time.sleep(0.5)
    assert callers.broken == []
    assert {answer.status_code for answer in callers.answers} == {200}
    told = {
        (answer.headers["x-service-version"], *{str(row["version"]) for row in answer.json()["outputs"]["output1"]})
        for answer in callers.answers
    }
    assert told == {("1", "1"), ("2", "2")}
    with Workspace.open(server.published.root) as workspace:
        workspace.services.promote("which", 2)
    end = time.monotonic() + 5
    while {server.score("which").headers["x-service-version"] for _ in range(4)} != {"2"}:
        assert time.monotonic() < end, "a promoted version is not seen"


OLD_PROGRAM = """
import json, sys
try:
    import urllib2 as web
except ImportError:
    import urllib.request as web
url, api_key = sys.argv[1:]
data = {"Inputs": {"input1": {"ColumnNames": ["x"], "Values": [["1"], ["2"]]}}, "GlobalParameters": {}}
headers = {"Content-Type": "application/json", "Authorization": "Bearer " + api_key}
req = web.Request(url, str.encode(json.dumps(data)), headers)
print(json.loads(web.urlopen(req).read())["Results"]["output1"]["value"]["Values"])
"""


def test_an_old_program_and_the_sample_for_curl(server: RealServer, tmp_path: Path, require: Require) -> None:
    published = server.published
    address = published.classic(server.url, "which") + "/execute?api-version=2.0&details=true"
    old = subprocess.run(
        [sys.executable, "-c", OLD_PROGRAM, address, published.keys["which"]],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert old.stdout == "[['1', '2'], ['2', '2']]\n", old.stderr
    require(shutil.which("curl"), "there is no curl to call with")
    samples = [
        sys.executable,
        "-m",
        "estudio",
        "service",
        "samples",
        "which",
        "--language",
        "curl",
        "--url",
        server.url,
    ]
    variables = {**os.environ, "PYTHONPATH": str(SOURCE), "ESTUDIO_KEY": published.keys["which"]}
    shown = subprocess.run(samples, cwd=published.root, env=variables, capture_output=True, text=True, check=True)
    called = subprocess.run(
        ["bash", "-c", shown.stdout], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert called.returncode == 0, called.stderr
    assert {row["version"] for row in json.loads(called.stdout)["outputs"]["output1"]} == {2}
