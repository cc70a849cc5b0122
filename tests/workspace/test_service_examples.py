"""The services of the examples, published and served for real, and called by the programs that come with them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from estudio import Workspace
from estudio.core.service import CallLanguage, KeySlot
from estudio.sandbox.doctor import examine_machine
from estudio.server.context import ServerContext, ServerThreads
from estudio.server.metrics import ServerMetrics
from estudio.server.settings import ServerSettings
from estudio.workspace.call_addresses import call_addresses
from estudio.workspace.call_samples import call_samples
from tests.server.running import running

from .conftest import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from estudio.workspace.call_samples import CallSamples
    from estudio.workspace.publishing import PublishedVersion
    from tests.conftest import Require

pytestmark = [pytest.mark.sandbox, pytest.mark.environments, pytest.mark.slow]
COMMANDS = {
    CallLanguage.CURL: ("call.sh", ["bash", "call.sh"]),
    CallLanguage.PYTHON: ("call.py", [sys.executable, "call.py"]),
    CallLanguage.JAVASCRIPT: ("call.mjs", ["node", "call.mjs"]),
}


@pytest.fixture
def workspace(
    tmp_path: Path, estudio_home: Path, require: Require, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    require(examine_machine().level, "full isolation cannot be had here: see `estudio doctor`")
    monkeypatch.setenv("ESTUDIO_HOME", str(estudio_home))
    shutil.copytree(EXAMPLES, tmp_path / "ws", ignore=shutil.ignore_patterns(".estudio"))
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


def serving(workspace: Workspace) -> Any:
    settings = ServerSettings(log_format="none")
    host = workspace.services.host()
    return running(ServerContext(host, settings, ServerMetrics(), ServerThreads(8), workspace=workspace))


def programs(workspace: Workspace, published: PublishedVersion, url: str) -> CallSamples:
    services = workspace.services
    where = call_addresses(published.service, published.version, published.endpoint, url, services.workspace_id)
    return call_samples(published.version, where, services.samples(published.service.name))


def answers(texts: dict[CallLanguage, str], key: str, folder: Path) -> list[Any]:
    """What the programs print, for those whose language is here."""
    found = []
    for language, (name, command) in COMMANDS.items():
        (folder / name).write_text(texts[language], encoding="utf-8")
        if shutil.which(command[0]) is not None:
            variables = {**os.environ, "ESTUDIO_KEY": key}
            ended = subprocess.run(
                command, cwd=folder, env=variables, capture_output=True, text=True, timeout=120, check=False
            )
            assert ended.returncode == 0, ended.stderr
            found.append(json.loads(ended.stdout))
    return found


def test_expressions_are_evaluated_by_every_program(workspace: Workspace, tmp_path: Path) -> None:
    published = workspace.services.publish("evaluate")
    with serving(workspace) as url:
        written = programs(workspace, published, url)
        key = published.keys[KeySlot.PRIMARY]
        modern = answers(dict(written.modern), key, tmp_path)
        classic = answers(dict(written.classic), key, tmp_path)
    rows = [{"expression": "1 + 1", "result": "2"}, {"expression": "2 ** 100", "result": str(2**100)}]
    assert len(modern) >= 2
    assert all(answer == {"outputs": {"results": rows}} for answer in modern)
    for answer in classic:
        value = answer["Results"]["results"]["value"]
        assert value["ColumnNames"] == ["expression", "result"]
        assert value["Values"] == [["1 + 1", "2"], ["2 ** 100", str(2**100)]]


def test_people_are_scored_by_the_frozen_model(workspace: Workspace) -> None:
    published = workspace.services.publish("risk", row_wise=True)
    assert published.version.row_wise
    assert [parameter.name for parameter in published.version.parameters] == ["threshold"]
    names = [column.name for column in published.version.inputs[0].columns]
    people = [
        dict(zip(names, row, strict=True))
        for row in ((6, 148, 72, 35, 0, 33.6, 0.627, 50), (1, 85, 66, 29, 0, 26.6, 0.351, 31))
    ]
    headers = {"authorization": f"Bearer {published.keys[KeySlot.SECONDARY]}"}
    with serving(workspace) as url, httpx.Client(base_url=url, headers=headers, timeout=120) as client:
        body = {"inputs": {"people": people}}
        first = client.post("/services/risk/score", json=body).json()["outputs"]["risks"]
        careful = client.post("/services/risk/score", json={**body, "parameters": {"threshold": 0}}).json()
    assert [person["ill"] for person in first] == [True, False]
    assert first[0]["risk"] > 0.5 > first[1]["risk"]
    assert [person["ill"] for person in careful["outputs"]["risks"]] == [True, True]
