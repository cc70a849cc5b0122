"""Which interpreters the contract is tried on: see `calls`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .calls import OTHER_PYTHONS

SKIPPED = "set ESTUDIO_TEST_PYTHONS to interpreters with {}, joined by ':'"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "any_python" in metafunc.fixturenames:
        metafunc.parametrize("any_python", [sys.executable, *OTHER_PYTHONS])


def _python_with(package: str) -> str:
    for python in (sys.executable, *OTHER_PYTHONS):
        if subprocess.run([python, "-c", f"import {package}"], check=False, capture_output=True).returncode == 0:
            return python
    pytest.skip(SKIPPED.format(package))


@pytest.fixture(scope="session")
def drawing_python() -> str:
    return _python_with("matplotlib")


@pytest.fixture(scope="session")
def learning_python() -> str:
    return _python_with("sklearn")


@pytest.fixture(scope="session")
def old_python() -> str:
    for python in OTHER_PYTHONS:
        if subprocess.run([python, "-c", "import sys; sys.exit(sys.version_info[0] - 2)"], check=False).returncode == 0:
            return python
    pytest.skip(SKIPPED.format("Python 2.7 and pandas"))
