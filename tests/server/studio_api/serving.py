"""A small workspace behind a real server, with the routes for old clients."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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
    """A workspace with the experiments `plain` (run once) and `scripted` (never run), served."""
    root = make_workspace(folder / "workspace")
    host = HostDouble()
    with Workspace.open(root) as workspace:
        workspace.experiment("plain").run()
        with running(replace(context_of(host), workspace=workspace)) as url:
            yield ServedWorkspace(url, host.workspace_id, workspace)
