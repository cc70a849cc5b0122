"""Jobs of a workspace: requests checked, files taken in, idempotency; and what a prune leaves alone."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from estudio.core.job import JobFile, JobFileKind, JobRequest, JobState
from estudio.core.service import EndpointResource
from estudio.errors import InvalidCall, JobNotFound, StateConflict
from estudio.services.calling_double import HostDouble
from estudio.store.prune import GRACE_SECONDS
from estudio.workspace import jobs as workspace_jobs
from estudio.workspace.jobs import format_of_path
from tests.server.job_server import new_workspace, publish
from tests.services.job_bench import RESULT, SAMPLE, doubled, expected_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from estudio.services.calling import LiveEndpoint
    from estudio.workspace.workspace import Workspace

CSV = b"name,x\nn0,0\nn1,1\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with new_workspace(tmp_path / "w") as opened:
        yield opened


@pytest.fixture
def live(workspace: Workspace) -> LiveEndpoint:
    host = HostDouble()
    publish(workspace, host, doubled)
    return host.find("pima")


def request(workspace: Workspace, content: bytes = CSV, **fields: dict[str, object]) -> JobRequest:
    return JobRequest({"input1": workspace.jobs.upload([content], "csv")}, **fields)  # type: ignore[arg-type]


def test_a_job_is_made_queued_or_waiting(workspace: Workspace, live: LiveEndpoint) -> None:
    queued = workspace.jobs.create(live, request(workspace))
    waiting = workspace.jobs.create(live, request(workspace), start=False)
    assert (queued.state, waiting.state) == (JobState.QUEUED, JobState.NOT_STARTED)
    assert queued.expires_at == queued.created_at + workspace.jobs.keep_seconds
    assert [job.id for job in workspace.jobs.list(live.endpoint.id)] == [waiting.id, queued.id]
    assert workspace.jobs.start(waiting.id).state is JobState.QUEUED
    with pytest.raises(StateConflict, match="it is queued"):
        workspace.jobs.start(waiting.id)
    assert workspace.jobs.cancel(queued.id).state is JobState.CANCELLED
    assert workspace.jobs.get(queued.id).state is JobState.CANCELLED
    with pytest.raises(JobNotFound):
        workspace.jobs.result_path(queued, "output1")


def test_the_file_of_the_workspace_is_taken_when_the_job_is_made(workspace: Workspace, live: LiveEndpoint) -> None:
    path = workspace.folder.root / "data" / "in.csv"
    path.write_bytes(CSV)
    asked = JobRequest({"input1": JobFile(JobFileKind.WORKSPACE, "data/in.csv", "csv")})
    job = workspace.jobs.create(live, asked)
    path.write_bytes(b"name,x\nlater,9\n")
    host = HostDouble()
    host.add("pima", doubled, inputs={"input1": SAMPLE}, outputs={"output1": RESULT}, row_wise=True)
    runner = workspace.jobs.runner(host)
    runner.start()
    while (now := workspace.jobs.get(job.id)).state is not JobState.FINISHED:
        assert now.state is not JobState.FAILED, now.error
        time.sleep(0.01)
    runner.stop()
    assert workspace.jobs.result_path(now, "output1").read_text() == expected_text(2)


def test_everything_that_is_wrong_is_said_at_once(workspace: Workspace, live: LiveEndpoint) -> None:
    asked = JobRequest({"more": JobFile(JobFileKind.OBJECT, "0" * 64, "csv")}, {}, {"trees": "many", "cats": 1})
    with pytest.raises(InvalidCall) as caught:
        workspace.jobs.create(live, asked)
    assert [problem.code for problem in caught.value.problems] == [
        "missing-input", "unknown-input", "wrong-parameter", "unknown-parameter",
    ]  # fmt: skip
    assert workspace.jobs.list() == []


def test_one_idempotency_key_is_one_request(workspace: Workspace, live: LiveEndpoint) -> None:
    first = workspace.jobs.create(live, request(workspace), idempotency_key="k")
    assert workspace.jobs.create(live, request(workspace), idempotency_key="k") == first
    with pytest.raises(StateConflict, match="belongs to job"):
        workspace.jobs.create(live, request(workspace, CSV + b"n2,2\n"), idempotency_key="k")
    for wrong in ("x" * 256, "a\nb"):
        with pytest.raises(InvalidCall, match="idempotency key"):
            workspace.jobs.create(live, request(workspace), idempotency_key=wrong)


def test_an_upload_is_bounded(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_jobs, "MAX_UPLOAD_BYTES", 10)
    assert workspace.jobs.upload(iter([b"12345", b"67890"]), "csv").format == "csv"
    with pytest.raises(InvalidCall) as caught:
        workspace.jobs.upload(iter([b"12345", b"678901"]), "csv")
    assert caught.value.kind == "too-large"
    with pytest.raises(InvalidCall, match="no format"):
        workspace.jobs.upload(iter([b""]), "exe")


@pytest.mark.parametrize(
    ("place", "wanted"), [("a.csv", "csv"), ("a.b.nh.tsv", "nh.tsv"), ("x/a.CSV.gz", "csv.gz"), ("a.feather", "arrow")]
)  # fmt: skip
def test_a_path_says_its_format(place: str, wanted: str) -> None:
    assert format_of_path(place) == wanted


@pytest.mark.parametrize("place", ["a", "a.py", "a.csv.exe", ".csv.d", "estudio.toml", "a.gz"])
def test_a_path_that_is_no_table_s(place: str) -> None:
    with pytest.raises(InvalidCall):
        format_of_path(place)


def test_a_prune_keeps_what_jobs_and_services_refer_to(workspace: Workspace, live: LiveEndpoint) -> None:
    parts = workspace._parts
    kept = parts.objects.put_bytes(b"of an endpoint")
    resourced = replace(live.endpoint, resources=(EndpointResource("model", kept),))
    parts.database.services.change_endpoint(resourced)
    job = workspace.jobs.create(live, request(workspace))
    lost = workspace.jobs.upload([b"nobody's"], "csv")
    long_ago = time.time() - 2 * GRACE_SECONDS
    for digest, _, _ in list(parts.objects.list_objects()):
        os.utime(parts.objects.path_of(digest), (long_ago, long_ago))
    assert workspace.prune(dry_run=True).objects == 1
    assert workspace.prune().objects == 1
    assert not parts.objects.has(lost.place)
    assert parts.objects.has(kept)
    assert parts.objects.has(job.request.inputs["input1"].place)
