"""Bodies and heads that no honest client sends: each gets its documented status soon, and takes little memory."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from typing import TYPE_CHECKING

import httpx
import pytest

from estudio.server.settings import ServerSettings
from tests.server.raw import connect, head, read_all, status_of, talk
from tests.server.running import context_of, running

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = b'{"inputs": {"input1": [{"a": 1.5, "b": "x"}]}}'
PACKED = gzip.compress(ROWS, mtime=0)
KEY = {"Authorization": "Bearer call-key", "Content-Type": "application/json"}
SETTINGS = ServerSettings(
    log_format="none",
    max_body_bytes=1 << 20,
    header_seconds=0.5,
    body_seconds=2.0,
    body_grace_seconds=0.5,
    max_connections=20,
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(context_of(settings=SETTINGS)) as address:
        yield address


def problem_of(answer: bytes) -> dict[str, object]:
    document: dict[str, object] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return document


def test_a_length_above_the_limit_is_refused_before_the_body(url: str) -> None:
    answer = talk(url, head(1 << 40))
    assert status_of(answer) == 413
    assert problem_of(answer)["code"] == "body-too-large"


def test_an_endless_chunked_body_is_refused_at_the_limit(url: str) -> None:
    with connect(url) as connection:
        connection.sendall(head(None, "Transfer-Encoding: chunked"))
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        try:
            for _ in range(40):
                connection.sendall(chunk)
        except ConnectionError:
            pytest.fail("cut off before the answer could be read")
        answer = read_all(connection)
    assert status_of(answer) == 413


def test_a_gzip_bomb_is_refused_at_the_limit(url: str) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    answer = httpx.post(f"{url}/services/echo/score", content=bomb, headers={**KEY, "Content-Encoding": "gzip"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"not gzip", "gzip", 400),
        (PACKED[:-4], "gzip", 400),
        (PACKED + b"more", "gzip", 400),
        (ROWS, "br", 415),
        (ROWS, "gzip, gzip", 415),
        (PACKED, "gzip", 200),
        (PACKED, "X-GZIP", 200),
        (ROWS, "identity", 200),
    ],
)
def test_encodings(url: str, body: bytes, encoding: str, status: int) -> None:
    answer = httpx.post(f"{url}/services/echo/score", content=body, headers={**KEY, "Content-Encoding": encoding})
    assert answer.status_code == status, answer.text


def test_a_body_that_does_not_come_is_given_up(url: str) -> None:
    began = time.monotonic()
    answer = talk(url, head(100), ROWS[:10])
    assert status_of(answer) == 408
    assert problem_of(answer)["code"] == "body-too-slow"
    assert time.monotonic() - began < 15


def test_a_head_that_does_not_end_is_given_up(url: str) -> None:
    answer = talk(url, b"POST /services/echo/score HTTP/1.1\r\nHost: x\r\n")
    assert status_of(answer) == 408


def test_a_connection_that_says_nothing_is_closed(url: str) -> None:
    assert talk(url) == b""


def test_a_head_that_comes_byte_by_byte_is_given_up(url: str) -> None:
    with connect(url) as connection:
        began = time.monotonic()
        try:
            for byte in b"GET /health/live HTTP/1.1\r\nX-A: " + b"a" * 2000:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
        except ConnectionError:
            pass
        read_all(connection)
        assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    "lines",
    [
        ["X-Long: " + "a" * 40_000],
        ["X-Long: " + "a" * 400_000],
        [f"X-{number}: a" for number in range(200)],
    ],
)
def test_headers_beyond_the_limit(url: str, lines: list[str]) -> None:
    answer = talk(url, head(0, *lines))
    assert status_of(answer) == 431
    assert problem_of(answer)["code"] == "headers-too-large"


def test_a_long_address_is_refused(url: str) -> None:
    assert status_of(talk(url, head(0, path="/services/" + "a" * 300_000))) == 431


def test_trailers_without_end_cut_the_connection(url: str) -> None:
    with connect(url) as connection:
        connection.sendall(head(None, "Transfer-Encoding: chunked") + b"1\r\n{\r\n0\r\nX-T: ")
        with pytest.raises(ConnectionError):
            connection.sendall(b"t" * (1 << 25))


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GARBAGE\r\n\r\n",
        head(None, "Content-Length: abc"),
        head(None, "Content-Length: -1"),
        head(None, "Content-Length: 5", "Content-Length: 6"),
        head(None, "Transfer-Encoding: chunked", "Content-Length: 5"),
        head(None, "Transfer-Encoding: chunked") + b"zz\r\n",
        head(None, "Bad Header: x"),
        head(0).replace(b"\r\nHost", b"\r\n folded\r\nHost"),
    ],
)
def test_what_is_no_http_is_a_bad_request(url: str, request_bytes: bytes) -> None:
    answer = talk(url, request_bytes)
    assert answer == b"" or status_of(answer) == 400


def test_a_truncated_body_leaves_nothing_behind(url: str) -> None:
    with connect(url) as connection:
        connection.sendall(head(1000) + ROWS)
    assert httpx.get(f"{url}/health/live").status_code == 200


def test_more_connections_than_allowed_are_refused_and_others_go_on(url: str) -> None:
    held = [connect(url) for _ in range(20)]
    try:
        answer = talk(url, head(0))
        assert status_of(answer) == 503
        assert b"retry-after: 1" in answer.lower()
    finally:
        for connection in held:
            connection.close()
    time.sleep(0.1)
    assert httpx.get(f"{url}/health/live").status_code == 200


def test_a_pipelined_second_call_is_answered(url: str) -> None:
    call = head(len(ROWS)) + ROWS
    last = head(len(ROWS), "Connection: close") + ROWS
    assert talk(url, call + last).count(b"HTTP/1.1 200") == 2


def test_a_wrong_key_is_refused_without_reading_the_body(url: str) -> None:
    answer = talk(url, head(1 << 19, key="wrong"))
    assert status_of(answer) == 401
    assert b'www-authenticate: bearer realm="estudio"' in answer.lower()


def test_expect_100_is_not_answered_for_what_is_refused(url: str) -> None:
    assert status_of(talk(url, head(1 << 40, "Expect: 100-continue"))) == 413


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER"])
def test_the_word_bearer_in_any_case(url: str, word: str) -> None:
    headers = {**KEY, "Authorization": f"{word} call-key"}
    assert httpx.post(f"{url}/services/echo/score", content=ROWS, headers=headers).status_code == 200


@pytest.mark.parametrize("value", ["", "Bearer", "Basic call-key", "Bearer " + "k" * 5000, "call-key"])
def test_no_key_no_answer(url: str, value: str) -> None:
    headers = {**KEY, "Authorization": value}
    assert httpx.post(f"{url}/services/echo/score?key=call-key", content=ROWS, headers=headers).status_code == 401
