"""Management calls as R and PowerShell scripts make them, against real services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from estudio.server.classic.blob_tokens import READ, BlobPlace, make_token
from estudio.workspace.blobs import WorkspaceBlobs
from tests.server.studio_api.serving import ServedWorkspace, really_served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.sandbox
YEAR_2100 = 4_102_444_800.0


@pytest.fixture(scope="module")
def place(estudio_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorkspace]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESTUDIO_HOME", str(estudio_home))
        with really_served(tmp_path_factory.mktemp("management")) as workspace:
            yield workspace


@pytest.fixture(scope="module")
def client(place: ServedWorkspace) -> Iterator[httpx.Client]:
    """At the workspace of the management host, with the key as Bearer."""
    base = f"{place.url}/workspaces/{place.workspace_id}"
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {place.token}"}, timeout=60) as made:
        yield made


@pytest.fixture(scope="module")
def service(place: ServedWorkspace, client: httpx.Client) -> dict[str, Any]:
    """The experiment `named`, published as a script does it."""
    address = f"{place.url}/api/workspaces/{place.workspace_id}/experiments/named/webservice"
    assert client.get(address).status_code == 404
    started = client.post(address, params={"generateNewPortNames": "false"}).json()
    assert started["Status"] == "Completed"
    assert client.get(address).json() == started
    found: dict[str, Any] = client.get(f"/webservices/{started['WebServiceGroupId']}").json()
    return found


def score(shown: dict[str, Any], people: int) -> Any:
    body = {"Inputs": {"input1": {"ColumnNames": ["people"], "Values": [[str(people)]]}}, "GlobalParameters": {}}
    answer = httpx.post(
        f"{shown['ApiLocation']}/execute?api-version=2.0&details=true",
        json=body,
        headers={"Authorization": f"Bearer {shown['PrimaryKey']}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["Results"]["output1"]["value"]["Values"]


def test_a_published_experiment_is_listed_and_called_with_the_key_that_is_shown(
    client: httpx.Client, service: dict[str, Any], place: ServedWorkspace
) -> None:
    assert service["Id"] in [each["Id"] for each in client.get("/webservices").json()]
    assert (service["Name"], service["DefaultEndpointName"], service["WorkspaceId"]) == (
        "named",
        "default",
        place.workspace_id,
    )
    shown = client.get(f"/webservices/{service['Id']}/endpoints/default").json()
    assert score(shown, 1) == [["1", "Leeds"]]
    assert shown["WebServiceId"] == service["Id"]
    assert shown["PreventUpdate"] is True
    keys = {"CreationTime", "Description", "HelpLocation", "SecondaryKey", "SampleDataEnabled", "Resources"}
    assert keys < set(shown)
    assert httpx.get(f"{shown['HelpLocation']}/score").status_code == 200


def test_a_key_is_shown_to_nobody_but_the_management_key_that_made_it(
    client: httpx.Client, service: dict[str, Any], place: ServedWorkspace
) -> None:
    other = place.workspace.services.create_manage_key().token
    address = f"/webservices/{service['Id']}/endpoints/default"
    shown = client.get(address, headers={"Authorization": f"Bearer {other}"}).json()
    assert (shown["PrimaryKey"], shown["SecondaryKey"]) == ("", "")
    called = client.get(address).json()["PrimaryKey"]
    assert client.get(address, headers={"Authorization": f"Bearer {called}"}).status_code == 401


def test_publishing_again_needs_to_be_asked_for(
    client: httpx.Client, service: dict[str, Any], place: ServedWorkspace
) -> None:
    address = f"{place.url}/api/workspaces/{place.workspace_id}/experiments/named/webservice"
    assert client.post(address).status_code == 409
    again = client.post(address, params={"updateExistingWebService": "true"})
    assert again.json()["WebServiceGroupId"] == service["Id"]


def test_an_endpoint_is_added_changed_and_removed(client: httpx.Client, service: dict[str, Any]) -> None:
    address = f"/webservices/{service['Id']}/endpoints/second"
    wanted = {"Description": "For tests", "ThrottleLevel": "High", "MaxConcurrentCalls": 4, "PreventUpdate": True}
    made = client.put(address, json=wanted)
    assert made.status_code == 201
    assert {**wanted, "ThrottleLevel": "Low"}.items() <= made.json().items()
    assert made.json()["PrimaryKey"] != made.json()["SecondaryKey"]
    changed = client.patch(address, json={"ThrottleLevel": "High", "DiagnosticsTraceLevel": "all"}).json()
    assert (changed["MaxConcurrentCalls"], changed["ThrottleLevel"]) == (200, "High")
    assert (changed["DiagnosticsTraceLevel"], changed["Description"]) == ("All", "For tests")
    names = [each["Name"] for each in client.get(f"/webservices/{service['Id']}/endpoints").json()]
    assert names[0] == "default"
    assert "second" in names
    assert client.delete(address).status_code == 200
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("two-words", {}, 400),
        ("a" * 25, {}, 400),
        ("third", {"MaxConcurrentCalls": 0}, 400),
        ("third", {"MaxConcurrentCalls": 201}, 400),
        ("third", {"MaxConcurrentCalls": True}, 400),
        ("third", {"MaxConcurrentCalls": "20"}, 400),
        ("third", {"ThrottleLevel": "Medium"}, 400),
        ("third", {"DiagnosticsTraceLevel": 3}, 400),
        ("third", {"PreventUpdate": "no"}, 400),
        ("third", {"Description": "x" * 100_000}, 400),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused(
    client: httpx.Client, service: dict[str, Any], name: str, body: dict[str, Any], status: int
) -> None:
    address = f"/webservices/{service['Id']}/endpoints/{name}"
    answer = client.put(address, json=body)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == "BadArgument"
    assert client.get(address).status_code == 404


def test_the_default_endpoint_stays(client: httpx.Client, service: dict[str, Any]) -> None:
    assert client.delete(f"/webservices/{service['Id']}/endpoints/default").status_code == 409


def located(place: ServedWorkspace, endpoint_id: str, name: str, content: bytes) -> dict[str, str]:
    """An upload of the endpoint, as a location that a script would have."""
    blobs = WorkspaceBlobs(place.workspace.folder)
    path = place.workspace.folder.root / "upload"
    path.write_bytes(content)
    with path.open("rb") as file:
        blobs.put(endpoint_id, "models", name, file)
    token = make_token(blobs.secret(), BlobPlace(endpoint_id, "models", name), READ, YEAR_2100)
    return {
        "BaseLocation": f"{place.url}/blobs/{endpoint_id}/",
        "RelativeLocation": f"models/{name}",
        "SasBlobToken": token,
    }


def test_retraining_replaces_a_frozen_result_on_one_endpoint_alone(
    client: httpx.Client, service: dict[str, Any], place: ServedWorkspace
) -> None:
    address = f"/webservices/{service['Id']}/endpoints/retrained"
    made = client.put(address, json={}).json()
    endpoint_id = made["ApiLocation"].rsplit("/", 1)[1]
    assert score(made, 2) == [["2", "Enugu"]]
    location = located(place, endpoint_id, "towns.csv", b"town,people\nLagos,2\n")
    patched = client.patch(address, json={"Resources": [{"Name": "Known", "Location": location}]})
    assert patched.status_code == 200, patched.text
    assert [each["Name"] for each in patched.json()["Resources"]] == ["known"]
    assert wait_for(made, 2, [["2", "Lagos"]])
    assert score(client.get(f"/webservices/{service['Id']}/endpoints/default").json(), 2) == [["2", "Enugu"]]
    assert client.post(f"{address}/refresh", json={"OverwriteResources": "false"}).status_code == 304
    assert client.post(f"{address}/refresh", json={"OverwriteResources": "true"}).status_code == 200
    assert wait_for(made, 2, [["2", "Enugu"]])
    assert client.post(f"{address}/refresh", json={"OverwriteResources": True}).status_code == 304


def wait_for(shown: dict[str, Any], people: int, wanted: object) -> bool:
    """A change is seen within a second; asked for a little longer on a busy machine."""
    return any(score(shown, people) == wanted for _ in range(200))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"SasBlobToken": "?sig=x"}, 401),
        ({"RelativeLocation": "models/other.csv"}, 401),
        ({"BaseLocation": "https://example.blob.core.windows.net/"}, 400),
        ({"BaseLocation": "file:///etc"}, 400),
        ({"RelativeLocation": 3}, 400),
    ],
)
def test_a_resource_must_be_a_file_of_ours_with_its_credential(
    client: httpx.Client, service: dict[str, Any], place: ServedWorkspace, change: dict[str, Any], status: int
) -> None:
    address = f"/webservices/{service['Id']}/endpoints/refused"
    made = client.put(address, json={}).json()
    endpoint_id = made["ApiLocation"].rsplit("/", 1)[1]
    location = {**located(place, endpoint_id, "towns.csv", b"town,people\nLagos,2\n"), **change}
    answer = client.patch(address, json={"Resources": [{"Name": "known", "Location": location}]})
    assert answer.status_code == status
    assert client.get(address).json()["Resources"] == []


def test_resources_are_refused_where_they_cannot_be(
    client: httpx.Client, service: dict[str, Any], place: ServedWorkspace
) -> None:
    services = f"/webservices/{service['Id']}/endpoints"
    endpoint_id = client.get(f"{services}/default").json()["ApiLocation"].rsplit("/", 1)[1]
    location = located(place, endpoint_id, "towns.csv", b"town,people\nLagos,2\n")
    body = {"Resources": [{"Name": "known", "Location": location}]}
    assert client.patch(f"{services}/default", json=body).status_code == 409
    client.put(f"{services}/open", json={})
    unknown = client.patch(f"{services}/open", json={"Resources": [{"Name": "nothing", "Location": location}]})
    assert unknown.status_code == 404
    assert "there are known" in unknown.json()["error"]["message"]
    for wrong in ("x", [1], [{"Name": "known"}], [{"Name": "known", "Location": 1}]):
        assert client.patch(f"{services}/open", json={"Resources": wrong}).status_code == 400


CODE = "def azureml_main(df1=None, df2=None):\n    raise ValueError('not on a sample')\n"


def code(**changes: Any) -> dict[str, Any]:
    schema = {"a": {"type": "number", "format": "double"}}
    bundle = {
        "InputSchema": schema,
        "OutputSchema": {"result": schema["a"]},
        "Language": "R-3.1-64",
        "SourceCode": CODE,
    }
    return {"Name": "f", "Type": "Code", "CodeBundle": {**bundle, **changes}}


@pytest.mark.parametrize(
    "body",
    [
        code(),
        code(Language="anaconda-2-64"),
        code(Language="../../etc/passwd"),
        code(SourceCode=""),
        code(Language="python-2.7-64", SourceCode="x = 1\n"),
        code(Language="python-2.7-64", ZipContents="UEsDBA=="),
        code(Language="python-2.7-64", InputSchema={"a": {"type": "complex"}}),
        code(Language="python-2.7-64", InputSchema=[1]),
        {"Name": "f", "Type": "Experiment"},
        {"Type": "Code", "CodeBundle": {}},
    ],
)
def test_code_that_cannot_be_published_is_refused_in_words_that_the_client_shows(
    client: httpx.Client, body: dict[str, Any]
) -> None:
    before = [each["Name"] for each in client.get("/webservices").json()]
    answer = client.put(f"/webservices/{'c' * 32}", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]
    assert [each["Name"] for each in client.get("/webservices").json()] == before


def test_r_is_refused_by_name(client: httpx.Client) -> None:
    assert "R is not run here" in client.put(f"/webservices/{'c' * 32}", json=code()).json()["error"]["message"]


@pytest.mark.environments
def test_a_function_that_fails_on_the_sample_is_published_with_its_declared_types(
    client: httpx.Client, place: ServedWorkspace
) -> None:
    made = client.put(f"/webservices/{'d' * 32}", json=code(Language="python-2.7-64"))
    assert made.status_code == 201, made.text
    version = place.workspace.services.version("f")
    assert [(column.name, column.type) for column in version.outputs[0].columns] == [("result", "float64")]
    assert client.delete(f"/webservices/{'d' * 32}").status_code == 200
    assert client.get(f"/webservices/{'d' * 32}").status_code == 404
