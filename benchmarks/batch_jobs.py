"""A batch job of a million rows through a row-wise script, beside a program that loops requests at FastAPI.

The loop sends 1 000 rows a request over one kept connection, which is its best size; a part of it is timed, and scaled.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from benchmarks.figures import Bound, Goal, number, verdict
from benchmarks.mixed_load import Server, ask
from benchmarks.report import Report, publish
from benchmarks.setting import Setting, read_setting
from benchmarks.web_services import ROW, Target, free_port, peer_server, published, running
from estudio import Workspace
from estudio.core.service import ServiceIsolation

ROWS, QUICK_ROWS = 1_000_000, 50_000
ROWS_A_REQUEST = 1_000
TIMED_REQUESTS = 50
JOB_SECONDS = 170.0
AGAINST_LOOP = Goal(Bound.AT_LEAST, 10.0)


def large_input(path: Path, rows: int) -> None:
    """A CSV of so many rows, each another one."""
    columns = {
        name: [float(row % 1000) + place for row in range(rows)] for place, name in enumerate(ROW) if name[0] == "n"
    }
    texts = {name: [f"text {row % 100}" for row in range(rows)] for name in ROW if name[0] == "s"}
    pyarrow.csv.write_csv(pa.table(columns | texts), path)


def job_seconds(folder: Path, setting: Setting, rows: int) -> float:
    """From making the job until it has finished.

    Raises:
        RuntimeError: it did not finish, or not with all rows.
    """
    published(folder, setting)
    large_input(folder / "datasets" / "large.csv", rows)
    with Workspace.open(folder) as workspace:
        workspace.services.publish("total", name="batch", row_wise=True)
        key = workspace.services.create_manage_key().token  # files of the workspace are for whoever manages it
    port = free_port()
    command = [sys.executable, "-m", "estudio", "serve", "--port", str(port)]
    with running(command, Target(f"http://127.0.0.1:{port}/services/batch/score", key, wrap=""), folder=folder):
        server = Server(port, 0, {ServiceIsolation.CALL: key}, 0.0)
        begin = time.monotonic()
        body = {"inputs": {"input1": {"path": "datasets/large.csv"}}, "outputs": {"output1": {"format": "csv"}}}
        status, said = ask(server, "POST", "/services/batch/jobs", key, body)
        if status != http.HTTPStatus.ACCEPTED:
            raise RuntimeError(f"the job was not made: {status} {said[:500]!r}")
        place = f"/services/batch/jobs/{json.loads(said)['id']}"
        while True:
            job = json.loads(ask(server, "GET", place, key)[1])
            if job["state"] == "finished":
                seconds = time.monotonic() - begin
                break
            if job["state"] in {"failed", "cancelled"} or time.monotonic() - begin > JOB_SECONDS:
                raise RuntimeError(f"the job did not finish: {job}")
            time.sleep(0.05)
        lines = ask(server, "GET", f"{place}/outputs/output1", key)[1].count(b"\n")
    if lines != rows + 1:
        raise RuntimeError(f"{rows} rows went in, {lines - 1} came out")
    return seconds


def loop_seconds(python: str, folder: Path, rows: int) -> float:
    """The same rows, request by request, at FastAPI with two workers; scaled from a part of them."""
    with peer_server("fastapi", python, folder) as target:
        address, path = target.url.removeprefix("http://").split("/", 1)
        connection = http.client.HTTPConnection(address, timeout=60)
        body = target.body([ROW] * ROWS_A_REQUEST)
        begin = time.monotonic()
        for _ in range(TIMED_REQUESTS):
            connection.request("POST", f"/{path}", body, target.headers())
            json.loads(connection.getresponse().read())
        taken = time.monotonic() - begin
        connection.close()
    return taken * rows / (TIMED_REQUESTS * ROWS_A_REQUEST)


def measure(setting: Setting, fastapi: str | None) -> Report:
    """Both, one after the other."""
    rows = QUICK_ROWS if setting.quick else ROWS
    report = Report("batch_jobs", f"{rows} rows × 10 columns, CSV to CSV", ("way", "s", "rows/s", "goal"))
    with tempfile.TemporaryDirectory() as name:
        own = job_seconds(Path(name) / "workspace", setting, rows)
        loop = None if fastapi is None else loop_seconds(fastapi, Path(name), rows)
    report.add(
        "estudio, one job, isolation call",
        number(own),
        number(rows / own),
        "" if loop is None else verdict(loop / own, AGAINST_LOOP),
    )
    if loop is not None:
        report.add(
            f"requests of {ROWS_A_REQUEST} rows at FastAPI, 2 workers, scaled", number(loop), number(rows / loop)
        )
    return report


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--fastapi", metavar="PYTHON")
    own, others = parser.parse_known_args()
    setting = read_setting("batch_jobs", __doc__ or "", others)
    report = measure(setting, own.fastapi)
    publish(report, versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
