from __future__ import annotations

import httpx

from tests.server.running import context_of, running


def test_an_unknown_address_is_a_problem_with_its_request_id() -> None:
    with running(context_of()) as url:
        answer = httpx.get(f"{url}/nothing", headers={"X-Request-Id": "mine-1"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "mine-1"
    assert answer.json() == {
        "type": "/problems/not-found",
        "title": "There is nothing at this address",
        "status": 404,
        "detail": "There is nothing at /nothing.",
        "instance": "urn:estudio:request:mine-1",
        "code": "not-found",
        "request_id": "mine-1",
    }
