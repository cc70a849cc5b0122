"""Environments with the real `azureml` 0.2.7, for each Python that it was published for; built once, then kept.

CI builds those of `DEFAULT`; `ESTUDIO_TEST_CLIENTS=all` builds all, `ESTUDIO_TEST_CLIENTS=2.7,3.8` these.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from estudio.core.environment import parse_environment
from estudio.environments.builder import EnvironmentStore
from estudio.errors import InterpreterNotFound, PackagesUnresolvable, RegistryUnreachable

CHOICE = "ESTUDIO_TEST_CLIENTS"
CLIENTS = Path(__file__).parent / "clients"
PACKAGES = {
    "2.7": ("2.7", ["requests<2.28", "pandas<0.25", "numpy<1.17"]),
    "3.6": ("3.6", ["requests", "pandas"]),
    "3.7": ("3.7", ["requests", "pandas"]),
    "3.8": ("3.8", ["requests", "pandas"]),
    "3.9": ("3.9", ["requests", "pandas"]),
    "3.11": ("3.11", ["requests", "pandas==2.2.3"]),
    "3.11-pandas3": ("3.11", ["requests", "pandas>=3"]),
}
"""By the name of the test: the Python and what the client needs pinned there."""
DEFAULT = ("2.7", "3.11")


def chosen() -> list[str]:
    """The environments that are tested here."""
    words = os.environ.get(CHOICE, "")
    names = list(PACKAGES) if words == "all" else words.split(",") if words else list(DEFAULT)
    return [name for name in names if name in PACKAGES]


@cache
def client_python(name: str, home: Path) -> Path:
    """The interpreter with the client. Skips loudly where it cannot be had."""
    python, packages = PACKAGES[name]
    store = EnvironmentStore(home)
    spec = parse_environment(
        {"name": f"azureml-{name}", "python": python, "packages": ["azureml==0.2.7", *packages]}, "the test"
    )
    try:
        return store.ensure(spec).python
    except (InterpreterNotFound, PackagesUnresolvable, RegistryUnreachable) as error:
        pytest.skip(f"The azureml client on Python {name} cannot be had here: {error.message}")


def run_client(name: str, home: Path, script: str, *arguments: str, folder: Path) -> dict[str, Any]:
    """Run a script of `clients/` with the real client; what it printed last, as JSON."""
    variables = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8", "NO_PROXY": "127.0.0.1"}
    ended = subprocess.run(
        [str(client_python(name, home)), str(CLIENTS / script), *arguments],
        check=False,
        capture_output=True,
        cwd=folder,
        env=variables,
        timeout=120,
        encoding="utf-8",
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    seen: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return seen
