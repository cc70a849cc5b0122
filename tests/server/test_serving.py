from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from estudio.errors import InvalidUsage
from estudio.server.serving import check_settings
from estudio.server.settings import ServerSettings
from tests.server.served_doubles import BROKEN_PARTS, PARTS
from tests.server.server_process import served

if TYPE_CHECKING:
    from pathlib import Path

KEY = {"Authorization": "Bearer echo-key"}
ROWS = {"inputs": {"input1": [{"a": 1.0}]}}
CLIENT = httpx.Client(timeout=20)
ONE = ServerSettings(port=0, log_format="none", drain_seconds=5)
TWO = ServerSettings(port=0, workers=2, log_format="none", drain_seconds=5)


def call(url: str, service: str = "echo") -> httpx.Response:
    headers = {"Authorization": f"Bearer {service}-key", "Connection": "close"}
    return CLIENT.post(f"{url}/services/{service}/score", json=ROWS, headers=headers)


def try_call(url: str, service: str) -> None:
    with contextlib.suppress(httpx.HTTPError):
        call(url, service)


def wait_for_slow_calls(url: str, count: int) -> None:
    label = 'estudio_calls_in_flight{endpoint="default",service="slow",version="1"}'
    end = time.monotonic() + 5
    while f"{label} {count:.1f}" not in CLIENT.get(f"{url}/metrics").text:
        assert time.monotonic() < end, "the calls never came"
        time.sleep(0.01)


def worker_ids(url: str, count: int, seconds: float = 10.0) -> set[int]:
    """The processes that answer, once there are so many of them."""
    found: set[int] = set()
    end = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < end:
        found.add(int(call(url, "who").json()["outputs"]["output1"][0]["a"]))
    return found


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def gone_within(process_ids: set[int], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(map(is_alive, process_ids)):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("settings", [ONE, TWO], ids=["one", "two"])
def test_a_stop_lets_calls_in_flight_finish_and_exits_with_0(settings: ServerSettings) -> None:
    answers: list[httpx.Response] = []
    with served(settings, PARTS) as (url, process):
        threads = [threading.Thread(target=lambda: answers.append(call(url, "slow"))) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait_for_slow_calls(url, 4)
        process.terminate()
        for thread in threads:
            thread.join()
        assert process.wait(10) == 0
    assert [answer.status_code for answer in answers] == [200] * 4


def test_new_calls_on_open_connections_get_503_while_it_stops() -> None:
    with served(ONE, PARTS) as (url, process), httpx.Client(timeout=20) as client:
        assert client.post(f"{url}/services/echo/score", json=ROWS, headers=KEY).status_code == 200
        slow = threading.Thread(target=call, args=(url, "slow"))
        slow.start()
        wait_for_slow_calls(url, 1)
        process.terminate()
        time.sleep(0.4)
        answer = client.post(f"{url}/services/echo/score", json=ROWS, headers=KEY)
        slow.join()
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("settings", [ONE, TWO], ids=["one", "two"])
def test_new_connections_are_refused_while_it_stops(settings: ServerSettings) -> None:
    with served(settings, PARTS) as (url, process):
        slow = threading.Thread(target=try_call, args=(url, "slow"))
        slow.start()
        wait_for_slow_calls(url, 1)
        process.terminate()
        time.sleep(0.6)
        with pytest.raises(httpx.ConnectError):
            httpx.post(f"{url}/services/echo/score", json=ROWS, headers=KEY)
        assert process.poll() is None
        slow.join()


def test_a_second_signal_ends_at_once() -> None:
    with served(ONE, PARTS) as (url, process):
        slow = threading.Thread(target=try_call, args=(url, "slow"))
        slow.start()
        wait_for_slow_calls(url, 1)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(5)
        assert time.monotonic() - began < 5
        slow.join()


def test_a_killed_worker_is_replaced_within_a_second_and_the_others_go_on() -> None:
    with served(TWO, PARTS) as (url, _):
        before = worker_ids(url, 2)
        assert len(before) == 2
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        time.sleep(0.05)
        assert call(url).status_code == 200
        after = worker_ids(url, 2)
        assert len(after) == 2
        assert victim not in after


def test_workers_end_when_their_supervisor_is_killed() -> None:
    with served(TWO, PARTS) as (url, process):
        workers = worker_ids(url, 2)
        process.kill()
        process.wait()
        assert gone_within(workers, 10)


def test_metrics_of_all_workers_are_added_up() -> None:
    with served(TWO, PARTS) as (url, _):
        workers = worker_ids(url, 2)
        os.kill(min(workers), signal.SIGKILL)
        worker_ids(url, 2)
        count = sum(call(url).status_code == 200 for _ in range(20))
        page = CLIENT.get(f"{url}/metrics").text
    label = 'endpoint="default",service="echo",status="200",version="1"'
    assert f"estudio_calls_total{{{label}}} {count:.1f}" in page
    assert 'estudio_calls_in_flight{endpoint="default",service="echo",version="1"} 0.0' in page


def test_a_workspace_that_cannot_be_opened_is_one_error() -> None:
    with served(TWO, BROKEN_PARTS) as (url, process):
        assert url == ""
        assert process.wait(10) != 0
        assert process.stderr is not None
        assert "There is no workspace in nowhere." in process.stderr.read()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (ServerSettings(host="0.0.0.0"), "without TLS they could read the keys"),
        (ServerSettings(workers=0), "1 to 256 workers"),
        (ServerSettings(port=70_000), "port 70000"),
        (ServerSettings(log_format="xml"), "log format"),
        (ServerSettings(keep_results_seconds=0), "a minute to ten years"),
        (ServerSettings(keep_results_seconds=float("nan")), "a minute to ten years"),
    ],
)
def test_settings_that_cannot_be(settings: ServerSettings, words: str) -> None:
    with pytest.raises(InvalidUsage, match=words):
        check_settings(settings)


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("nothing")
    with pytest.raises(InvalidUsage, match="cannot be used"):
        check_settings(ServerSettings(certificate=tmp_path / "c.pem"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.1"])
def test_loopback_needs_no_certificate(host: str) -> None:
    check_settings(ServerSettings(host=host))
