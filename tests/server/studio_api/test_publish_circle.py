"""The real client on Python 2.7, where alone it can publish: functions become services here and are called by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.server.studio_api.client_environments import chosen, once, run_client
from tests.server.studio_api.serving import really_served

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.environments, pytest.mark.sandbox]


@pytest.fixture(scope="module")
def seen(estudio_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client's script saw, and what the workspace had afterwards."""
    if "2.7" not in chosen():
        pytest.skip("ESTUDIO_TEST_CLIENTS leaves Python 2.7 out, where alone the client can publish")
    return once(tmp_path_factory, "circle", lambda: go_round(estudio_home, tmp_path_factory.mktemp("circle")))


def go_round(home: Path, folder: Path) -> dict[str, Any]:
    """Run the client's script, then look at what it left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESTUDIO_HOME", str(home))
        with really_served(folder) as place:
            arguments = (place.url, place.workspace_id, place.token)
            found = run_client("2.7", home, "publish_circle.py", *arguments, folder=folder)
            found["services"] = httpx.get(
                f"{place.url}/workspaces/{place.workspace_id}/webservices",
                headers={"Authorization": f"Bearer {place.token}"},
            ).json()
            found["experiments"] = list(place.workspace.folder.experiment_names())
            found["versions"] = [each.number for each in place.workspace.services.versions("numbered-twice")]
            return found


def test_a_typed_function_is_called_by_position_by_name_and_mapped(seen: dict[str, Any]) -> None:
    assert seen["divide"] == seen["divide here"] == 0.25
    assert seen["by name"] == 0.5
    assert seen["map"] == [0.5, 1.0, 1.5]


def test_a_service_is_consumed_by_its_address_and_key(seen: dict[str, Any]) -> None:
    assert seen["consumed"] == 4.5
    assert seen["help"] == 200


def test_the_authors_error_is_the_clients_runtime_error(seen: dict[str, Any]) -> None:
    assert seen["error"].startswith("RuntimeError: Error 0085: ")
    assert "ZeroDivisionError: nothing to divide by" in seen["error"]


def test_calls_that_do_not_fit_are_refused(seen: dict[str, Any]) -> None:
    assert seen["wrong key"] == "RuntimeError: Invalid credentials provided."
    assert seen["too few"].startswith("ValueError: ")
    assert "InputMismatchError" in seen["too few"]


def test_several_results_keep_their_types_and_order(seen: dict[str, Any]) -> None:
    assert seen["several"] == [42, False, 'NAÏVE, "QUOTED"']
    assert seen["several mapped"] == [[2, False, "A"], [3, True, "B"]]


def test_untyped_values_pass_through_as_they_are(seen: dict[str, Any]) -> None:
    assert seen["anything"] == "[{'key': [1, 2L, u'text', 'bytes', True, 1j]}, {'one': 1}, (None, 2.5)]"
    assert seen["array"] == [[0, 1, 2], [3, 4, 5]]


def test_attached_files_lie_in_the_script_bundle_of_a_function_without_arguments(seen: dict[str, Any]) -> None:
    assert seen["attached"] == "sdrow dehcatta"


def test_a_function_of_a_whole_frame_works(seen: dict[str, Any]) -> None:
    assert seen["frame"] == 7


def test_letters_beyond_ascii_are_unicode_in_a_typed_function(seen: dict[str, Any]) -> None:
    assert seen["greet"] == "¡Hola, Ñandúí!"


def test_publishing_the_same_id_again_is_a_new_version_at_the_same_address(seen: dict[str, Any]) -> None:
    assert (seen["first"], seen["second"]) == (2, 101)
    assert seen["same address"] == [True, True]
    assert seen["versions"] == [2, 1]


def test_what_the_client_cannot_do_stays_so(seen: dict[str, Any]) -> None:
    assert seen["delete"].startswith("NotImplementedError")
    assert seen["not serializable"].startswith("NotImplementedError")
    assert seen["denied"].startswith("ValueError: Failed to publish function: The key is not")


def test_each_function_is_an_experiment_that_a_person_can_see(seen: dict[str, Any]) -> None:
    published = ["anything", "attached", "divide", "greet", "numbered-twice", "several", "summed"]
    assert sorted(each["Name"] for each in seen["services"]) == published
    assert seen["experiments"] == sorted([*published, "named", "plain", "scripted"])
