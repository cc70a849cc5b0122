"""Snapshots: what a run was made of comes back whole, and an edit while it runs changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from estudio.engine.frozen_files import FrozenFiles
from estudio.engine.references import referenced_digests
from estudio.engine.repair import new_run_folder, new_run_id, repair
from estudio.engine.snapshot import Snapshot, check_out, load_snapshot, save_snapshot
from estudio.errors import InvalidInput, ObjectDamaged
from estudio.store.memory import MemoryRuns
from estudio.store.objects import ObjectFolder, digest_of_path
from tests.unit.engine.doubles import run_record

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.core.run import Owner


@pytest.fixture
def objects(tmp_path: Path) -> ObjectFolder:
    return ObjectFolder(tmp_path / "objects")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts" / "rank.py").write_text("old\n")
    (folder / "bundles" / "helpers" / "__pycache__").mkdir(parents=True)
    (folder / "bundles" / "helpers" / "shapes.py").write_text("x = 1\n")
    (folder / "bundles" / "helpers" / "__pycache__" / "shapes.pyc").write_bytes(b"compiled")
    return folder


def frozen(workspace: Path) -> FrozenFiles:
    return FrozenFiles(workspace.__truediv__, workspace.parent / "frozen", digest_of_path)


def test_an_edit_while_it_runs_is_not_seen(workspace: Path) -> None:
    with frozen(workspace) as files:
        assert files("scripts/rank.py").read_text() == "old\n"
        assert files("bundles/helpers").is_dir()
        (workspace / "scripts" / "rank.py").write_text("new\n")
        (workspace / "bundles" / "helpers" / "shapes.py").write_text("x = 2\n")
        assert files("scripts/rank.py").read_text() == "old\n"
        assert (files("bundles/helpers") / "shapes.py").read_text() == "x = 1\n"
        assert not (files("bundles/helpers") / "__pycache__").exists()
    assert not (workspace.parent / "frozen").exists()


def test_a_snapshot_is_checked_out_as_it_was(workspace: Path, objects: ObjectFolder, tmp_path: Path) -> None:
    document = objects.put_bytes(b"estudio: 1\n")
    with frozen(workspace) as files:
        files("scripts/rank.py")
        files("bundles/helpers")
        kept, folders = files.keep(objects)
    snapshot = Snapshot("pima", {"experiments/pima.yaml": document}, kept, folders, parameters={"trees": 5})
    digest = save_snapshot(objects, snapshot)
    assert load_snapshot(objects, digest) == snapshot
    assert save_snapshot(objects, snapshot) == digest
    assert check_out(objects, snapshot, tmp_path / "out") == ()
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert found == ["bundles/helpers/shapes.py", "experiments/pima.yaml", "scripts/rank.py"]
    assert (tmp_path / "out" / "scripts" / "rank.py").read_text() == "old\n"


def test_a_large_file_is_used_in_place_and_may_not_change(workspace: Path, objects: ObjectFolder) -> None:
    large = workspace / "large.csv"
    large.write_text("a,b\n" * 10)
    with FrozenFiles(workspace.__truediv__, workspace.parent / "frozen", digest_of_path, large_bytes=10) as files:
        assert files("large.csv") == large
        kept, _ = files.keep(objects)
        assert not kept["large.csv"].is_kept
        assert kept["large.csv"].digest == digest_of_path(large)
        assert Snapshot("x", {}, kept).digests == frozenset()
        large.write_text("a,b\n" * 11)
        with pytest.raises(InvalidInput, match=r"large\.csv was changed while it was used"):
            files("large.csv")


def test_a_file_that_is_not_there_is_named(workspace: Path) -> None:
    with frozen(workspace) as files, pytest.raises(InvalidInput, match=r"scripts/none\.py cannot be read"):
        files("scripts/none.py")


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b"no",
        b'{"format":2}',
        b'{"format":1,"experiment":"x","documents":{"../../etc/x":""},"files":{},"folders":[],"targets":[]}',
        b'{"format":1,"experiment":"x","documents":{},"files":{},"folders":["/etc"],"targets":[]}',
    ],
)
def test_what_is_no_snapshot_is_refused(objects: ObjectFolder, content: bytes) -> None:
    with pytest.raises(ObjectDamaged, match="The snapshot"):
        load_snapshot(objects, objects.put_bytes(content))


def test_what_snapshots_name_is_referred_to(workspace: Path, objects: ObjectFolder) -> None:
    from dataclasses import replace

    with frozen(workspace) as files:
        files("scripts/rank.py")
        kept, folders = files.keep(objects)
    digest = save_snapshot(objects, Snapshot("pima", {}, kept, folders))
    runs = MemoryRuns()
    runs.add_run(replace(run_record(), snapshot=digest), [])
    runs.add_run(run_record(2), [])  # its snapshot is gone
    assert referenced_digests(runs, objects) >= {digest, kept["scripts/rank.py"].digest}


def test_runs_and_folders_of_the_dead_are_repaired(tmp_path: Path) -> None:
    runs = MemoryRuns()
    runs.add_run(run_record(), [])
    mine = new_run_folder(tmp_path)
    dead = tmp_path / "1234567_99_some-boot_abcd"
    dead.mkdir()
    other = tmp_path / "something-else"
    other.mkdir()

    def alive(owner: Owner) -> bool:
        return owner.pid != 1234567 and owner.boot != "boot"

    assert [run.state.value for run in repair(runs, tmp_path, 5.0, alive)] == ["interrupted"]
    assert sorted(tmp_path.iterdir()) == sorted([mine, other])
    assert repair(runs, tmp_path, 6.0, alive) == []


def test_ids_sort_by_time() -> None:
    assert new_run_id(0.0425).startswith("19700101-000000-042-")
    assert new_run_id(1000.5) < new_run_id(1000.502) < new_run_id(1001.0)
