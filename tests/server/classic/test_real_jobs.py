"""The old calls of jobs with the jobs that a server has: SQLite, stored objects, a runner."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from estudio.server.app import create_app
from estudio.workspace.workspace import Workspace
from tests.server.running import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.server.classic.conftest import Answered, Classic

BLOCK = {"x-ms-blob-type": "BlockBlob"}


@pytest.fixture
def real(classic: Classic) -> Iterator[Classic]:
    with Workspace.open(classic.root) as workspace:
        live = classic.host.find("doubler")
        workspace._parts.database.services.add_version(live.service, live.version, live.endpoint, [])
        runner = workspace.jobs.runner(classic.host)
        runner.start()
        context = replace(classic.context, workspace=workspace, jobs=workspace.jobs)
        try:
            with running(create_app(context, ["classic"])) as url:
                yield replace(classic, url=url)
        finally:
            runner.stop()


def wait(real: Classic, job: str) -> dict[str, object]:
    for _ in range(600):
        answer = real.send("GET", f"/jobs/{job}?api-version=2.0")
        assert answer.status == 200, answer.body
        if answer.json["StatusCode"] not in ("NotStarted", "Running"):
            found: dict[str, object] = answer.json
            return found
        time.sleep(0.05)
    raise AssertionError("the job did not end")


def start(real: Classic, data: bytes, name: str = "in.csv", **outputs: object) -> str:
    real.send("PUT", f"{real.url}/blobs/{real.endpoint.id}/mine/{name}", data, BLOCK)
    body = {"Inputs": {"input1": {"RelativeLocation": f"mine/{name}"}}, "Outputs": outputs, "GlobalParameters": {}}
    created: Answered = real.send("POST", "/jobs?api-version=2.0", body)
    assert created.status == 200, created.body
    job = str(created.json)
    assert real.send("POST", f"/jobs/{job}/start?api-version=2.0", b"").status == 204
    return job


def test_a_job_is_done_and_its_result_downloaded(real: Classic) -> None:
    done = wait(real, start(real, b"a,b\n1.5,x\n2.0,y\n"))
    assert done["StatusCode"] == "Finished", done
    place = done["Results"]["output1"]  # type: ignore[index]
    result = real.send("GET", place["BaseLocation"] + place["RelativeLocation"] + place["SasBlobToken"], key="")
    assert result.body.replace(b"\r\n", b"\n") == b"a,b\n3.0,x\n4.0,y\n"


def test_an_output_of_another_format(real: Classic) -> None:
    done = wait(real, start(real, b"a,b\n1.5,x\n", output1={"RelativeLocation": "mine/out.tsv"}))
    place = done["Results"]["output1"]  # type: ignore[index]
    assert place["RelativeLocation"].endswith("/output1results.tsv")
    result = real.send("GET", place["BaseLocation"] + place["RelativeLocation"] + place["SasBlobToken"], key="")
    assert b"a\tb" in result.body


def test_a_failed_job_tells_the_module_and_its_error(real: Classic) -> None:
    failed = wait(real, start(real, b"a,b\n1.5,raise\n"))
    assert failed["StatusCode"] == "Failed"
    assert str(failed["Details"]).startswith("Module: Execute Python Script RRS; SNR Job Id: ")
    assert '"ErrorCode":"0085"' in str(failed["Details"])


def test_a_file_that_is_no_table_fails_its_job(real: Classic) -> None:
    failed = wait(real, start(real, b"\x00\xff", "in.parquet"))
    assert failed["StatusCode"] == "Failed"
    assert "Error 1000: Library exception: " in str(failed["Details"])
