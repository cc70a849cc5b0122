"""Pruning: the plan as a value, and that what is in use survives its execution."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from estudio.errors import ObjectMissing
from estudio.store.objects import TOUCH_SECONDS, ObjectFolder
from estudio.store.prune import GRACE_SECONDS, PrunedObject, PrunePlan, execute_prune, prune_plan

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.store.protocols import ObjectStore

NOW = 1_000_000.0
OLD = NOW - GRACE_SECONDS - 1


def make_old(store: ObjectFolder, digest: str) -> None:
    """As if nobody had used it for a long time."""
    long_ago = time.time() - 2 * GRACE_SECONDS
    os.utime(store.path_of(digest), (long_ago, long_ago))


def test_the_plan_says_what_goes_and_what_stays() -> None:
    objects = [("kept", 5, OLD), ("small", 1, OLD), ("recent", 7, NOW), ("large", 9, OLD), ("edge", 2, OLD + 1)]
    assert prune_plan(objects, {"kept", "lost"}, NOW) == PrunePlan(
        remove=(PrunedObject("large", 9), PrunedObject("small", 1)),
        used_before=NOW - GRACE_SECONDS,
        kept_count=1,
        kept_bytes=5,
        recent_count=2,
        recent_bytes=9,
        missing=("lost",),
    )
    assert prune_plan(objects, {"kept"}, NOW).remove_bytes == 10


def test_an_empty_store_has_nothing_to_prune() -> None:
    assert prune_plan([], set(), NOW) == PrunePlan((), NOW - GRACE_SECONDS)


def test_the_grace_covers_many_touches() -> None:
    assert GRACE_SECONDS > 10 * TOUCH_SECONDS


def test_an_execution_removes_what_was_planned(objects: ObjectStore) -> None:
    kept, gone = objects.put_many([b"kept", b"gone"])
    plan = prune_plan(objects.list_objects(), {kept}, time.time() + 10, grace_seconds=1)
    assert execute_prune(objects, plan) == (PrunedObject(gone, 4),)
    assert objects.has(kept)
    assert not objects.has(gone)
    assert execute_prune(objects, plan) == ()


@pytest.mark.parametrize("use", ["has", "path_of", "put_bytes"])
def test_what_was_used_since_the_plan_stays(tmp_path: Path, use: str) -> None:
    store = ObjectFolder(tmp_path)
    digest = store.put_bytes(b"content")
    make_old(store, digest)
    plan = prune_plan(store.list_objects(), set(), time.time())
    assert [each.digest for each in plan.remove] == [digest]
    getattr(store, use)(b"content" if use == "put_bytes" else digest)
    assert execute_prune(store, plan) == ()
    assert store.read_bytes(digest, 100) == b"content"


def test_no_use_is_lost_to_a_prune_at_the_same_time(tmp_path: Path) -> None:
    """Who is told that an object is there finds it there, however prunes come in between."""
    store, pruning = ObjectFolder(tmp_path), ObjectFolder(tmp_path)
    digest = store.put_bytes(b"content")
    for _ in range(150):
        store.put_bytes(b"content")
        make_old(store, digest)
        plan = prune_plan(pruning.list_objects(), set(), time.time())
        thread = threading.Thread(target=execute_prune, args=(pruning, plan))
        thread.start()
        was_there = store.has(digest)
        thread.join()
        assert store.has(digest) or not was_there


def test_a_removed_object_is_missing_for_other_processes_too(tmp_path: Path) -> None:
    store, other = ObjectFolder(tmp_path), ObjectFolder(tmp_path)
    digest = store.put_bytes(b"content")
    assert other.has(digest)
    make_old(store, digest)
    assert execute_prune(store, prune_plan(store.list_objects(), set(), time.time()))
    with pytest.raises(ObjectMissing):
        other.path_of(digest)
    assert list((tmp_path / "incoming").iterdir()) == []
