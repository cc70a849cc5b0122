"""What a worker process serves, and how it gets it: by the name of a function, since a worker is a new process."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from estudio.errors import InvalidUsage

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.server.settings import ServerSettings
    from estudio.services.calling import ServiceHost
    from estudio.workspace.jobs import WorkspaceJobs  # type: ignore[import-not-found, unused-ignore]
    from estudio.workspace.workspace import Workspace

WORKSPACE_PARTS = "estudio.server.served_parts:workspace_parts"
"""The function for a real workspace; tests of the server name one that gives doubles."""


class JobRunner(Protocol):
    """Works on jobs in threads of its own."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self, *, hand_back: bool = True) -> None:
        """End within seconds; jobs go back into the queue."""
        ...


@dataclass(frozen=True, slots=True)
class ServedParts:
    """A host of services, and what else there is; `close` ends what the host's own `close` does not."""

    host: ServiceHost
    workspace: Workspace | None = None
    jobs: WorkspaceJobs | None = None
    job_runner: JobRunner | None = None

    def close(self) -> None:
        """Let go of the workspace."""
        if self.workspace is not None:
            self.workspace.close()


def open_parts(function: str, place: str, settings: ServerSettings) -> ServedParts:
    """Call the function of that name (`module:function`) with the workspace's folder and the settings."""
    module, _, name = function.partition(":")
    found = getattr(importlib.import_module(module), name, None)
    if found is None:
        raise InvalidUsage(f"There is no {function} to open what is served.", function=function)
    return cast("Callable[[str, ServerSettings], ServedParts]", found)(place, settings)


def workspace_parts(place: str, settings: ServerSettings) -> ServedParts:
    """A workspace's services and jobs. Raises InvalidWorkspace, StoreFailed, SandboxUnavailable."""
    from estudio.workspace.workspace import Workspace  # noqa: PLC0415 -- a supervisor imports no Arrow

    workspace = Workspace.open(place)
    host = workspace.services.host(processes=settings.workers)  # type: ignore[attr-defined, unused-ignore]
    jobs = workspace.jobs  # type: ignore[attr-defined, unused-ignore]
    runner = jobs.runner(host, processes=settings.workers, keep_seconds=settings.keep_results_seconds)
    return ServedParts(host, workspace, jobs, runner)
