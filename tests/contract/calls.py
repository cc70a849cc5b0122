"""Runs `runner.run_call` without a sandbox, on any interpreter: what the contract's tests stand on.

`ESTUDIO_TEST_PYTHONS` lists further interpreters (paths joined by `:`), each with pandas; the tests of the small
matrix run on all of them and skip, saying so, where the variable is not set. One stand-in zygote per interpreter
serves all calls of a test process.
"""

from __future__ import annotations

import atexit
import io
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from estudio import guest

from .layouts import lay_out, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

GUEST_FOLDER = Path(guest.__file__).parent
PRELOAD = "numpy,pandas,pyarrow"
ROOM = 64 * 1024 * 1024
OTHER_PYTHONS = tuple(path for path in os.environ.get("ESTUDIO_TEST_PYTHONS", "").split(":") if path)


@dataclass
class Result:
    """What a call left: the report, and everything that it points at."""

    report: dict[str, Any]
    log: str
    tables: list[Any]
    images: list[tuple[str, bytes]]
    concatenated: bytes | None
    status: int
    files: list[str] = field(default_factory=list)
    input_files: list[bytes] = field(default_factory=list)

    @property
    def table(self) -> Any:
        assert self.report["state"] == "finished", (self.report, self.log)
        return self.tables[0]

    @property
    def error(self) -> dict[str, Any]:
        assert self.report["state"] != "finished", self.log
        found: dict[str, Any] = self.report["error"]
        return found

    def column(self, name: str) -> list[Any]:
        values: list[Any] = self.table.column(name).to_pylist()
        return values

    def types(self) -> dict[str, str]:
        return {name: str(kind) for name, kind in zip(self.table.column_names, self.table.schema.types, strict=True)}


class Server:
    """A stand-in zygote."""

    def __init__(self, python: str, preload: str) -> None:
        command = [python, str(Path(__file__).with_name("child.py")), str(GUEST_FOLDER), preload]
        environment = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", "MPLCONFIGDIR": tempfile.gettempdir()}
        environment["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def call(self, order: dict[str, Any]) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the stand-in zygote died"
        return int(json.loads(line)["status"])

    def stop(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


_servers: dict[tuple[str, str], Server] = {}
_numbers = itertools.count()


def server_of(python: str, preload: str) -> Server:
    key = (python, preload)
    if key not in _servers:
        _servers[key] = Server(python, preload)
        atexit.register(_servers[key].stop)
    return _servers[key]


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """Return a zip with these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def run(
    script: str | bytes,
    *inputs: Any,
    bundle: bytes | Mapping[str, str | bytes] | None = None,
    calling: str = "classic",
    seed: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    room: int = ROOM,
    python: str = sys.executable,
    preload: str = PRELOAD,
    script_name: str = "author.py",
) -> Result:
    """Run a script on tables (None: not connected)."""
    root = Path(tempfile.mkdtemp(prefix="estudio-contract-"))
    try:
        order, files = _prepare(root, script, inputs, bundle)
        order["job"] |= {"calling": calling, "seed": seed, "output_bytes": room, "script_name": script_name}
        order["job"]["parameters"] = dict(parameters or {})
        os.truncate(order["result"], room)
        status = server_of(python, preload).call(order)
        return _collect(root, order, list(inputs), files, status)
    finally:
        shutil.rmtree(root)


def _prepare(
    root: Path, script: str | bytes, inputs: tuple[Any, ...], bundle: bytes | Mapping[str, str | bytes] | None
) -> tuple[dict[str, Any], list[bytes]]:
    (root / "work" / "Script Bundle").mkdir(parents=True)
    source = textwrap.dedent(script).encode() if isinstance(script, str) else script
    (root / "script").write_bytes(source)
    (root / "result").write_bytes(b"")
    (root / "log").write_bytes(b"")
    layouts: list[Any] = []
    paths: list[str | None] = []
    files: list[bytes] = []
    for number, table in enumerate(inputs + (None,) * (2 - len(inputs))):
        layouts.append(None)
        paths.append(None)
        if table is not None:
            content, layouts[number] = lay_out(table)
            path = root / f"input-{number}"
            path.write_bytes(content)
            files.append(content)
            paths[number] = str(path)
    if bundle is not None:
        (root / "bundle").write_bytes(zipped(bundle) if not isinstance(bundle, bytes) else bundle)
    order = {name: str(root / name) for name in ("log", "result", "report", "script")}
    return {
        **order,
        "folder": str(root / "work"),
        "inputs": paths,
        "bundle": None if bundle is None else str(root / "bundle"),
        "job": {"format": 1, "inputs": layouts},
    }, files


def _collect(root: Path, order: dict[str, Any], inputs: list[Any], files: list[bytes], status: int) -> Result:
    log = (root / "log").read_text("utf-8", "replace")
    if not (root / "report").exists():
        return Result({"state": "died", "error": None}, log, [], [], None, status)
    report = json.loads((root / "report").read_bytes())
    content = (root / "result").read_bytes()
    images = [(item["name"], content[item["offset"] :][: item["length"]]) for item in report["images"]]
    together = report["concatenated"]
    work = root / "work"
    return (
        Result(
            report,
            log,
            [read_table(layout, content, inputs) for layout in report["tables"]],
            images,
            None if together is None else content[together["offset"] :][: together["length"]],
            status,
            sorted(str(path.relative_to(work)) for path in work.rglob("*")),
            files,
        )
        if _inputs_unchanged(order, files)
        else Result({"state": "input-changed"}, log, [], [], None, status)
    )


def _inputs_unchanged(order: dict[str, Any], files: list[bytes]) -> bool:
    return [Path(path).read_bytes() for path in order["inputs"] if path] == files


def table(**columns: Any) -> Any:
    """Return an Arrow table of these columns."""
    return pa.table(columns)
