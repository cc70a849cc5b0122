"""The script kind on real walls: one warm set of executors for each worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.core.limits import Limits
from estudio.environments.builder import EnvironmentStore
from estudio.modules.script_executors import WarmExecutors
from estudio.modules.warm_pools import WarmPools
from estudio.workspace.open import script_environment

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these run real walls in a real environment."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.sandbox)
            item.add_marker(pytest.mark.environments)


@pytest.fixture(scope="session")
def executors(estudio_home: Path) -> Iterator[WarmExecutors]:
    """Of whatever environment a test names; `named-twice` is the built-in one under another name."""
    store = EnvironmentStore(estudio_home)

    def spec_name(name: str) -> str:
        return "default" if name == "named-twice" else name

    def pools(name: str) -> WarmPools:
        built = store.ensure(store.resolve(spec_name(name)))
        return WarmPools(script_environment(built), Limits(), ahead=1)

    warm = WarmExecutors(lambda name: store.ensure(store.resolve(spec_name(name))).digest, pools)
    yield warm
    warm.close()
