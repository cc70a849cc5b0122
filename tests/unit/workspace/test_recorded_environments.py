"""Environments as a version recorded them: what stands under their name today does not matter."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from estudio.environments.built import BuiltEnvironment
from estudio.errors import EnvironmentFailed, EnvironmentNotFound
from estudio.workspace.recorded_environments import RecordedEnvironments

if TYPE_CHECKING:
    from estudio.core.environment import EnvironmentSpec
    from estudio.environments.builder import EnvironmentStore

HERE = Path("/environments/one")
BUILT = BuiltEnvironment(
    "mine", "aaaa", HERE, HERE / "bin/python", HERE, (3, 11, 7), (), (), (), {"numpy": "2.0", "pandas": "3.1"},
    HERE / "fonts", 1,
)  # fmt: skip
SPEC: dict[str, object] = {"name": "mine", "python": ">=3.11", "packages": ["pandas"], "from-source": []}
RECORD = {
    **SPEC,
    "digest": "aaaa",
    "versions": {"interpreter": "3.11.7", "numpy": "2.0", "pandas": "3.1"},
}


class Store:
    """The double of `EnvironmentStore`: what it finds is given, what it builds is noted."""

    def __init__(self, found: BuiltEnvironment | None) -> None:
        self.found = found
        self.asked: list[EnvironmentSpec] = []

    def find(self, spec: EnvironmentSpec) -> BuiltEnvironment | None:
        del spec
        return self.found

    def ensure(self, spec: EnvironmentSpec, on_progress: object = None) -> BuiltEnvironment:
        del on_progress
        self.asked.append(spec)
        return replace(BUILT, digest="bbbb")


def recorded(store: Store, record: object = RECORD) -> RecordedEnvironments:
    return RecordedEnvironments(cast("EnvironmentStore", store), {"mine.toml": json.dumps(record)})


def test_what_is_built_still_is_used() -> None:
    store = Store(BUILT)
    assert recorded(store).built("mine.toml") is BUILT
    assert recorded(store).digest("mine.toml") == "aaaa"
    assert store.asked == []


@pytest.mark.parametrize(
    "found",
    [None, replace(BUILT, digest="cccc"), replace(BUILT, packages={"numpy": "2.1", "pandas": "3.1"})],
    ids=["gone", "another interpreter", "other versions"],
)
def test_what_changed_is_built_from_the_versions_that_were_recorded(found: BuiltEnvironment | None) -> None:
    store = Store(found)
    assert recorded(store).built("mine.toml").digest == "bbbb"
    assert [spec.lock for spec in store.asked] == ["numpy==2.0\npandas==3.1\n"]


def test_a_lock_of_its_own_comes_first() -> None:
    store, lock = Store(None), "numpy==2.0\npandas==3.1 ; python_version > '3'\n"
    recorded(store, {**RECORD, "lock": lock}).built("mine.toml")
    assert [spec.lock for spec in store.asked] == [lock]


def test_a_complete_record_names_exact_versions() -> None:
    complete = json.loads(recorded(Store(BUILT), {**RECORD, "versions": {}}).complete("mine.toml"))
    assert complete == RECORD


@pytest.mark.parametrize(
    "record", [[], {}, {**RECORD, "versions": []}, {**RECORD, "python": 3}, {**SPEC, "digest": "a"}]
)
def test_a_damaged_record_is_said_to_be_one(record: object) -> None:
    with pytest.raises(EnvironmentFailed, match=r"mine\.toml cannot be read"):
        recorded(Store(BUILT), record)


def test_an_environment_that_was_not_recorded_is_not_there() -> None:
    with pytest.raises(EnvironmentNotFound):
        recorded(Store(BUILT)).built("default")
