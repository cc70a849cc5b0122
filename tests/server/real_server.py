"""A published workspace and `estudio serve` in front of it: processes, guests and walls as users have them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from estudio.core.service import KeySlot
from estudio.workspace.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).parents[2] / "src"
ROWS = [{"x": 1}, {"x": 2}]
EXPERIMENT = """estudio: 1
name: {name}
{more}modules:
  data: {{kind: enter-data, data: "x\\n1\\n2\\n"}}
  entry: {{kind: web-service-input, default: data}}
  work: {{kind: execute-python-script, script: scripts/{name}.py, dataset1: entry{given}}}
  answer: {{kind: web-service-output, dataset: work}}
"""
WHICH = "def azureml_main(t):\n    return t.assign(version={number})\n"
SLOW = """import time

def azureml_main(t, *, seconds: float = 0.0):
    time.sleep(seconds)
    return t
"""
PARAMETERS = "parameters:\n  seconds: {type: number, default: 0.0, minimum: 0, maximum: 10}\n"


@dataclass(frozen=True)
class Published:
    """A workspace with the services `which` (its answer tells its version, 1 or 2) and `slow` (sleeps `seconds`).

    `slow` has a second endpoint, `narrow`, that takes four calls at one time.
    """

    root: Path
    workspace_id: str
    keys: dict[str, str] = field(repr=False)
    endpoint_ids: dict[str, str]

    def key(self, service: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[service]}"}

    def classic(self, url: str, service: str) -> str:
        return f"{url}/workspaces/{self.workspace_id}/services/{self.endpoint_ids[service]}"


def publish(root: Path) -> Published:
    files = {
        "estudio.toml": "estudio = 1\n",
        "experiments/which.yaml": EXPERIMENT.format(name="which", more="", given=""),
        "experiments/slow.yaml": EXPERIMENT.format(
            name="slow", more=PARAMETERS, given=', parameters: {seconds: "${seconds}"}'
        ),
        "scripts/which.py": WHICH.format(number=1),
        "scripts/slow.py": SLOW,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    with Workspace.open(root) as workspace:
        services = workspace.services
        which, slow = services.publish("which"), services.publish("slow")
        (root / "scripts/which.py").write_text(WHICH.format(number=2), encoding="utf-8")
        services.publish("which")
        narrow = services.add_endpoint("slow", "narrow", max_concurrent_calls=4)
        keys = {"which": which.keys[KeySlot.PRIMARY], "slow": slow.keys[KeySlot.PRIMARY]}
        ids = {"which": which.endpoint.id, "slow": slow.endpoint.id, "narrow": narrow.endpoint.id}
        return Published(root, services.workspace_id, {**keys, "narrow": narrow.keys[KeySlot.PRIMARY]}, ids)


@dataclass(frozen=True)
class RealServer:
    """A server that answers; `process` is the supervisor where there are several workers."""

    url: str
    process: subprocess.Popen[str]
    published: Published

    def score(
        self, service: str, *, parameters: dict[str, Any] | None = None, client: httpx.Client | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:  # fmt: skip
        """One call, on a connection of its own unless a client has one."""
        body = {"inputs": {"input1": ROWS}, **({"parameters": parameters} if parameters else {})}
        sent = {**self.published.key(service), **(headers or {})}
        ask = httpx.post if client is None else client.post
        return ask(f"{self.url}/services/{service}/score", json=body, headers=sent, timeout=20)

    def workers(self) -> list[int]:
        """The processes that answer."""
        return children(self.process.pid)

    def wait_until_ready(self, workers: int, seconds: float = 15.0) -> None:
        """All workers are there, with guests for both services where these were not killed."""
        end = time.monotonic() + seconds
        while not (len(self.workers()) == workers and all(map(templates, self.workers()))):
            assert time.monotonic() < end, "workers or guests are not there again"
            time.sleep(0.05)
        while httpx.get(f"{self.url}/health/ready").status_code != 200:
            assert time.monotonic() < end, "the server does not become ready again"
            time.sleep(0.05)


@contextlib.contextmanager
def serving(published: Published, *options: str) -> Iterator[RealServer]:
    """`estudio serve` on a port that is free. What it leaves behind fails the test."""
    command = [sys.executable, "-m", "estudio", "serve", "--port", "0", "--json", "--log-format", "none", *options]
    process = subprocess.Popen(
        command,
        cwd=published.root,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, f"the server ended with {process.wait()}"
        yield RealServer(json.loads(line)["url"], process, published)
    finally:
        below = descendants(process.pid)
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()
            process.communicate()
    assert gone_within(below, 10), "processes were left behind"


def stat_of(process_id: int) -> tuple[str, int]:
    """State and parent; ("X", 0) where there is no such process."""
    try:
        text = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "X", 0
    state, parent = text.rpartition(")")[2].split()[:2]
    return state, int(parent)


def children(process_id: int) -> list[int]:
    found = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    return sorted(each for each in found if stat_of(each)[1] == process_id and stat_of(each)[0] not in "XZ")


def descendants(process_id: int) -> set[int]:
    below = children(process_id)
    return set(below).union(*(descendants(each) for each in below))


def zygotes(worker: int) -> list[int]:
    """Children of a worker: one for each environment and set of preloads."""
    return children(worker)


def templates(worker: int) -> list[int]:
    """Guests that have loaded a service's script: below a zygote, below the first process of their namespace."""
    return [each for zygote in zygotes(worker) for first in children(zygote) for each in children(first)]


def gone_within(process_ids: set[int], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while any(stat_of(each)[0] not in "XZ" for each in process_ids):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def kill(process_id: int) -> None:
    os.kill(process_id, signal.SIGKILL)
