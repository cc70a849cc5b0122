"""A server with the service `doubler`, on a real socket: what the tests of the old wire call."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pytest

from estudio.core.classic_errors import classic_text
from estudio.core.module_kind import Parameter, ParameterType
from estudio.core.outcome import ScriptError, ScriptState
from estudio.errors import SandboxBroken, ServiceBusy
from estudio.server.app import create_app
from estudio.services.calling import ModuleFailure, ScoreOutcome
from estudio.services.calling_double import HostDouble
from estudio.tables.table import Table
from estudio.workspace.workspace import Workspace
from tests.server.classic.jobs_double import JobsDouble
from tests.server.running import context_of, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from estudio.core.service import Endpoint
    from estudio.server.context import ServerContext
    from estudio.services.calling import ScoreCall

KEY = "call-key"
OTHER_KEY = "other-key"
SAMPLE = Table.from_arrow(pa.table({"a": pa.array([1.5, 2.0]), "b": pa.array(["x", "y"], pa.large_string())}))
TRACEBACK = (
    'Traceback (most recent call last):\n  File "script.py", line 3, in azureml_main\n    1 / 0\n'
    "ZeroDivisionError: division by zero"
)
FAILURES = {
    "raise": (ScriptState.FAILED, "script-raised", "ZeroDivisionError: division by zero", TRACEBACK),
    "memory": (ScriptState.OUT_OF_MEMORY, "out-of-memory", "The script needed more than its memory.", ""),
    "slow": (ScriptState.TIMED_OUT, "timed-out", "The script ran longer than 90 s.", ""),
    "crash": (ScriptState.KILLED, "process-died", "The process died by signal 11.", ""),
}


def double(call: ScoreCall) -> ScoreOutcome:
    """Twice `a`, and `b`; a text in the first row of `b` asks for a failure."""
    arrow = call.inputs["input1"].to_arrow()
    word = next(iter(arrow["b"].to_pylist()), None)
    if word in FAILURES:
        state, code, message, traceback = FAILURES[word]
        error = ScriptError(code, message, traceback, 3, classic_text(code, traceback, message))
        return ScoreOutcome(failure=ModuleFailure("double", "Execute Python Script RRS", state, error))
    if word == "busy":
        raise ServiceBusy("The version is being loaded.", retry_after_seconds=2, reason="loading")
    if word == "broken":
        raise SandboxBroken("The guest is gone.")
    twice = [
        None if each is None else each * float(str(call.parameters.get("factor", 2))) for each in arrow["a"].to_pylist()
    ]
    return ScoreOutcome({"output1": Table.from_arrow(pa.table({"a": pa.array(twice, pa.float64()), "b": arrow["b"]}))})


@dataclass
class Answered:
    """An answer of the server."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str]:
        """Status, code and first detail code."""
        error = self.json["error"]
        return self.status, error["code"], error["details"][0]["code"] if error["details"] else ""


@dataclass
class Classic:
    """The server, and how to call it."""

    url: str
    host: HostDouble
    jobs: JobsDouble
    endpoint: Endpoint
    other: Endpoint
    root: Path
    context: ServerContext

    @property
    def api(self) -> str:
        """The endpoint's ApiLocation."""
        return f"{self.url}/workspaces/{self.host.workspace_id}/services/{self.endpoint.id}"

    def send(
        self, method: str, address: str, body: object = None, headers: Mapping[str, str] | None = None, key: str = KEY
    ) -> Answered:
        """Send one request; addresses without a host begin at the endpoint."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        address = address if address.startswith("http") else self.api + address
        request = urllib.request.Request(address, data, {**given, **(headers or {})}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answered(answer.status, cast("Any", answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answered(error.code, cast("Any", error.headers), error.read())

    def execute(self, body: object, query: str = "api-version=2.0", **more: Any) -> Answered:
        """Call the service."""
        return self.send("POST", f"/execute?{query}", body, **more)


def rows(*values: list[object], **parameters: object) -> dict[str, object]:
    """The body of a call with these rows of `a` and `b`."""
    table = {"ColumnNames": ["a", "b"], "Values": [*values]}
    return {"Inputs": {"input1": table}, "GlobalParameters": parameters}


@pytest.fixture
def classic(tmp_path: Path) -> Iterator[Classic]:
    root = tmp_path / "work"
    root.mkdir()
    (root / "estudio.toml").write_text("estudio = 1\n")
    host = HostDouble()
    factor = Parameter("factor", ParameterType.NUMBER, "What a is multiplied by.", default=2.0)
    endpoint = host.add("doubler", double, inputs={"input1": SAMPLE}, outputs={"output1": SAMPLE}, parameters=[factor])
    other = host.add("other", double, inputs={"input1": SAMPLE}, outputs={"output1": SAMPLE}, key=OTHER_KEY)
    jobs = JobsDouble(root, tmp_path / "jobs")
    with Workspace.open(root) as workspace:
        context = replace(context_of(host), workspace=workspace, jobs=cast("Any", jobs))
        app = create_app(context, ["classic"])
        with running(app) as url:
            yield Classic(url, host, jobs, endpoint, other, root, context)
