"""What every test gets: a clean environment of variables, and a loud word where a wall is missing.

`require` skips at home and fails in CI (`ESTUDIO_SANDBOX_MUST_WORK=1`): there, green means that nothing was left out.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Protocol

import pytest

from estudio.environments.builder import EnvironmentStore

OFFLINE = "ESTUDIO_TESTS_OFFLINE"
"""Set it to leave out the tests that build real environments from the package registry."""


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Whoever starts the tests in the background ignores Ctrl-C for all that they start; some of them test Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Require(Protocol):
    """Go on only where a condition holds: `require(namespaces_work, "user namespaces are off here")`."""

    def __call__(self, condition: object, reason: str) -> None: ...


@pytest.fixture(scope="session")
def require() -> Require:
    """Skip, or in CI fail, the test when the machine lacks what it needs."""

    def check(condition: object, reason: str) -> None:
        if condition:
            return
        if os.environ.get("ESTUDIO_SANDBOX_MUST_WORK") == "1":
            pytest.fail(f"This machine lacks what the test needs, and ESTUDIO_SANDBOX_MUST_WORK is set: {reason}")
        pytest.skip(reason)

    return check


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the colours and the width that whoever starts it has chosen."""
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def estudio_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the built-in environment in it: built once for all workers, or kept where ESTUDIO_TEST_HOME says."""
    kept = os.environ.get("ESTUDIO_TEST_HOME")
    home = Path(kept) if kept else tmp_path_factory.getbasetemp().parent / "estudio-home"
    store = EnvironmentStore(home)
    store.ensure(store.resolve("default"))
    return home


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs the package registry where the caller says that there is none."""
    if os.environ.get(OFFLINE) != "1" or os.environ.get("CI"):
        return
    for item in items:
        if item.get_closest_marker("environments"):
            item.add_marker(pytest.mark.skip(reason=f"{OFFLINE} is set"))
