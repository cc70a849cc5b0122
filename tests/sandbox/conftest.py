"""One small environment and one warm sandbox for the whole session; others, with walls away, as they are asked for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.core.environment import parse_environment
from estudio.environments.builder import EnvironmentStore
from estudio.modules.warm_pools import ScriptEnvironment
from estudio.sandbox.doctor import examine_machine

from .attacking import FULL, SHOWN, Sandbox, walls_without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from estudio.environments.built import BuiltEnvironment


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs real walls, and an environment that is built from the package registry."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.sandbox)
            item.add_marker(pytest.mark.environments)


@pytest.fixture(scope="session")
def machine_level() -> str:
    """Skip loudly at home, fail in CI, where this machine gives no full isolation."""
    report = examine_machine()
    if report.level is None:
        missing = "; ".join(f"{wall.name}: {wall.reason}" for wall in report.walls if wall.required and not wall.stands)
        if os.environ.get("ESTUDIO_SANDBOX_MUST_WORK") == "1":
            pytest.fail(f"ESTUDIO_SANDBOX_MUST_WORK is set, and walls are missing: {missing}")
        pytest.skip(f"NO SANDBOX ON THIS MACHINE, NOTHING WAS TESTED: {missing}")
    return report.level.value


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltEnvironment:
    """A small environment: built once for all workers of a session, or kept where `ESTUDIO_TEST_HOME` says."""
    shared = os.environ.get("ESTUDIO_TEST_HOME")
    root = Path(shared) if shared else tmp_path_factory.getbasetemp().parent / "estudio-home"
    document = {"name": "attacks", "python": ">=3.11", "packages": ["pandas", "numpy", "pyarrow"]}
    return EnvironmentStore(root).ensure(parse_environment(document, "attacks"))


@pytest.fixture(scope="session")
def environment(machine_level: str, built: BuiltEnvironment) -> Iterator[ScriptEnvironment]:  # noqa: ARG001
    """What a sandbox must know of it."""
    SHOWN.mkdir(mode=0o755, exist_ok=True)
    yield ScriptEnvironment(
        python=str(built.python),
        readonly=(*(str(path) for path in built.readonly_paths), str(SHOWN)),
        preload=("numpy", "pandas", "pyarrow", "ssl", "uuid", "tempfile"),
    )
    shutil.rmtree(SHOWN)


@pytest.fixture(scope="session")
def walled(environment: ScriptEnvironment) -> Iterator[Sandbox]:
    """All walls."""
    sandbox = Sandbox(environment)
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="session")
def unwalled(environment: ScriptEnvironment) -> Iterator[Callable[[frozenset[str]], Sandbox]]:
    """Sandboxes by the walls that are taken away."""
    made: dict[frozenset[str], Sandbox] = {}

    def make(away: frozenset[str]) -> Sandbox:
        assert away <= FULL, away - FULL
        walls = walls_without(away)
        if walls not in made:
            made[walls] = Sandbox(environment, walls, ahead=0)
        return made[walls]

    yield make
    for sandbox in made.values():
        sandbox.close()
