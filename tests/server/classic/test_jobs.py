from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from estudio.core.job import JobState
from tests.server.classic.conftest import OTHER_KEY, TRACEBACK

if TYPE_CHECKING:
    from tests.server.classic.conftest import Answered, Classic

CSV = b"a,b\n1.5,x\n2.0,y\n"
AZURE = "DefaultEndpointsProtocol=https;AccountName=mystore;AccountKey=c2VjcmV0LWtleQ=="


def upload(classic: Classic, place: str = "mine/input1data.csv", data: bytes = CSV, **more: Any) -> Answered:
    url = f"{classic.url}/blobs/{classic.endpoint.id}/{place}"
    return classic.send("PUT", url, data, {"x-ms-blob-type": "BlockBlob"}, **more)


def request_of(location: str = "mine/input1data.csv", **more: object) -> dict[str, object]:
    reference = {"ConnectionString": AZURE, "RelativeLocation": location}
    return {"Inputs": {"input1": reference}, "GlobalParameters": {}, **more}


def create(classic: Classic, body: object, query: str = "?api-version=2.0", **more: Any) -> Answered:
    return classic.send("POST", f"/jobs{query}", body, **more)


def poll(classic: Classic, job: str, query: str = "?api-version=2.0") -> Any:
    answer = classic.send("GET", f"/jobs/{job}{query}")
    assert answer.status == 200, answer.body
    return answer.json


def test_a_job_goes_the_old_way_from_upload_to_result(classic: Classic) -> None:
    assert upload(classic).status == 201
    created = create(classic, request_of())
    assert (created.status, created.headers["content-type"]) == (200, "application/json; charset=utf-8")
    job = created.json
    assert isinstance(job, str)
    assert poll(classic, job) == {"StatusCode": "NotStarted", "Results": None, "Details": ""}
    assert classic.send("POST", f"/jobs/{job}/start?api-version=2.0", b"").status == 204
    done = poll(classic, job)
    assert done["StatusCode"] == "Finished"
    place = done["Results"]["output1"]
    assert place["RelativeLocation"] == f"results/{job}/output1results.csv"
    assert place["ConnectionString"] is None
    result = classic.send("GET", place["BaseLocation"] + place["RelativeLocation"] + place["SasBlobToken"], key="")
    assert (result.status, result.body) == (200, b'"a","b"\n3,"x"\n4,"y"\n')


def test_the_oldest_form_has_one_input_starts_at_once_and_counts_states(classic: Classic) -> None:
    upload(classic)
    body = {"Input": {"RelativeLocation": "/mine/input1data.csv"}, "Output": None, "GlobalParameters": {}}
    job = create(classic, body, "").json
    done = poll(classic, job, "")
    assert done["StatusCode"] == 4
    assert done["Result"]["RelativeLocation"] == f"results/{job}/output1results.csv"


def test_a_failed_job_says_why_in_the_old_shape(classic: Classic) -> None:
    upload(classic, data=b"a,b\n1.5,raise\n")
    job = create(classic, request_of()).json
    classic.send("POST", f"/jobs/{job}/start?api-version=2.0", b"")
    failed = poll(classic, job)
    details = failed["Details"]
    assert (failed["StatusCode"], failed["Results"]) == ("Failed", None)
    assert details.startswith(f"Module: Execute Python Script RRS; SNR Job Id: {job}; SNR Task Id: ")
    assert " errorComponent=Module. taskStatusCode=400. {" in details
    exception, end = json.JSONDecoder().raw_decode(details, details.index("{"))
    assert exception["Exception"]["ErrorCode"] == "0085"
    assert exception["Exception"]["ExceptionType"] == "ModuleException"
    assert details[end:].startswith("Error: Error 0085: ")
    assert details.endswith(" Process exited with error code -2")
    assert TRACEBACK.splitlines()[-1] in details


def test_a_job_is_cancelled_by_delete(classic: Classic) -> None:
    upload(classic)
    classic.jobs.waits = True
    job = create(classic, request_of()).json
    classic.send("POST", f"/jobs/{job}/start?api-version=2.0", b"")
    assert classic.send("DELETE", f"/jobs/{job}?api-version=2.0").status == 204
    assert poll(classic, job) == {"StatusCode": "Cancelled", "Results": None, "Details": ""}
    assert poll(classic, job, "?api-version=1.0")["StatusCode"] == 3


@pytest.mark.parametrize(
    ("state", "word"),
    [(JobState.QUEUED, "Queued"), (JobState.RUNNING, "Running"), (JobState.FINISHED, "Finished"),
     (JobState.FAILED, "Failed"), (JobState.CANCELLED, "Cancelled")],
)  # fmt: skip
def test_a_job_is_started_once(classic: Classic, state: JobState, word: str) -> None:
    upload(classic)
    job = create(classic, request_of()).json
    object.__setattr__(classic.jobs.jobs[job], "state", state)
    answer = classic.send("POST", f"/jobs/{job}/start?api-version=2.0", b"")
    assert answer.error == (400, "InvalidOperation", "CannotStartJob")
    assert answer.json["error"]["details"][0]["message"] == (
        f"The job cannot be started because it is in {word} state."
    )


def test_a_job_belongs_to_its_endpoint(classic: Classic) -> None:
    upload(classic)
    job = create(classic, request_of()).json
    address = f"{classic.url}/workspaces/{classic.host.workspace_id}/services/{classic.other.id}/jobs/{job}"
    for method, end in (("GET", ""), ("DELETE", ""), ("POST", "/start")):
        answer = classic.send(method, f"{address}{end}?api-version=2.0", key=OTHER_KEY)
        assert answer.error == (400, "BadArgument", "MissingJobId")
        assert classic.send(method, f"/jobs/{job}{end}?api-version=2.0", key=OTHER_KEY).status == 401
    assert poll(classic, job)["StatusCode"] == "NotStarted"


@pytest.mark.parametrize("address", ["/jobs", "/jobs/", "/jobs/unknown", "/jobs/%2e%2e", "/jobs/" + "f" * 32])
def test_an_unknown_or_missing_id_is_said(classic: Classic, address: str) -> None:
    assert classic.send("GET", f"{address}?api-version=2.0").error == (400, "BadArgument", "MissingJobId")


@pytest.mark.parametrize("query", ["?api-version=3.0", "?api-version="])
def test_jobs_have_their_versions(classic: Classic, query: str) -> None:
    assert create(classic, request_of(), query).error == (400, "BadArgument", "BadVersionCall")


REFERENCE = {"RelativeLocation": "mine/input1data.csv"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "RequestBodyInvalid"),
        ([], "RequestBodyInvalid"),
        ({"Inputs": [], "GlobalParameters": {}}, "RequestBodyInvalid"),
        ({"Inputs": {"input1": REFERENCE}, "GlobalParameters": []}, "RequestBodyInvalid"),
        ({"Inputs": {"input1": REFERENCE}, "Extra": 1}, "RequestBodyInvalid"),
        ({"Inputs": {"input1": {"RelativeLocation": 5}}}, "RequestBodyInvalid"),
        ({"Inputs": {"input1": REFERENCE}, "Input": REFERENCE}, "DuplicateInputInBatchCall"),
        ({"GlobalParameters": {}}, "BatchJobInputsNotSpecified"),
        ({"Inputs": {"input1": None}}, "BatchJobInputsNotSpecified"),
        ({"Inputs": {"input1": REFERENCE, "input2": REFERENCE}}, "BatchJobInputsTooManySpecified"),
        ({"Inputs": {"input2": REFERENCE}}, "InvalidInputNames"),
        ({"Inputs": {"input1": "text"}}, "MissingInputBlobInformation"),
        ({"Inputs": {"input1": {}}}, "MissingInputBlobInformation"),
        ({"Inputs": {"input1": {"ConnectionString": AZURE}}}, "InputBlobRelativeLocationInvalid"),
        ({"Inputs": {"input1": {"RelativeLocation": "in.csv"}}}, "ContainerIsEmpty"),
        ({"Inputs": {"input1": {"RelativeLocation": "Mine/in.csv"}}}, "ContainerSegmentInvalid"),
        ({"Inputs": {"input1": {"RelativeLocation": "../in.csv"}}}, "ContainerSegmentInvalid"),
        ({"Inputs": {"input1": {"RelativeLocation": "mine/"}}}, "InputBlobRelativeLocationInvalid"),
        ({"Inputs": {"input1": {"RelativeLocation": "mine/in"}}}, "InvalidBlobExtension"),
        ({"Inputs": {"input1": {"RelativeLocation": "mine/in.exe"}}}, "InvalidBlobExtension"),
        ({"Inputs": {"input1": {"RelativeLocation": "mine/none.csv"}}}, "BlobNotFound"),
        ({"Inputs": {"input1": {"RelativeLocation": "datasets/none.csv"}}}, "BlobNotFound"),
        ({"Inputs": {"input1": {"RelativeLocation": "datasets/../../secret.csv"}}}, "BlobNotFound"),
        ({"Inputs": {"input1": {"RelativeLocation": "results/x/output1results.csv"}}}, "BlobNotFound"),
        (request_of("mine/none.csv"), "InvalidBlobConnectionString"),
        ({"Inputs": {"input1": {**REFERENCE, "BaseLocation": "https://x.blob.core.windows.net/"}}}, "InvalidBlob"),
        ({"Inputs": {"input1": REFERENCE}, "Outputs": {"output2": REFERENCE}}, "InvalidOutputOverrideName"),
        ({"Inputs": {"input1": REFERENCE}, "Outputs": {"Output1": REFERENCE}}, "InvalidOutputOverrideName"),
        ({"Inputs": {"input1": REFERENCE}, "Outputs": {"output1": {}}}, "MissingOutputOverrideSpecification"),
        ({"Inputs": {"input1": REFERENCE}, "Outputs": {"output1": {"RelativeLocation": "m/out.ilearner"}}},
         "InvalidBlobExtension"),
        ({"Inputs": {"input1": REFERENCE}, "GlobalParameters": {"other": "1"}}, "UnexpectedParameter"),
    ],
)  # fmt: skip
def test_a_wrong_request_has_its_code(classic: Classic, body: object, code: str) -> None:
    upload(classic)
    answer = create(classic, body)
    assert answer.error == (400, "BadArgument", code)
    assert classic.jobs.jobs == {}


def test_a_storage_account_elsewhere_is_told_how_without_its_key(classic: Classic) -> None:
    error = create(classic, request_of("mine/none.csv")).json["error"]
    assert "AccountName=mystore" in error["details"][0]["message"]
    assert f"PUT {classic.url}/blobs/{classic.endpoint.id}/CONTAINER/NAME" in error["details"][1]["message"]
    assert "c2VjcmV0" not in json.dumps(error)


def test_a_dataset_of_the_workspace_is_an_input(classic: Classic) -> None:
    (classic.root / "datasets").mkdir()
    (classic.root / "datasets" / "people.csv").write_bytes(CSV)
    (classic.root / "datasets" / "out.csv").symlink_to(classic.root / "estudio.toml")
    job = create(classic, request_of("datasets/people.csv")).json
    assert classic.jobs.jobs[job].request.inputs["input1"].place == "datasets/people.csv"
    out = create(classic, {"Inputs": {"input1": {"RelativeLocation": "datasets/out.csv"}}})
    assert out.error == (400, "BadArgument", "BlobNotFound"), "a link out of the datasets"


def test_a_result_is_an_input_of_the_next_job_of_its_endpoint(classic: Classic) -> None:
    upload(classic)
    first = create(classic, request_of(), "").json
    place = poll(classic, first, "?api-version=2.0")["Results"]["output1"]
    second = create(classic, {"Inputs": {"input1": place}}).json
    classic.send("POST", f"/jobs/{second}/start?api-version=2.0", b"")
    assert poll(classic, second)["StatusCode"] == "Finished"


def test_replacing_an_upload_changes_no_job_that_was_made(classic: Classic) -> None:
    upload(classic)
    job = create(classic, request_of()).json
    upload(classic, data=b"a,b\n9,raise\n")
    classic.send("POST", f"/jobs/{job}/start?api-version=2.0", b"")
    assert poll(classic, job)["StatusCode"] == "Finished"


def test_an_output_override_says_the_format(classic: Classic) -> None:
    upload(classic)
    output = {"ConnectionString": AZURE, "RelativeLocation": "mine/output1results.tsv"}
    job = create(classic, request_of(Outputs={"output1": output})).json
    assert classic.jobs.jobs[job].request.outputs["output1"].format == "tsv"
