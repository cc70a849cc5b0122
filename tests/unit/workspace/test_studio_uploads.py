"""Uploads in blocks: given up after a day, bounded in number, whole under attack by threads."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from estudio.errors import InvalidDataset, ServiceBusy
from estudio.workspace import studio_uploads
from estudio.workspace.studio_uploads import ABANDONED_SECONDS, Uploads

if TYPE_CHECKING:
    from pathlib import Path


def test_an_abandoned_upload_is_removed_when_another_begins(tmp_path: Path) -> None:
    now = 1_000_000_000.0
    uploads = Uploads(tmp_path / "uploads", lambda: now)
    old, young = uploads.begin(), uploads.begin()
    uploads.put_block(old, 1, 0, b"x")
    os.utime(uploads.folder / old, (now, now - ABANDONED_SECONDS - 1))
    os.utime(uploads.folder / young, (now, now - ABANDONED_SECONDS + 1))
    uploads.begin()
    with pytest.raises(InvalidDataset, match="given up after 24 hours"):
        uploads.assemble(old, "x.csv")
    uploads.put_block(young, 1, 0, b"y")
    assert uploads.assemble(young, "x.csv").read_bytes() == b"y"


def test_uploads_are_bounded_in_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio_uploads, "MAX_OPEN_UPLOADS", 2)
    uploads = Uploads(tmp_path)
    first = uploads.begin()
    uploads.begin()
    with pytest.raises(ServiceBusy):
        uploads.begin()
    uploads.remove(first)
    uploads.begin()


def test_blocks_from_many_threads_are_all_there(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    upload = uploads.begin()
    with ThreadPoolExecutor(8) as pool:
        done = [
            pool.submit(uploads.put_block, upload, 40, number % 40, b"%02d" % (number % 40)) for number in range(80)
        ]
        for each in done:
            each.result()
    assert uploads.assemble(upload, "x.csv").read_bytes() == b"".join(b"%02d" % number for number in range(40))
    assert sorted(path.name for path in (tmp_path / upload).iterdir() if "." in path.name) == ["whole-x.csv"]


def test_of_two_first_blocks_one_decides_how_many_there_are(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    upload = uploads.begin()

    def put(count: int) -> bool:
        try:
            uploads.put_block(upload, count, 0, b"x")
        except InvalidDataset:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = [count for count, done in zip(range(1, 9), pool.map(put, range(1, 9)), strict=True) if done]
    assert len(won) == 1


@pytest.mark.parametrize("upload", ["", "..", "a" * 31, "A" * 32, "../" + "a" * 29, "a" * 32])
def test_only_ids_of_uploads_are_places(tmp_path: Path, upload: str) -> None:
    uploads = Uploads(tmp_path / "uploads")
    uploads.begin()
    with pytest.raises(InvalidDataset):
        uploads.put_block(upload, 1, 0, b"x")
    uploads.remove(upload)
    assert (tmp_path / "uploads").is_dir()
