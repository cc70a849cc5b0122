"""Web services: requests per second and latencies of `estudio serve` beside what people use, under one load.

Every server does the same DataFrame work: a JSON table in, one new column, JSON out. Only estudio walls the script in.
Peers are measured where their interpreter is named: `--fastapi PYTHON`, `--litserve`, `--mlflow`, `--bentoml`.
"""

from __future__ import annotations

import argparse
import io
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from benchmarks.figures import Bound, Goal, number, verdict
from benchmarks.report import Report, publish
from benchmarks.setting import Setting, peer_variables, read_setting
from benchmarks.wrk import Load, load
from estudio import Workspace
from estudio.core.service import KeySlot, ServiceIsolation

PEERS = Path(__file__).parent / "peers"
START_SECONDS = 90.0
ARROW = "application/vnd.apache.arrow.stream"
SCRIPT = """
def azureml_main(dataframe1=None):
    dataframe1["total"] = dataframe1["n0"] + dataframe1["n1"]
    return dataframe1
"""
EXPERIMENT = """
estudio: 1
name: Total of two numbers
modules:
  sample: {kind: dataset, dataset: datasets/sample.csv}
  input: {kind: web-service-input, default: sample}
  add: {kind: execute-python-script, script: scripts/add.py, dataset1: input}
  output: {kind: web-service-output, dataset: add}
"""
ROW: dict[str, float | str] = {f"n{place}": place + 0.5 for place in range(8)} | {"s0": "first", "s1": "second"}
NAMES = ("fastapi", "litserve", "mlflow", "bentoml")


@dataclass(frozen=True, slots=True)
class Target:
    """What is loaded: an address, its headers, and how it wants a table of rows."""

    url: str
    key: str = ""
    wrap: str = "rows"
    """The field of the body that holds the rows; "" for the rows alone."""
    arrow_url: str = ""

    def body(self, rows: list[dict[str, float | str]]) -> bytes:
        """The rows as this server wants them."""
        return json.dumps({self.wrap: rows} if self.wrap else rows).encode()

    def headers(self, content: str = "application/json") -> dict[str, str]:
        """What goes with it."""
        return {
            "Content-Type": content,
            "Accept": content,
            **({"Authorization": f"Bearer {self.key}"} if self.key else {}),
        }


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], target: Target, *, folder: Path | None = None) -> Iterator[Target]:
    """A server in a process of its own, from its first good answer on.

    Raises:
        RuntimeError: it does not answer in time.
    """
    with tempfile.TemporaryFile() as words:
        variables = peer_variables()
        variables["PATH"] = (
            f"{Path(command[0]).parent}:{variables['PATH']}"  # a peer may start its own programs by name
        )
        process = subprocess.Popen(command, cwd=folder, stdout=words, stderr=words, env=variables)
        try:
            _await_answer(target, process)
            yield target
        except RuntimeError as error:
            words.seek(max(0, words.tell() - 4000))
            raise RuntimeError(f"{command[0]}: {error}; its words: {words.read().decode(errors='replace')}") from error
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_answer(target: Target, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            _post(target.url, target.body([ROW]), target.headers())
        except (OSError, urllib.error.HTTPError) as error:
            if time.monotonic() > end or process.poll() is not None:
                raise RuntimeError(f"no good answer within {START_SECONDS:.0f} seconds ({error})") from error
            time.sleep(0.2)
        else:
            return


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    request = urllib.request.Request(url, body, dict(headers))
    with urllib.request.urlopen(request, timeout=30) as answer:
        content: bytes = answer.read()
    return content


@contextmanager
def estudio_server(folder: Path, isolation: ServiceIsolation, key: str, *, workers: int) -> Iterator[Target]:
    """`estudio serve` on this workspace."""
    port = free_port()
    command = [sys.executable, "-m", "estudio", "serve", "--port", str(port), "--workers", str(workers)]
    target = Target(f"http://127.0.0.1:{port}/services/total-{isolation.value}/score", key, wrap="")
    with running(command, target, folder=folder) as ready:
        yield ready


def published(folder: Path, setting: Setting) -> dict[ServiceIsolation, str]:
    """A workspace with the service in both isolations; the keys."""
    for path, text in {
        "estudio.toml": 'estudio = 1\nname = "Measured"\n',
        "scripts/add.py": SCRIPT,
        "experiments/total.yaml": EXPERIMENT.replace(
            "dataset1: input", f"dataset1: input, environment: {setting.name}"
        ),
        "datasets/sample.csv": ",".join(ROW) + "\n" + ",".join(map(str, ROW.values())) + "\n",
    }.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    keys = {}
    with Workspace.open(folder) as workspace:
        for isolation in ServiceIsolation:
            made = workspace.services.publish("total", name=f"total-{isolation.value}", isolation=isolation)
            keys[isolation] = made.keys[KeySlot.PRIMARY]
    return keys


@contextmanager
def peer_server(name: str, python: str, folder: Path) -> Iterator[Target]:
    """A peer as its own documentation starts it."""
    port, programs = free_port(), Path(python).parent
    url = f"http://127.0.0.1:{port}"
    if name == "fastapi":
        command = [str(programs / "uvicorn"), "--app-dir", str(PEERS), "score_fastapi:app", "--workers", "2"]
        command += ["--no-access-log", "--port", str(port)]
        target = Target(f"{url}/score", arrow_url=f"{url}/arrow")
    elif name == "tuned":
        command = [str(programs / "uvicorn"), "--app-dir", str(PEERS), "score_fastapi:tuned", "--workers", "2"]
        command += ["--no-access-log", "--port", str(port)]
        target = Target(f"{url}/score")
    elif name == "litserve":
        command = [python, str(PEERS / "score_litserve.py"), str(port)]
        target = Target(f"{url}/score")
    elif name == "bentoml":
        command = [str(programs / "bentoml"), "serve", "--working-dir", str(PEERS), "score_bentoml:Scoring"]
        command += ["--port", str(port)]
        target = Target(f"{url}/score")
    else:
        saved = folder / "mlflow"
        subprocess.run([python, str(PEERS / "score_mlflow.py"), str(saved)], check=True, capture_output=True)
        command = [str(programs / "mlflow"), "models", "serve", "-m", str(saved), "--env-manager", "local"]
        command += ["--port", str(port)]
        target = Target(f"{url}/invocations", wrap="dataframe_records")
    with running(command, target, folder=folder) as ready:
        yield ready


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of load."""

    rows: int
    connections: int
    arrow: bool = False

    @property
    def words(self) -> str:
        """For the table."""
        rows = "1 row" if self.rows == 1 else f"{self.rows} rows"
        return f"{rows}, {'Arrow' if self.arrow else 'JSON'}, {self.connections} conn."


SHAPES = (
    Shape(1, 1),
    Shape(1, 16),
    Shape(1000, 1),
    Shape(1000, 16),
    Shape(1000, 1, arrow=True),
    Shape(1000, 16, arrow=True),
)


def loaded(target: Target, shape: Shape, seconds: int) -> Load | None:
    """Load a server; None where it has no such address."""
    rows = [ROW] * shape.rows
    if not shape.arrow:
        return load(target.url, target.body(rows), target.headers(), connections=shape.connections, seconds=seconds)
    url = target.arrow_url or (target.url if target.key else "")
    if not url:
        return None
    table, sink = pa.Table.from_pylist(rows), io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return load(url, sink.getvalue(), target.headers(ARROW), connections=shape.connections, seconds=seconds)


def measure(setting: Setting, peers: Mapping[str, str], workers: int, seconds: int) -> Report:
    """Every server under every load, a server at a time so that none has the other's memory in its way."""
    report = Report(
        "web_services",
        f"10 columns in, one more out; wrk on the same two cores; estudio with --workers {workers}",
        ("load", "server", "requests/s", "p50 ms", "p99 ms", "÷ FastAPI", "goal"),
    )
    taken: dict[tuple[str, Shape], Load] = {}
    with tempfile.TemporaryDirectory() as name, ExitStack() as keep:
        del keep
        folder = Path(name)
        keys = published(folder / "workspace", setting)
        servers = {
            **{f"estudio, {i.value}": estudio_server(folder / "workspace", i, keys[i], workers=workers) for i in keys},
            **{peer: peer_server(peer, python, folder) for peer, python in peers.items()},
        }
        for server, context in servers.items():
            with context as target:
                loaded(target, Shape(1, 4), 1)
                for shape in SHAPES:
                    met = loaded(target, shape, seconds)
                    if met is not None:
                        taken[server, shape] = met
    for shape in SHAPES:
        ordinary = taken.get(("fastapi", replace(shape, arrow=False)))
        _add_rows(report, shape, {server: met for (server, of), met in taken.items() if of == shape}, ordinary)
    report.note(
        "÷ FastAPI: requests/s by those of ordinary FastAPI (pydantic, JSON) with as many rows and connections."
    )
    report.note("Only estudio walls the script in; `call` also gives each request a fresh process.")
    return report


def _add_rows(report: Report, shape: Shape, met: Mapping[str, Load], ordinary: Load | None) -> None:
    for server, one in met.items():
        ratio = None if ordinary is None else one.per_second / ordinary.per_second
        report.add(
            shape.words,
            server,
            number(one.per_second),
            number(one.p50_ms),
            number(one.p99_ms),
            "" if ratio is None else number(ratio),
            _goal(server, shape, one, ratio),
        )


def _goal(server: str, shape: Shape, met: Load, ratio: float | None) -> str:
    if server == "estudio, call" and shape.rows == 1:
        if shape.connections == 1:
            return verdict(met.p50_ms, Goal(Bound.AT_MOST, 15.0, "ms"))
        return verdict(met.per_second, Goal(Bound.AT_LEAST, 100.0, "/s"))
    if server != "estudio, worker" or ratio is None:
        return ""
    least = 1.0 if shape.rows == 1 else 10.0 if shape.arrow else 3.0
    return verdict(ratio, Goal(Bound.AT_LEAST, least))


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(add_help=False)
    for name in NAMES:
        parser.add_argument(f"--{name}", metavar="PYTHON")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=8, help="of each load")
    own, others = parser.parse_known_args()
    setting = read_setting("web_services", __doc__ or "", others)
    peers = {name: getattr(own, name) for name in NAMES if getattr(own, name)}
    if "fastapi" in peers:
        peers = {"fastapi": peers["fastapi"], "tuned": peers["fastapi"], **peers}
    report = measure(setting, peers, own.workers, 2 if setting.quick else own.seconds)
    publish(report, versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
