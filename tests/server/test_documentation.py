"""The reference pages say what the code does: every route, problem, setting and metric."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import httpx

from estudio.server.problems import all_kinds
from estudio.server.settings import ServerSettings
from tests.server.running import context_of, running

DOCS = Path(__file__).parents[2] / "docs" / "reference"
API = (DOCS / "http-api.md").read_text(encoding="utf-8")
SETTINGS = (DOCS / "serve-settings.md").read_text(encoding="utf-8")


def test_every_problem_is_documented_with_its_status_and_advice() -> None:
    rows = [f"| {kind.status} | `{kind.code}` | {kind.title} | {kind.advice} |" for kind in all_kinds().values()]
    assert [row for row in rows if row not in API] == []
    assert len(re.findall(r"^\| [45]\d\d \|", API, re.MULTILINE)) == len(rows)


def test_every_setting_is_documented_and_no_other() -> None:
    documented = re.findall(r"^\| `([a-z_]+)` \|", SETTINGS, re.MULTILINE)
    assert documented == [field.name for field in fields(ServerSettings)]


def test_every_route_of_the_server_is_documented() -> None:
    with running(context_of()) as url:
        paths = httpx.get(f"{url}/openapi.json").json()["paths"]
    assert [path for path in paths if f"`GET {path}`" not in API] == []


def test_every_metric_is_documented() -> None:
    with running(context_of()) as url:
        page = httpx.get(f"{url}/metrics").text
    assert "_created" not in page
    names = {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE")}
    assert [name for name in names if f"`{name}`" not in API] == []


def test_metrics_are_for_the_machine_itself_or_who_manages() -> None:
    with running(context_of()) as url:
        proxied = {"X-Forwarded-For": "203.0.113.9"}
        assert httpx.get(f"{url}/metrics").status_code == 200
        assert httpx.get(f"{url}/metrics", headers=proxied).status_code == 401
        key = {"Authorization": "Bearer manage-key"}
        assert httpx.get(f"{url}/metrics", headers={**proxied, **key}).status_code == 200
    with running(context_of(settings=ServerSettings(log_format="none", open_metrics=True))) as url:
        assert httpx.get(f"{url}/metrics", headers=proxied).status_code == 200
