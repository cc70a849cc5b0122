"""A small workspace behind a real server, with the routes for old clients."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from estudio.server.context import ServerContext, ServerThreads
from estudio.server.metrics import ServerMetrics
from estudio.server.settings import ServerSettings
from estudio.services.calling_double import HostDouble
from estudio.workspace.workspace import Workspace
from tests.server.running import context_of, running
from tests.workspace.making import make_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "manage-key"  # the double's


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
    with Workspace.open(make_workspace(folder / "workspace")) as workspace:
        token = workspace.services.create_manage_key().token
        host = workspace.services.host(slots=1)
        try:
            settings = ServerSettings(log_format="none")
            context = ServerContext(host, settings, ServerMetrics(), ServerThreads(16), workspace=workspace)
            with running(context) as url:
                yield ServedWorkspace(url, host.workspace_id, workspace, token)
        finally:
            host.close(5.0)
