"""The object store as a folder: names, permissions, crashes, damage, copies, other processes."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import resource
import shutil
import stat
import time
from pathlib import Path

import pytest
from blake3 import blake3

from estudio.core.run import Owner
from estudio.errors import ObjectDamaged, StoreDiskFull, StoreFailed
from estudio.store.incoming import ABANDONED_SECONDS, write_all
from estudio.store.journal import MAX_JOURNAL_BYTES, SMALL_BYTES, read_journal
from estudio.store.objects import ObjectFolder
from estudio.store.owners import this_process
from tests.store.children import run_children

SMALL, LARGE = b"small", b"large" * SMALL_BYTES


@pytest.fixture
def store(tmp_path: Path) -> ObjectFolder:
    return ObjectFolder(tmp_path)


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_the_name_holds_digest_and_size(store: ObjectFolder, content: bytes) -> None:
    digest = store.put_bytes(content)
    path = store.path_of(digest)
    assert path.relative_to(store.folder) == Path(digest[:2], f"{digest[2:]}-{len(content)}")
    assert stat.S_IMODE(path.stat().st_mode) & 0o222 == 0


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_what_is_there_is_not_written_again(store: ObjectFolder, content: bytes) -> None:
    path = store.path_of(store.put_bytes(content))
    before = path.stat().st_ino
    store.put_bytes(content)
    store.put_file(lambda descriptor: write_all(descriptor, content))
    assert path.stat().st_ino == before
    assert list((store.folder / "incoming").iterdir()) == []


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_truncated_object_is_noticed_and_mended(store: ObjectFolder, content: bytes) -> None:
    digest = store.put_bytes(content)
    path = store.path_of(digest)
    path.chmod(0o644)
    os.truncate(path, 3)
    assert not store.has(digest)
    assert list(store.verify()) == [digest]
    for use in (store.path_of, lambda digest: store.read_bytes(digest, 10)):
        with pytest.raises(ObjectDamaged, match=f"it has 3 bytes, not {len(content)}"):
            use(digest)
    assert store.put_bytes(content) == digest
    assert store.read_bytes(digest, len(LARGE)) == content
    assert list(store.verify()) == []


def test_changed_bytes_of_the_same_number_are_found_by_verify(store: ObjectFolder) -> None:
    good, bad = store.put_many([b"good one", b"bad one"])
    path = store.path_of(bad)
    path.chmod(0o644)
    path.write_bytes(b"BAD ONE")
    assert list(store.verify()) == [bad]
    assert store.has(good)


def test_another_process_sees_what_was_put_after_it_looked(store: ObjectFolder) -> None:
    other = ObjectFolder(store.folder)
    digest = blake3(SMALL).hexdigest()
    assert not other.has(digest)
    store.put_bytes(SMALL)
    assert other.has(digest)


def test_a_use_is_recorded_once_in_a_while(store: ObjectFolder) -> None:
    digest = store.put_bytes(SMALL)
    path = store.path_of(digest)
    os.utime(path, (1.0, 1.0))
    assert store.has(digest)
    used = path.stat().st_mtime
    assert used > time.time() - 60
    store.path_of(digest)
    assert path.stat().st_mtime == used


@pytest.mark.parametrize("make", [lambda: os.memfd_create("table"), lambda: os.open("source", os.O_RDWR | os.O_CREAT)])
@pytest.mark.parametrize("content", [b"", SMALL, LARGE * 40], ids=len)
def test_a_descriptor_is_copied_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: object, content: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    store = ObjectFolder(tmp_path / "objects")
    assert callable(make)
    source = make()
    try:
        os.write(source, content)
        os.lseek(source, 2, os.SEEK_SET)
        digest = store.put_descriptor(source)
        assert os.lseek(source, 0, os.SEEK_CUR) == 2
    finally:
        os.close(source)
    assert store.path_of(digest).read_bytes() == content


def test_a_full_disk_is_named(store: ObjectFolder) -> None:
    def write(_: int) -> None:
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"x")

    with pytest.raises(StoreDiskFull, match="There is no room left") as caught:
        store.put_file(write)
    assert "estudio store prune" in caught.value.message
    assert list((store.folder / "incoming").iterdir()) == []


def test_a_place_that_cannot_be_is_named() -> None:
    with pytest.raises(StoreFailed, match="cannot be used"):
        ObjectFolder(Path("/dev/null/objects"))


def test_files_of_the_dead_are_swept(tmp_path: Path) -> None:
    incoming = ObjectFolder(tmp_path).folder / "incoming"
    me, long_ago = this_process(), time.time() - ABANDONED_SECONDS - 1
    dead = Owner(me.pid, "1", me.boot)
    names = {
        f"{dead.pid}_{dead.started}_{dead.boot}_1": long_ago,
        f"{dead.pid}_{dead.started}_{dead.boot}_2": time.time(),
        f"{me.pid}_{me.started}_{me.boot}_3": long_ago,
        "stray": long_ago,
    }
    for name, changed in names.items():
        (incoming / name).touch()
        os.utime(incoming / name, (changed, changed))
    ObjectFolder(tmp_path)
    assert sorted(path.name.rpartition("_")[2] for path in incoming.iterdir()) == ["2", "3"]


def crash(folder: Path, digests: list[str]) -> None:
    """What a power failure may leave of files that were not synced: nothing, or a name without bytes."""
    for number, digest in enumerate(digests):
        (path,) = (folder / digest[:2]).glob(f"{digest[2:]}-*")
        path.unlink()
        if number % 2:
            path.touch()


def test_small_objects_outlive_a_power_failure(tmp_path: Path) -> None:
    before = ObjectFolder(tmp_path)
    contents = [f"content {number}".encode() for number in range(6)]
    digests = [*before.put_many(contents[:4]), *map(before.put_bytes, contents[4:])]
    before.close()
    crash(tmp_path, digests)
    after = ObjectFolder(tmp_path)
    assert [after.read_bytes(digest, 100) for digest in digests] == contents
    assert list(after.verify()) == []
    assert list((tmp_path / "journal").iterdir()) == []
    assert list((tmp_path / "incoming").iterdir()) == []


def test_the_journal_of_the_living_is_left_alone(tmp_path: Path) -> None:
    living = ObjectFolder(tmp_path)
    living.put_bytes(SMALL)
    other = ObjectFolder(tmp_path)
    assert len(list((tmp_path / "journal").iterdir())) == 1
    other.put_bytes(b"another")
    assert len(list((tmp_path / "journal").iterdir())) == 2


def test_a_torn_journal_gives_what_is_whole(tmp_path: Path) -> None:
    store = ObjectFolder(tmp_path)
    first, second = store.put_many([b"first", b"second"])
    store.close()
    (journal,) = (tmp_path / "journal").iterdir()
    os.truncate(journal, journal.stat().st_size - 1)
    assert [digest for digest, _ in read_journal(journal)] == [first]
    crash(tmp_path, [first])
    shutil.copy(journal, tmp_path / "journal" / "torn-too")
    os.truncate(tmp_path / "journal" / "torn-too", 7)
    after = ObjectFolder(tmp_path)
    assert after.read_bytes(first, 9) == b"first"
    assert after.has(second)
    assert list((tmp_path / "journal").iterdir()) == []


def test_a_disk_that_was_full_for_a_while_hides_nothing(tmp_path: Path) -> None:
    store = ObjectFolder(tmp_path)
    digests = [store.put_bytes(b"1" * 10_000)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, before[1]))
    try:
        with pytest.raises(StoreDiskFull):
            store.put_bytes(b"2" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    digests += [store.put_bytes(b"2" * 10_000), store.put_bytes(b"3" * 10_000)]
    store.close()
    crash(tmp_path, digests)
    after = ObjectFolder(tmp_path)
    assert [after.read_bytes(digest, 1) for digest in digests] == [b"1", b"2", b"3"]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_a_journal_of_its_own(tmp_path: Path) -> None:
    store = ObjectFolder(tmp_path)
    digest = store.put_bytes(b"parent")
    context = multiprocessing.get_context("fork")
    child = context.Process(target=store.put_bytes, args=(b"child",))
    child.start()
    child.join()
    assert child.exitcode == 0
    found = {content for path in (tmp_path / "journal").iterdir() for _, content in read_journal(path)}
    assert found == {b"parent", b"child"}
    assert store.has(digest)


def test_a_long_journal_is_begun_anew(tmp_path: Path) -> None:
    store = ObjectFolder(tmp_path)
    part = [os.urandom(SMALL_BYTES) for _ in range(64)]
    for number in range(MAX_JOURNAL_BYTES // SMALL_BYTES // 64 + 2):
        store.put_many([number.to_bytes() + content[1:] for content in part])
    (journal,) = (tmp_path / "journal").iterdir()
    assert journal.stat().st_size < MAX_JOURNAL_BYTES
    assert list(store.verify()) == []


def test_a_journal_that_is_not_closed_is_settled_once_its_process_is_dead(tmp_path: Path) -> None:
    store = ObjectFolder(tmp_path)
    digest = store.put_bytes(SMALL)
    (journal,) = (tmp_path / "journal").iterdir()
    with journal.open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(store._journal._descriptor)  # as the kernel does at its end
    ObjectFolder(tmp_path)
    assert not journal.exists()
    store._journal._pid = 0
    assert store.has(digest)


def test_two_processes_put_the_same_objects(tmp_path: Path) -> None:
    run_children("put_same_objects", tmp_path, 2)
    store = ObjectFolder(tmp_path / "objects")
    assert len(list(store.list_objects())) == 60
    assert list(store.verify()) == []
    assert list((store.folder / "incoming").iterdir()) == []
