"""The published `azureml` 0.2.7 itself against our server; what it cannot do anywhere is expected to fail here, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.server.studio_api.client_environments import chosen, run_client
from tests.server.studio_api.serving import served

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.environments
FRAME = [["Leeds", "1", "0.5"], ["Enugu", "2", "1.25"]]
NAMES = ["town", "people", "share"]
TEXTS = {"str", "unicode"}


@pytest.fixture(scope="module", params=chosen())
def seen(
    request: pytest.FixtureRequest, estudio_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the client's script saw."""
    folder = tmp_path_factory.mktemp("studio")
    with served(folder) as workspace:
        return run_client(
            request.param,
            estudio_home,
            "datasets_circle.py",
            workspace.url,
            workspace.workspace_id,
            workspace.token,
            folder=folder,
        )


def is_python3(seen: dict[str, Any]) -> bool:
    return bool(seen["python"][0] == 3)


def is_new_pandas(seen: dict[str, Any]) -> bool:
    """With pandas 3, or on pandas newer than the client knows, some of the client's own calls fail."""
    return int(seen["pandas"].split(".")[0]) >= 3


@pytest.mark.parametrize("kind", ["GenericCSV", "GenericTSV", "GenericCSVNoHeader", "GenericTSVNoHeader"])
def test_a_frame_comes_back_as_it_was_uploaded(seen: dict[str, Any], kind: str) -> None:
    assert seen[f"{kind} type"] == kind
    if is_new_pandas(seen):
        assert "closed file" in seen[kind]
    else:
        assert seen[kind] == [["0", "1", "2"] if kind.endswith("NoHeader") else NAMES, *FRAME]


def test_plain_text_is_one_line_for_each_row(seen: dict[str, Any]) -> None:
    assert seen["text"] == "one line\nanother, line\n"
    if seen["python"] == [2, 7]:
        assert seen["text frame"] == [["0"], ["one line"], ["another, line"]]


def test_bytes_come_back_whole_however_many_blocks_they_took(seen: dict[str, Any]) -> None:
    assert seen["big is whole"] is True
    assert seen["big size"] > 2 * 0x200000
    assert seen["arff is whole"] is True
    assert seen["empty"] == [0, ""]
    assert seen["opened"] == [",".join(row) for row in [NAMES, *FRAME]]


def test_metadata_has_every_key_that_the_client_reads_in_its_type(seen: dict[str, Any]) -> None:
    texts = "Id Name DataTypeId Description FamilyId ResourceUploadId SourceOrigin CreatedDate Owner SchemaStatus"
    kinds = [
        (f"{texts} UploadedFromFilename", TEXTS),
        ("ExperimentId ClientVersion PromotedFrom Category Culture Batch", {"NoneType"}),
        ("Size ServiceVersion CreatedDateTicks", {"int"}),
        ("DownloadLocation VisualizeEndPoint SchemaEndPoint", {"dict"}),
        ("IsLatest IsDeprecated", {"bool"}),
    ]
    wanted = {name: types for names, types in kinds for name in names.split()}
    assert {name: seen["metadata"].get(name) in types for name, types in wanted.items()} == dict.fromkeys(wanted, True)
    assert seen["year"] >= 2026


def test_an_update_is_a_new_version_of_the_same_family(seen: dict[str, Any]) -> None:
    assert seen["updated"] == [True, True, "town,people,share\nLeeds,1,0.5\n"]
    assert seen["updated raw"] == ["a\n7\n", "Now raw", True]
    assert seen["names"].count("frame GenericCSV") == 1


def test_errors_are_those_that_the_client_knows(seen: dict[str, Any]) -> None:
    assert seen["conflict"] == [409, "Conflict"]
    assert seen["unauthorized"][0] == 401
    assert seen["unauthorized"][1].startswith("Unauthorized, please check your workspace ID")
    assert seen["bad name"] == [400, "BadArgument"]
    assert seen["missing"].startswith("IndexError")


def test_letters_beyond_ascii_work_where_the_client_can_send_them(seen: dict[str, Any]) -> None:
    if not is_python3(seen):
        assert seen["not ascii"].startswith("UnicodeEncodeError")
    elif not is_new_pandas(seen):
        assert seen["not ascii"] == [["name"], ["José"], ["Łódź"]]


def test_experiments_are_listed_with_the_state_of_their_last_run(seen: dict[str, Any]) -> None:
    assert seen["experiments"] == [["One script", "InDraft"], ["Two tables", "Finished"]]
    assert seen["same"] is True
    assert seen["created"] >= 2026
    assert seen["examples"] == [0, 0]


def test_intermediate_results_are_read_by_the_old_names_of_ports(seen: dict[str, Any]) -> None:
    people = ["name,age", "Anna,34", "José,61", "Mei,47", "Ngozi,72"]
    assert seen["people"] == ([line.split(",") for line in people] if is_python3(seen) else people)
    assert seen["half"] == 2
    assert seen["half text"] is True
