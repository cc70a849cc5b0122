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


def test_show(seen):
    import pprint

    pprint.pprint(seen)
