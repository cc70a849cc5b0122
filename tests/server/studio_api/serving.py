"""A small workspace behind a real server, with the routes for old clients."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from estudio.server.context import ServerContext, ServerThreads
from estudio.server.metrics import ServerMetrics
from estudio.server.settings import ServerSettings
from estudio.services.calling_double import HostDouble
from estudio.workspace.workspace import Workspace
from tests.server.running import context_of, running
from tests.server.studio_api.client_environments import CHOICE, PACKAGES
from tests.workspace.making import make_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "manage-key"  # the double's


SCORED = {
    "experiments/named.yaml": """estudio: 1
name: Names of towns
modules:
  asked: {kind: enter-data, data: "people\\n2\\n"}
  input: {kind: web-service-input, default: asked}
  known: {kind: dataset, dataset: datasets/towns.csv}
  join: {kind: join, left: input, right: known, keys: people}
  output: {kind: web-service-output, dataset: join}
"""
}
"""A service without scripts, one of whose results is computed when it is published."""


def _environment() -> dict[str, str]:
    """The client's own packages: one environment to build, not two, where not all are tested."""
    if os.environ.get(CHOICE) == "all":
        return {}
    python, packages = PACKAGES["2.7"]
    text = f"python = {python!r}\npackages = {['azureml==0.2.7', *packages]!r}\n"
    return {"environments/python-2.7-64.toml": text}


@dataclass(frozen=True, slots=True)
class ServedWorkspace:
    """Where it is, and how it is reached."""

    url: str
    workspace_id: str
    workspace: Workspace
    token: str = TOKEN


@contextlib.contextmanager
def served(folder: Path) -> Iterator[ServedWorkspace]:
    """A workspace with the experiments `plain` (run once) and `scripted` (never run), served without a real host."""
    root = make_workspace(folder / "workspace")
    host = HostDouble()
    with Workspace.open(root) as workspace:
        workspace.experiment("plain").run()
        with running(replace(context_of(host), workspace=workspace)) as url:
            yield ServedWorkspace(url, host.workspace_id, workspace)


@contextlib.contextmanager
def really_served(folder: Path) -> Iterator[ServedWorkspace]:
    """The same workspace with its real web services, none yet, and jobs."""
    root = make_workspace(folder / "workspace")
    for name, text in {**SCORED, **_environment()}.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    with Workspace.open(root) as workspace:
        token = workspace.services.create_manage_key().token
        host = workspace.services.host(slots=1)
        try:
            settings = ServerSettings(log_format="none")
            context = ServerContext(host, settings, ServerMetrics(), ServerThreads(16), workspace=workspace)
            with running(context) as url:
                yield ServedWorkspace(url, host.workspace_id, workspace, token)
        finally:
            host.close(5.0)
