"""What bodies of all requests together may take in memory: beyond it 503, and room again once they have ended."""

from __future__ import annotations

import gzip
import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from estudio.server.settings import ServerSettings
from tests.server.job_server import serving_jobs
from tests.server.raw import connect, head, read_all, status_of
from tests.server.running import context_of, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = ServerSettings(log_format="none", max_body_bytes=200_000, max_bodies_bytes=300_000)
KEY = {"Authorization": "Bearer call-key"}
ROWS = {"inputs": {"input1": [{"a": 1.0, "b": "x"}]}}
PART = b" " * 120_000


@pytest.fixture
def url() -> Iterator[str]:
    with running(context_of(settings=SETTINGS)) as address:
        yield address


def score(url: str, content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    sent = {**KEY, "Content-Type": "application/json", **(headers or {})}
    return httpx.post(f"{url}/services/echo/score", content=content, headers=sent)


def body(size: int) -> bytes:
    return json.dumps(ROWS).encode().ljust(size)


def wait_until_refused(url: str, size: int) -> httpx.Response:
    """Bytes that were sent take a moment to arrive."""
    end = time.monotonic() + 5
    while (answer := score(url, body(size))).status_code == 200:
        assert time.monotonic() < end, "it is never refused"
        time.sleep(0.01)
    return answer


def test_bodies_that_are_on_their_way_leave_no_room_for_more(url: str) -> None:
    with ExitStack() as stack:
        waiting = [stack.enter_context(connect(url)) for _ in range(2)]
        for connection in waiting:
            connection.sendall(head(len(PART) + 1, "Connection: close") + PART)
        refused = wait_until_refused(url, 100_000)
        assert (refused.status_code, refused.json()["code"]) == (503, "service-busy")
        assert refused.headers["retry-after"] == "2"
        assert "300000 bytes" in refused.json()["detail"]
        assert score(url, body(1_000)).status_code == 200
        for connection in waiting:
            connection.sendall(b" ")
            assert status_of(read_all(connection)) == 400
    assert score(url, body(190_000)).status_code == 200


def test_a_caller_who_leaves_gives_the_room_back(url: str) -> None:
    with connect(url) as first, connect(url) as second:
        first.sendall(head(len(PART) + 1) + PART)
        second.sendall(head(len(PART) + 1) + PART)
        wait_until_refused(url, 100_000)
    end = time.monotonic() + 5
    while score(url, body(190_000)).status_code != 200:
        assert time.monotonic() < end, "the room never came back"


def test_a_packed_body_needs_room_unpacked(url: str) -> None:
    packed = {"Content-Encoding": "gzip"}
    with connect(url) as waiting:
        waiting.sendall(head(len(PART) + 1) + PART)
        wait_until_refused(url, 190_000)
        assert score(url, gzip.compress(body(190_000)), packed).status_code == 503
        assert score(url, gzip.compress(body(100_000)), packed).status_code == 200
    lying = gzip.compress(body(100_000))[:-4] + b"\x01\0\0\0"
    assert (score(url, lying, packed).status_code, score(url, lying, packed).json()["code"]) == (400, "invalid-body")


def test_every_call_gives_its_room_back(url: str) -> None:
    headers = {**KEY, "Content-Type": "application/json"}
    with httpx.Client(headers=headers) as client:
        for _ in range(10):
            assert client.post(f"{url}/services/echo/score", content=body(100_000)).status_code == 200
            assert client.post(f"{url}/services/echo/score", content=b" " * 100_000).status_code == 400
    assert score(url, body(190_000)).status_code == 200


def test_an_upload_lies_on_disk(tmp_path: Path) -> None:
    settings = ServerSettings(log_format="none", max_body_bytes=2_000_000, max_bodies_bytes=2_000_000)
    with serving_jobs(tmp_path / "w", settings=settings) as served:
        sent = served.call.post("/services/pima/uploads?format=csv", content=b"x" * 5_000_000)
        assert (sent.status_code, sent.json()["bytes"]) == (201, 5_000_000)
