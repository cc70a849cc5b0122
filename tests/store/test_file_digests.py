"""Digests of workspace files: remembered while a file looks the same, never when it may have changed unseen."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from estudio.errors import InvalidBundle, InvalidInput
from estudio.store import file_digests
from estudio.store.file_digests import MAX_BUNDLE_DEPTH, RACY_SECONDS, FileDigests

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.store.database import Database

LATER = 100.0
"""So much after now that no digest is racy."""


def digest(content: bytes) -> str:
    return blake3(content).hexdigest()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def digests(database: Database, root: Path) -> FileDigests:
    return FileDigests(database.connections, root, clock=lambda: time.time() + LATER)


def change_unseen(path: Path, content: bytes) -> None:
    """Other bytes behind the same look, which only the remembered digest can hide."""
    with path.open("r+b") as file:
        file.write(content)


def pretend_unchanged(database: Database, path: Path, name: str) -> None:
    """Remember the new look with the old digest."""
    status = path.stat()
    look = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
    with database.connections.writing() as connection:
        connection.exec_driver_sql("UPDATE file_digests SET stamp = ? WHERE path = ?", (" ".join(map(str, look)), name))


def test_digests_are_those_of_the_contents(digests: FileDigests, root: Path) -> None:
    (root / "a.csv").write_bytes(b"a,b\n1,2\n")
    (root / "empty").touch()
    assert digests.digests_of(["a.csv", "missing", "empty", "a.csv", "a.csv/below"]) == {
        "a.csv": digest(b"a,b\n1,2\n"),
        "empty": digest(b""),
    }
    assert digests.digests_of([]) == {}


def test_a_digest_is_remembered(digests: FileDigests, database: Database, root: Path) -> None:
    path = root / "a.csv"
    path.write_bytes(b"before")
    digests.digests_of(["a.csv"])
    change_unseen(path, b"after!")
    pretend_unchanged(database, path, "a.csv")
    assert digests.digests_of(["a.csv"]) == {"a.csv": digest(b"before")}


@pytest.mark.parametrize("change", ["size", "mtime", "inode", "ctime"])
def test_every_change_of_look_is_seen(digests: FileDigests, root: Path, change: str) -> None:
    path = root / "a.csv"
    path.write_bytes(b"before")
    before = path.stat()
    digests.digests_of(["a.csv"])
    if change == "size":
        path.write_bytes(b"longer than before")
    elif change == "inode":
        (root / "other").write_bytes(b"after!")
        (root / "other").rename(path)
    else:
        time.sleep(0.02)
        change_unseen(path, b"after!")
    if change != "mtime":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert digests.digests_of(["a.csv"]) == {"a.csv": digest(path.read_bytes())}


def test_a_racy_digest_is_not_trusted(database: Database, root: Path) -> None:
    path = root / "a.csv"
    path.write_bytes(b"before")
    racy = FileDigests(database.connections, root, clock=lambda: path.stat().st_mtime + RACY_SECONDS - 0.5)
    racy.digests_of(["a.csv"])
    change_unseen(path, b"after!")
    pretend_unchanged(database, path, "a.csv")
    assert racy.digests_of(["a.csv"]) == {"a.csv": digest(b"after!")}


def test_many_files_are_asked_at_once(digests: FileDigests, root: Path) -> None:
    names = [f"file {number}" for number in range(1500)]
    for name in names:
        (root / name).write_text(name)
    assert digests.digests_of(names) == digests.digests_of(names) == {name: digest(name.encode()) for name in names}


@pytest.mark.parametrize("name", [".", "pipe"])
def test_what_is_no_file_is_refused(digests: FileDigests, root: Path, name: str) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(InvalidInput, match="it is no regular file"):
        digests.digests_of([name])


def bundle(root: Path, name: str = "bundle") -> Path:
    folder = root / name
    (folder / "package").mkdir(parents=True)
    (folder / "package" / "__init__.py").write_text("x = 1\n")
    (folder / "top.py").write_text("y = 2\n")
    return folder


def test_equal_bundles_have_equal_digests(digests: FileDigests, root: Path) -> None:
    bundle(root)
    copy = bundle(root, "copy")
    (copy / "package" / "__pycache__").mkdir()
    (copy / "package" / "__pycache__" / "x.pyc").touch()
    (copy / "empty").mkdir()
    assert digests.digest_of_bundle("bundle") == digests.digest_of_bundle("copy")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "top.py").write_text("y = 3\n"),
        lambda folder: (folder / "top.py").rename(folder / "other.py"),
        lambda folder: (folder / "top.py").rename(folder / "package" / "top.py"),
        lambda folder: (folder / ".hidden").write_text("z"),
        lambda folder: (folder / "top.py").unlink(),
        lambda folder: (folder / os.fsdecode(b"\xff")).write_text(""),
    ],
)
def test_every_change_of_a_bundle_changes_its_digest(digests: FileDigests, root: Path, change: object) -> None:
    folder = bundle(root)
    before = digests.digest_of_bundle("bundle")
    assert callable(change)
    change(folder)
    assert digests.digest_of_bundle("bundle") != before


@pytest.mark.parametrize("target", ["top.py", "/etc/passwd", "..", "nowhere"])
def test_a_symbolic_link_in_a_bundle_is_refused(digests: FileDigests, root: Path, target: str) -> None:
    (bundle(root) / "link").symlink_to(target)
    with pytest.raises(InvalidBundle, match="link is a symbolic link"):
        digests.digest_of_bundle("bundle")


def test_a_bundle_that_is_none_is_refused(digests: FileDigests, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidBundle, match="cannot be read: No such file"):
        digests.digest_of_bundle("missing")
    deep = bundle(root)
    for _ in range(MAX_BUNDLE_DEPTH + 1):
        deep = deep / "d"
        deep.mkdir()
    (deep / "file").touch()
    with pytest.raises(InvalidBundle, match="nested more than"):
        digests.digest_of_bundle("bundle")
    bundle(root, "many")
    monkeypatch.setattr(file_digests, "MAX_BUNDLE_FILES", 1)
    with pytest.raises(InvalidBundle, match="has more than 1 files"):
        digests.digest_of_bundle("many")
