"""Requests that the real Python client never sends: R and PowerShell, lost and repeated blocks, and attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from estudio.workspace.studio_uploads import MAX_BLOCK_BYTES
from tests.server.studio_api.serving import ServedWorkspace, served

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorkspace]:
    with served(tmp_path_factory.mktemp("wire")) as workspace:
        yield workspace


@pytest.fixture
def api(place: ServedWorkspace) -> Iterator[httpx.Client]:
    """At `/api/`, with the management key in the Studio's header."""
    headers = {"x-ms-metaanalytics-authorizationtoken": place.token}
    with httpx.Client(base_url=f"{place.url}/api", headers=headers) as client:
        yield client


def begin(api: httpx.Client, place: ServedWorkspace, content: bytes = b"") -> str:
    answer = api.post(
        f"/resourceuploads/workspaces/{place.workspace_id}/?userStorage=true&dataTypeId=GenericCSV", content=content
    )
    assert answer.status_code == 200
    return str(answer.json()["Id"])


def block(
    api: httpx.Client, place: ServedWorkspace, upload: str, count: int, number: int, content: bytes
) -> httpx.Response:
    query = f"numberOfBlocks={count}&blockId={number}&uploadId={upload}&dataTypeId=GenericCSV"
    return api.post(f"/blobuploads/workspaces/{place.workspace_id}/?{query}", content=content)


def create(api: httpx.Client, place: ServedWorkspace, upload: str, name: str, **source: Any) -> httpx.Response:
    source = {"Name": name, "DataTypeId": "GenericCSV", "Description": "x", "FamilyId": None, "Owner": "R", **source}
    body = {"DataSource": source, "UploadId": upload, "UploadedFromFileName": "up.csv", "ClientPoll": True}
    return api.post(f"/workspaces/{place.workspace_id}/datasources", json=body)


def metadata(api: httpx.Client, place: ServedWorkspace, dataset_id: str) -> dict[str, Any]:
    answer = api.get(f"/workspaces/{place.workspace_id}/datasources/{dataset_id}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def content_of(found: dict[str, Any]) -> bytes:
    location = found["DownloadLocation"]
    return httpx.get(location["BaseUri"] + location["Location"] + location["AccessCredential"]).content


def test_r_posts_the_whole_file_at_once(api: httpx.Client, place: ServedWorkspace) -> None:
    upload = begin(api, place, b"a,b\n1,2\n")
    answer = create(api, place, upload, "from R", FamilyId="")
    found = metadata(api, place, answer.json())
    assert content_of(found) == b"a,b\n1,2\n"
    assert (found["Name"], found["UploadedFromFilename"], found["SchemaStatus"]) == ("from R", "up.csv", "Complete")
    assert place.workspace.datasets.table("from R").row_count == 1


def test_blocks_come_in_any_order_and_again(api: httpx.Client, place: ServedWorkspace) -> None:
    upload = begin(api, place)
    for number, content in ((2, b"3\n"), (0, b"wrong\n"), (1, b"2\n"), (0, b"a\n1\n")):
        assert block(api, place, upload, 3, number, content).status_code == 200
    answer = create(api, place, upload, "shuffled")
    assert content_of(metadata(api, place, answer.json())) == b"a\n1\n2\n3\n"


def test_a_missing_block_is_named_and_can_be_sent_later(api: httpx.Client, place: ServedWorkspace) -> None:
    upload = begin(api, place)
    block(api, place, upload, 2, 1, b"1\n")
    refused = create(api, place, upload, "holes")
    assert refused.status_code == 400
    assert "lacks 1 of its 2 blocks: 0" in refused.json()["error"]["message"]
    block(api, place, upload, 2, 0, b"a\n")
    assert create(api, place, upload, "holes").status_code == 200


@pytest.mark.parametrize(
    ("count", "number", "size", "status"),
    [(2, 2, 1, 400), (0, 0, 1, 400), (99_999, 0, 1, 400), (1, 0, MAX_BLOCK_BYTES + 1, 413)],
)
def test_blocks_are_bounded(
    api: httpx.Client, place: ServedWorkspace, count: int, number: int, size: int, status: int
) -> None:
    assert block(api, place, begin(api, place), count, number, b"x" * size).status_code == status


def test_the_number_of_blocks_cannot_change(api: httpx.Client, place: ServedWorkspace) -> None:
    upload = begin(api, place)
    block(api, place, upload, 2, 0, b"a")
    assert "has 2 blocks, not 3" in block(api, place, upload, 3, 1, b"b").json()["error"]["message"]


@pytest.mark.parametrize("upload", ["../../../etc", "f" * 32, "", "F" * 32, "count"])
def test_an_upload_that_is_not_there_is_refused(api: httpx.Client, place: ServedWorkspace, upload: str) -> None:
    assert block(api, place, upload, 1, 0, b"x").status_code == 400
    assert create(api, place, upload, "never").status_code == 400


def test_an_upload_is_used_once(api: httpx.Client, place: ServedWorkspace) -> None:
    upload = begin(api, place, b"a\n1\n")
    assert create(api, place, upload, "once").status_code == 200
    assert create(api, place, upload, "twice").status_code == 400


def test_of_two_datasets_of_one_name_the_second_is_refused_and_its_upload_stays(
    api: httpx.Client, place: ServedWorkspace
) -> None:
    create(api, place, begin(api, place, b"a\n1\n"), "taken")
    upload = begin(api, place, b"a\n2\n")
    assert create(api, place, upload, "taken").status_code == 409
    assert create(api, place, upload, "free").status_code == 200


def test_a_new_version_under_another_name_is_a_family_of_its_own(api: httpx.Client, place: ServedWorkspace) -> None:
    first = metadata(api, place, create(api, place, begin(api, place, b"a\n1\n"), "old name").json())
    answer = create(api, place, begin(api, place, b"a\n2\n"), "new name", FamilyId=first["FamilyId"])
    second = metadata(api, place, answer.json())
    assert (second["Name"], second["FamilyId"] == first["FamilyId"]) == ("new name", False)
    assert content_of(metadata(api, place, first["Id"])) == b"a\n1\n"
    taken = create(api, place, begin(api, place, b"a\n3\n"), "old name", FamilyId=second["FamilyId"])
    assert taken.status_code == 409


def test_a_version_keeps_its_id_and_bytes_after_an_update(api: httpx.Client, place: ServedWorkspace) -> None:
    first = metadata(api, place, create(api, place, begin(api, place, b"a\n1\n"), "growing").json())
    create(api, place, begin(api, place, b"a\n2\n"), "growing", FamilyId=first["FamilyId"])
    again = metadata(api, place, first["Id"])
    assert (again["IsLatest"], content_of(again)) == (False, b"a\n1\n")


@pytest.mark.parametrize("kind", ["SvmLight", "RData", "Zip"])
def test_types_that_are_no_tables_are_kept_as_they_are(api: httpx.Client, place: ServedWorkspace, kind: str) -> None:
    raw = b"PK\x05\x06" + bytes(18) if kind == "Zip" else bytes(range(256))
    answer = create(api, place, begin(api, place, raw), f"a {kind}", DataTypeId=kind)
    found = metadata(api, place, answer.json())
    assert (content_of(found), found["DataTypeId"], found["SchemaStatus"]) == (raw, kind, "NotSupported")


def test_a_table_that_cannot_be_read_is_kept_and_says_why(api: httpx.Client, place: ServedWorkspace) -> None:
    answer = create(api, place, begin(api, place, b"a,b\n1\n"), "broken")
    found = metadata(api, place, answer.json())
    assert (found["SchemaStatus"], content_of(found)) == ("Failed", b"a,b\n1\n")
    assert ".estudio" not in found["SchemaDetail"]


@pytest.mark.parametrize("kind", ["", "../x", "A" * 65, "a b"])
def test_a_type_that_cannot_be_is_refused(api: httpx.Client, place: ServedWorkspace, kind: str) -> None:
    assert create(api, place, begin(api, place, b"a\n"), "typed", DataTypeId=kind).status_code == 400


def test_a_family_is_removed_with_all_versions(api: httpx.Client, place: ServedWorkspace) -> None:
    found = metadata(api, place, create(api, place, begin(api, place, b"a\n1\n"), "doomed").json())
    address = f"/workspaces/{place.workspace_id}/datasources/family/{found['FamilyId']}"
    assert api.delete(address).status_code == 200
    assert api.delete(address).status_code == 404
    assert api.get(f"/workspaces/{place.workspace_id}/datasources/{found['Id']}").status_code == 404


def test_a_download_needs_its_own_credential(api: httpx.Client, place: ServedWorkspace) -> None:
    one = metadata(api, place, create(api, place, begin(api, place, b"a\n1\n"), "credential 1").json())
    other = metadata(api, place, create(api, place, begin(api, place, b"a\n2\n"), "credential 2").json())
    base = one["DownloadLocation"]["BaseUri"] + one["DownloadLocation"]["Location"]
    credentials = ["", "?sig=x", other["DownloadLocation"]["AccessCredential"]]
    credentials.append(one["DownloadLocation"]["AccessCredential"].replace("se=20", "se=21"))
    assert [httpx.get(base + each).status_code for each in credentials] == [401] * 4


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"DataSource": 1}', b'{"DataSource": {"Name": 3}}', b"\xff"])
def test_bodies_that_cannot_be_get_an_error_that_the_client_can_read(
    api: httpx.Client, place: ServedWorkspace, body: bytes
) -> None:
    answer = api.post(f"/workspaces/{place.workspace_id}/datasources", content=body)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"code", "message", "details"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"x-ms-metaanalytics-authorizationtoken": ""},
        {"x-ms-metaanalytics-authorizationtoken": "x" * 600},
        {"Authorization": "Basic bWFuYWdlLWtleQ=="},
    ],
)
def test_nothing_is_told_without_a_management_key(place: ServedWorkspace, headers: dict[str, str]) -> None:
    answers = [
        httpx.request(method, f"{place.url}/{path}", headers=headers)
        for method, path in (
            ("GET", f"api/workspaces/{place.workspace_id}/datasources"),
            ("GET", f"api/workspaces/{place.workspace_id}/experiments"),
            ("POST", f"api/resourceuploads/workspaces/{place.workspace_id}/"),
            ("GET", f"workspaces/{place.workspace_id}/webservices"),
            ("DELETE", f"workspaces/{place.workspace_id}/webservices/{'0' * 32}"),
            ("GET", "api/workspaces/nobody/trainedmodels"),
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json()["error"]["code"] for answer in answers} == {"Unauthorized"}


def test_a_bearer_key_is_as_good_as_the_studio_header(place: ServedWorkspace) -> None:
    headers = {"authorization": f"bearer {place.token}"}
    answer = httpx.get(f"{place.url}/api/workspaces/{place.workspace_id}", headers=headers)
    assert (answer.status_code, answer.json()["WorkspaceId"]) == (200, place.workspace_id)


def test_another_workspace_is_not_this_one(api: httpx.Client) -> None:
    assert api.get(f"/workspaces/{'a' * 32}/datasources").status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "trainedmodels"),
        ("POST", "packages?api-version=2.0&experimentid=1"),
        ("GET", "modules/custom"),
        ("GET", "users"),
        ("POST", "experiments/1"),
        ("DELETE", "experiments/1?deleteAncestors=true"),
        ("GET", "experiments/1/webservicedefinition"),
    ],
)
def test_what_is_not_there_is_said_in_the_old_form(
    api: httpx.Client, place: ServedWorkspace, method: str, path: str
) -> None:
    answer = api.request(method, f"/workspaces/{place.workspace_id}/{path}")
    assert answer.status_code == 501
    assert answer.json()["error"]["code"] == "NotImplemented"


def test_an_experiment_comes_with_its_graph(api: httpx.Client, place: ServedWorkspace) -> None:
    listed = api.get(f"/workspaces/{place.workspace_id}/experiments").json()
    found = next(each for each in listed if each["Description"] == "Two tables")
    one = api.get(f"/workspaces/{place.workspace_id}/experiments/{found['ExperimentId']}").json()
    assert [node["ModuleId"] for node in one["Graph"]["ModuleNodes"]] == ["enter-data", "split-rows", "dataset"]
    edge = {"SourceOutputPortId": "people:dataset", "DestinationInputPortId": "halves:dataset"}
    assert one["Graph"]["EdgesInternal"] == [edge]
    assert {key: one[key] for key in found} == found


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("plain/outputdata/people/dataset", 200),
        ("plain/outputdata/people/Results%20dataset", 200),
        ("plain/outputdata/people/Results%2520dataset", 200),
        ("plain/outputdata/halves/Results%20dataset2", 200),
        ("plain/outputdata/halves/Results%20dataset3", 404),
        ("plain/outputdata/nobody/Results%20dataset", 404),
        ("scripted/outputdata/double/results", 404),
        ("nothing/outputdata/double/results", 404),
    ],
)
def test_an_output_is_found_by_module_and_port(
    api: httpx.Client, place: ServedWorkspace, path: str, status: int
) -> None:
    assert api.get(f"/workspaces/{place.workspace_id}/experiments/{path}").status_code == status


def test_an_output_is_tsv_for_who_accepts_that_alone(api: httpx.Client, place: ServedWorkspace) -> None:
    address = f"/workspaces/{place.workspace_id}/experiments/plain/outputdata/table/dataset"
    answer = api.get(address, headers={"Accept": "text/tab-separated-values"})
    assert answer.text == "town\tpeople\nLeeds\t1\nEnugu\t2\n"
