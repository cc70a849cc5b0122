"""The pages over HTTP: what their headers forbid, and who may see them."""

from __future__ import annotations

import httpx
import pytest

from estudio.server.settings import ServerSettings
from tests.server.running import context_of, running

PATHS = ["/", "/services/echo", "/services/echo/test"]


@pytest.mark.parametrize("path", PATHS)
def test_a_page_runs_nothing_but_its_own_scripts(path: str) -> None:
    with running(context_of()) as url:
        page = httpx.get(url + path)
    policy = page.headers["content-security-policy"]
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert " style=" not in page.text
    assert " onclick" not in page.text


def test_pages_name_the_address_that_was_asked() -> None:
    with running(context_of()) as url:
        assert f"{url}/services/echo/score" in httpx.get(f"{url}/services/echo").text
        forged = httpx.get(f"{url}/services/echo", headers={"host": "a'b<c>"})
        assert "a'b" not in forged.text
    settings = ServerSettings(log_format="none", public_url="https://score.example.org/x")
    with running(context_of(settings=settings)) as url:
        page = httpx.get(f"{url}/services/echo").text
    assert "https://score.example.org/x/services/echo/score" in page
    assert 'href="/x/services/echo/test"' in page


def test_pages_need_a_management_key_where_descriptions_are_not_public() -> None:
    with running(context_of(settings=ServerSettings(log_format="none", public_descriptions=False))) as url:
        for path in PATHS:
            assert httpx.get(url + path).status_code == 401
            assert httpx.get(url + path, headers={"authorization": "Bearer call-key"}).status_code == 401
            assert httpx.get(url + path, headers={"authorization": "Bearer manage-key"}).status_code == 200


def test_figures_need_a_key_of_the_service() -> None:
    with running(context_of()) as url:
        assert httpx.get(f"{url}/services/echo/statistics").status_code == 401
        found = httpx.get(f"{url}/services/echo/statistics", headers={"authorization": "Bearer call-key"})
        assert found.json() == {"calls": 0, "failed": 0, "throttled": 0, "p50_seconds": None, "p99_seconds": None}
        assert httpx.get(f"{url}/services/eco").status_code == 404


def test_visualizations_come_where_they_are_asked_for() -> None:
    with running(context_of()) as url:
        sent = {"json": {"inputs": {"input1": [{"a": 1, "b": "x"}]}}, "headers": {"authorization": "Bearer call-key"}}
        assert "visualizations" not in httpx.post(f"{url}/services/echo/score", **sent).json()  # type: ignore[arg-type]
        shown = httpx.post(f"{url}/services/echo/score?visualizations=true", **sent)  # type: ignore[arg-type]
        assert shown.json()["visualizations"] == {}
