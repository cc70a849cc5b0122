"""The locks: hashed, without hosts, and in agreement with each other and with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ENTRY = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


def read_lock(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def versions(lock: str) -> dict[str, set[str]]:
    """The versions of each package; more than one where they differ by interpreter."""
    found: dict[str, set[str]] = {}
    for name, version in ENTRY.findall(lock):
        found.setdefault(name, set()).add(version)
    return found


def requirement_names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0].lower() for requirement in requirements}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_entry_has_hashes_and_a_plain_version(name: str) -> None:
    blocks = re.split(r"\n(?=\S)", read_lock(name).strip())
    assert len(blocks) > 10
    for block in blocks:
        assert ENTRY.match(block), block
        assert "--hash=sha256:" in block, block


def test_the_runtime_lock_serves_what_the_project_asks_for() -> None:
    project = tomllib.loads(read_lock("pyproject.toml"))["project"]
    assert requirement_names(project["dependencies"]) <= set(versions(read_lock("requirements.lock")))


def test_the_development_lock_serves_its_group() -> None:
    group = tomllib.loads(read_lock("pyproject.toml"))["dependency-groups"]["dev"]
    assert requirement_names(group) <= set(versions(read_lock("requirements-dev.lock")))


def test_tests_run_on_the_versions_that_users_get() -> None:
    runtime, development = versions(read_lock("requirements.lock")), versions(read_lock("requirements-dev.lock"))
    assert runtime.items() <= development.items()
