"""One warm runner of the built-in environment for each worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio import ScriptRunner

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).parents[2] / "examples" / "pima-diabetes"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these run real walls in a real environment."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.sandbox)
            item.add_marker(pytest.mark.environments)


@pytest.fixture(autouse=True)
def home(estudio_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is asked of the workspace comes from the session's home."""
    monkeypatch.setenv("ESTUDIO_HOME", str(estudio_home))
    return estudio_home


@pytest.fixture(scope="session")
def runner(estudio_home: Path) -> Iterator[ScriptRunner]:
    """Warm, with all walls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESTUDIO_HOME", str(estudio_home))
        with ScriptRunner() as warm:
            yield warm
