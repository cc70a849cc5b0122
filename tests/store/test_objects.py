"""The contract of `ObjectStore`."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from estudio.errors import ObjectMissing

if TYPE_CHECKING:
    from estudio.store.protocols import ObjectStore

CONTENTS = [b"", b"x", b"hello\n" * 100, bytes(range(256)) * 8192]


@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_bytes_come_back_under_their_digest(objects: ObjectStore, content: bytes) -> None:
    digest = objects.put_bytes(content)
    assert digest == blake3(content).hexdigest()
    assert objects.read_bytes(digest, len(content) + 1) == content
    assert objects.path_of(digest).read_bytes() == content
    assert objects.has(digest)


@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_a_written_file_comes_back(objects: ObjectStore, content: bytes) -> None:
    def write(descriptor: int) -> None:
        for begin in range(0, len(content), 1 << 20):
            os.write(descriptor, content[begin : begin + (1 << 20)])

    assert objects.put_file(write) == objects.put_bytes(content)
    assert objects.read_bytes(blake3(content).hexdigest(), 1 << 30) == content


def test_many_come_back_in_order(objects: ObjectStore) -> None:
    digests = objects.put_many([b"b", b"a", b"b"])
    assert digests == [blake3(content).hexdigest() for content in (b"b", b"a", b"b")]
    assert [objects.read_bytes(digest, 9) for digest in digests] == [b"b", b"a", b"b"]
    assert objects.put_many([]) == []


def test_no_more_is_read_than_asked(objects: ObjectStore) -> None:
    assert objects.read_bytes(objects.put_bytes(b"0123456789"), 4) == b"0123"


@pytest.mark.parametrize("digest", ["00" * 32, "", "../../../etc/passwd", "AB" * 32, "0" * 63, "é" * 64])
def test_what_is_missing_is_named(objects: ObjectStore, digest: str) -> None:
    assert not objects.has(digest)
    objects.remove(digest)
    with pytest.raises(ObjectMissing, match="is missing"):
        objects.path_of(digest)
    with pytest.raises(ObjectMissing):
        objects.read_bytes(digest, 1)


def test_a_writer_that_fails_leaves_nothing(objects: ObjectStore) -> None:
    def write(descriptor: int) -> None:
        os.write(descriptor, b"half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        objects.put_file(write)
    assert list(objects.list_objects()) == []


def test_all_objects_are_listed_with_their_time(objects: ObjectStore) -> None:
    before = time.time() - 1
    digests = objects.put_many([b"abc", b"defgh"])
    listed = list(objects.list_objects())
    assert {(digest, size) for digest, size, _ in listed} == {(digests[0], 3), (digests[1], 5)}
    assert all(before <= used <= time.time() + 1 for _, _, used in listed)


def test_a_removed_object_is_gone(objects: ObjectStore) -> None:
    digest = objects.put_bytes(b"abc")
    objects.remove(digest)
    objects.remove(digest)
    assert not objects.has(digest)
    assert list(objects.list_objects()) == []
    assert objects.put_bytes(b"abc") == digest
    assert objects.has(digest)


def test_sound_objects_pass_the_verification(objects: ObjectStore) -> None:
    objects.put_many(CONTENTS)
    assert list(objects.verify()) == []


def test_many_threads_put_the_same_objects(objects: ObjectStore) -> None:
    contents = [str(number % 5).encode() * 20_000 for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(objects.put_bytes, contents))
    assert len(set(digests)) == 5
    assert [objects.read_bytes(digest, 1) for digest in digests] == [content[:1] for content in contents]
    assert len(list(objects.list_objects())) == 5
