"""A process that fills the store is killed at random moments: nothing that it reported as kept is lost.

`ESTUDIO_CRASHES` says how often; every failure prints the seed and what was reported.
"""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

import pytest

from estudio.core.run import ModuleState, RunState
from estudio.store.database import Database
from estudio.store.objects import ObjectFolder
from estudio.store.owners import is_alive
from tests.store.children import start_child

if TYPE_CHECKING:
    from pathlib import Path

CRASHES = int(os.environ.get("ESTUDIO_CRASHES", "40"))
PARTS = 4
LONGEST_SECONDS = 0.25
"""Some dozens of modules: every instruction of a module's life is met."""


def crash_once(folder: Path, name: str, seconds: float) -> list[list[str]]:
    """Let a child work for a while after it opened the store, and kill it; what it reported, in words."""
    child = start_child("run_until_killed", folder, name)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(seconds)
    child.kill()
    said, _ = child.communicate()
    return [line.split() for line in said.splitlines()]


def check_store(folder: Path, reported: list[list[str]], facts: str, *, crashes: int = 1) -> None:
    """All that was reported is there and whole; after a repair nothing runs. Each crash left one run at most."""
    objects = ObjectFolder(folder / "objects")
    with Database(folder / "database.sqlite") as database:
        runs = database.runs
        repaired = runs.repair(is_alive, time.time())
        states = {run.id: run.state for run in runs.list_runs()}
        assert RunState.RUNNING not in states.values(), facts
        assert len(repaired) <= crashes, facts
        assert runs.repair(is_alive, time.time()) == [], facts
        for what, run_id, *digests in reported:
            assert run_id in states, facts
            if what == "end":
                assert states[run_id] is RunState.FINISHED, facts
            if what == "module":
                assert runs.find_results([digests[0]])[digests[0]][0] == run_id, facts
                assert [digest for digest in digests if not objects.has(digest)] == [], facts
        for run in repaired:
            left = {module.state for module in runs.list_modules(run.id)}
            assert left <= {ModuleState.FINISHED, ModuleState.INTERRUPTED}, facts
        missing = [digest for digest in runs.referenced_digests() if not objects.has(digest)]
        assert missing == [], facts
    assert list(objects.verify()) == [], facts
    objects.close()


@pytest.mark.parametrize("part", range(PARTS))
def test_kills_at_random_moments_lose_nothing(tmp_path: Path, part: int) -> None:
    seed = random.SystemRandom().randrange(2**32)
    moments = random.Random(seed)
    reported: list[list[str]] = []
    for crash in range(CRASHES // PARTS):
        said = crash_once(tmp_path, f"crash{crash}", moments.uniform(0, LONGEST_SECONDS))
        reported += said
        check_store(tmp_path, said, f"seed {seed}, part {part}, crash {crash}, reported: {said[-6:]}")
    check_store(tmp_path, reported, f"seed {seed}, part {part}, at the end")
    assert len([words for words in reported if words[0] == "module"]) >= CRASHES // PARTS


def test_a_store_that_is_opened_after_a_crash_at_its_making_works(tmp_path: Path) -> None:
    """The moments before the first line, while database and folders are made."""
    crashes = 3
    for crash in range(crashes):
        child = start_child("run_until_killed", tmp_path, f"early{crash}")
        time.sleep(0.5 + crash * 0.2)
        child.kill()
        child.communicate()
    check_store(tmp_path, [], "early crashes", crashes=crashes)
