"""A large file of the workspace is read once, and again when it looks different."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from estudio.core.run import ReasonCode, RunState
from estudio.engine.frozen_files import LARGE_FILE_BYTES
from estudio.modules.file_digests import digest_of
from estudio.workspace.experiments import WorkspaceExperiment
from estudio.workspace.folder import find_workspace
from estudio.workspace.open import REMEMBERED_BYTES, WorkspaceParts

from .making import make_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from estudio.core.run import Reason

LATER = 100.0
"""So much after now that a digest is trusted: a file of this very moment may still change unseen."""
NAME = "datasets/large.csv"
DOCUMENT = f"""estudio: 1
name: A large file
modules:
  large: {{kind: dataset, dataset: {NAME}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = make_workspace(tmp_path / "work space")
    (folder / "experiments" / "large.yaml").write_text(DOCUMENT)
    return folder


@pytest.fixture
def parts(folder: Path) -> Iterator[WorkspaceParts]:
    made = WorkspaceParts(find_workspace(folder), clock=lambda: time.time() + LATER)
    yield made
    made.close()


def write_row(path: Path, number: int) -> None:
    """A table of one row, and so many blank lines that the file is used where it lies."""
    with path.open("r+b" if path.exists() else "xb") as file:
        file.write(b"number,half\n%d,0.5\n" % number + b"\n" * LARGE_FILE_BYTES)


def believe_unchanged(parts: WorkspaceParts, path: Path) -> None:
    """Let the database say that the digest which it has is of the file as it looks now: only reading shows more."""
    status = path.stat()
    look = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
    with parts.database.connections.writing() as connection:
        changed = connection.exec_driver_sql("UPDATE file_digests SET stamp = ?", (" ".join(map(str, look)),))
        assert changed.rowcount == 1


def run(parts: WorkspaceParts) -> Reason:
    done = WorkspaceExperiment(parts, parts.folder.experiment_path("large")).run()
    assert done.record.state is RunState.FINISHED
    reason = done["large"].reason
    assert reason is not None
    return reason


def test_a_run_reads_a_large_dataset_once_and_again_when_it_changed(parts: WorkspaceParts) -> None:
    path = parts.folder.root / NAME
    write_row(path, 1)
    assert run(parts).code is ReasonCode.FIRST
    write_row(path, 2)
    believe_unchanged(parts, path)
    assert run(parts).code is ReasonCode.REUSED
    write_row(path, 2)
    assert run(parts).code is ReasonCode.CHANGED


def test_digests_are_remembered_where_that_pays_and_are_those_of_the_content(parts: WorkspaceParts) -> None:
    root = parts.folder.root
    small, large, copy = root / "datasets" / "towns.csv", root / "datasets" / "more.csv", root / ".estudio" / "copy.csv"
    outside = root.parent / "outside.csv"
    _ = parts.database
    for path in (large, copy, outside):
        path.write_bytes(b"x" * REMEMBERED_BYTES)
    for path in (small, large, copy, outside, root / "datasets"):
        assert parts.file_digest(path) == digest_of(path)
    with parts.database.connections.reading() as connection:
        remembered = connection.exec_driver_sql("SELECT path, digest FROM file_digests").all()
    assert [tuple(row) for row in remembered] == [("datasets/more.csv", digest_of(large))]


def test_a_digest_alone_opens_no_database(parts: WorkspaceParts) -> None:
    path = parts.folder.root / "datasets" / "more.csv"
    path.write_bytes(b"x" * REMEMBERED_BYTES)
    assert parts.file_digest(path) == digest_of(path)
    assert not parts.folder.state.exists()
