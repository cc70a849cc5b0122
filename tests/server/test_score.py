from __future__ import annotations

import httpx

from tests.server.running import context_of, running

KEY = {"Authorization": "bearer call-key"}
ROWS = {"inputs": {"input1": [{"a": 1.5, "b": "x"}]}}


def test_rows_go_in_and_come_out() -> None:
    with running(context_of()) as url:
        answer = httpx.post(f"{url}/services/echo/score", headers=KEY, json=ROWS)
    assert answer.status_code == 200
    assert answer.json() == {"outputs": {"output1": [{"a": 1.5, "b": "x"}]}}
    assert answer.headers["x-service-version"] == "1"
