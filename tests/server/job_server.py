"""A server with real jobs: the database and the objects on disk, services by functions, jobs done in this process."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx

from estudio.core.module_kind import Parameter, ParameterType
from estudio.services.calling_double import HostDouble
from estudio.workspace.workspace import Workspace
from tests.server.running import context_of, running
from tests.services.job_bench import RESULT, SAMPLE, doubled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from estudio.core.service import Endpoint
    from estudio.server.context import ServerContext
    from estudio.server.settings import ServerSettings
    from estudio.services.calling import ScoreCall, ScoreOutcome
    from estudio.services.job_runner import JobRunner

TREES = Parameter("trees", ParameterType.INTEGER, default=5, minimum=1)


@dataclass
class JobServer:
    """What a test works with; `call` and `manage` are clients with a key."""

    workspace: Workspace
    host: HostDouble
    endpoint: Endpoint
    runner: JobRunner
    call: httpx.Client
    manage: httpx.Client

    @property
    def root(self) -> Path:
        return self.workspace.folder.root


def new_workspace(root: Path) -> Workspace:
    root.mkdir(parents=True, exist_ok=True)
    (root / "estudio.toml").write_text("estudio = 1\n", encoding="utf-8")
    (root / "data").mkdir(exist_ok=True)
    return Workspace.open(root)


def publish(workspace: Workspace, host: HostDouble, function: Callable[[ScoreCall], ScoreOutcome]) -> Endpoint:
    """A version of `pima`, known to the host and to the database."""
    endpoint = host.add(
        "pima", function, inputs={"input1": SAMPLE}, outputs={"output1": RESULT}, parameters=[TREES], row_wise=True
    )
    live = host.find("pima")
    workspace._parts.database.services.add_version(live.service, live.version, endpoint, ())
    return endpoint


@contextlib.contextmanager
def serving_jobs(
    root: Path, function: Callable[[ScoreCall], ScoreOutcome] = doubled, settings: ServerSettings | None = None
) -> Iterator[JobServer]:
    """Serve jobs of `pima`."""
    host = HostDouble()
    with new_workspace(root) as workspace:
        endpoint = publish(workspace, host, function)
        runner = workspace.jobs.runner(host)
        runner.start()
        context: ServerContext = replace(context_of(host, settings), jobs=workspace.jobs, workspace=workspace)
        with (
            running(context) as url,
            httpx.Client(base_url=url, headers={"Authorization": "Bearer call-key"}) as call,
            httpx.Client(base_url=url, headers={"Authorization": f"Bearer {host.manage_key}"}) as manage,
        ):
            yield JobServer(workspace, host, endpoint, runner, call, manage)
        runner.stop()
