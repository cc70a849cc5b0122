"""Files that old clients upload for their jobs, by account (an endpoint's id), container and name; and the signing key.

Names come from outside and never become paths: a file's path is a digest of its name. An upload is copied into its job
when that is made, so replacing or losing the file later changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
import time
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from estudio.core.job import JobFile, JobFileKind
from estudio.errors import StoreDiskFull, StoreFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estudio.workspace.folder import WorkspaceFolder

INPUT_FORMATS = ("csv", "tsv", "nh.csv", "nh.tsv", "arff", "parquet", "arrow", "jsonl", "xlsx")
"""Suffixes that an input may have; the first five are the old system's."""
OUTPUT_FORMATS = ("csv", "tsv", "arff", "parquet", "arrow", "jsonl", "xlsx")
KEEP_SECONDS = 14 * 24 * 3600
"""How long an upload waits for its job: two weeks, as nobody is asked to remove them."""
MAX_FILES = 1_000
"""Uploads of one endpoint at one time: enough for hundreds of jobs, and no way to fill the disk with names."""
CHUNK_BYTES = 1 << 20
SECRET_BYTES = 32
DATASETS = "datasets"
_ACCOUNT = re.compile(r"[0-9a-f]{32}")


class WorkspaceBlobs:
    """The uploads of one workspace. Any thread and process may use it; a file is there whole or not at all."""

    def __init__(self, folder: WorkspaceFolder) -> None:
        self._root = folder.root
        self._place = folder.state / "blobs"

    def secret(self) -> bytes:
        """The key that signs addresses of files: made once, readable by the owner alone. Raises StoreFailed."""
        path = self._place / "signing-key"
        try:
            if not path.exists():
                self._place.mkdir(parents=True, exist_ok=True)
                self._make_secret(path)
            secret = path.read_bytes()
        except OSError as error:
            raise StoreFailed(f"The key that signs file addresses cannot be kept: {error.strerror}.") from error
        if len(secret) != SECRET_BYTES:
            raise StoreFailed(f"{path} is damaged; remove it, and a new one is made. Addresses given out end then.")
        return secret

    def put(self, account: str, container: str, name: str, source: IO[bytes]) -> None:
        """Keep a file, instead of one of that name. Raises StoreFailed, StoreDiskFull where there are too many."""
        folder = self._folder(account)
        path = folder / _file_name(container, name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if _count_after_removing_old(folder) >= MAX_FILES and not path.exists():
                raise StoreDiskFull(
                    f"This endpoint has {MAX_FILES} uploads, its most; they are removed after "
                    f"{KEEP_SECONDS // 86_400} days. Use the same names again, or upload fewer files.",
                )
            self._write(path, source)
        except OSError as error:
            raise StoreFailed(f"The upload {container}/{name} cannot be kept: {error.strerror}.") from error

    def find(self, account: str, container: str, name: str) -> Path | None:
        """Where an upload lies; None where there is none."""
        path = self._folder(account) / _file_name(container, name)
        return path if path.is_file() else None

    def find_dataset(self, name: str) -> JobFile | None:
        """A file of the workspace's `datasets/`, by its path below it; None where there is none, or it leads out."""
        relative = PurePosixPath(name)
        if relative.is_absolute() or ".." in relative.parts or "\0" in name:
            return None
        place = self._root / DATASETS
        path = place / relative
        if not path.is_file() or not path.resolve().is_relative_to(place.resolve()):
            return None
        return JobFile(JobFileKind.WORKSPACE, f"{DATASETS}/{relative}", format_of(name, INPUT_FORMATS))

    def _folder(self, account: str) -> Path:
        if not _ACCOUNT.fullmatch(account):
            raise ValueError(f"{account!r} is no endpoint's id")
        return self._place / account

    def _make_secret(self, path: Path) -> None:
        """Whoever links first wins: several processes may start at once."""
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(SECRET_BYTES))
                file.flush()
                os.fsync(file.fileno())
            os.link(fresh, path)
        except FileExistsError:
            return
        finally:
            fresh.unlink()

    def _write(self, path: Path, source: IO[bytes]) -> None:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            try:
                for chunk in chunks_of(source):
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise


def chunks_of(source: IO[bytes]) -> Iterator[bytes]:
    """A file's bytes in parts."""
    while chunk := source.read(CHUNK_BYTES):
        yield chunk


def format_of(name: str, formats: tuple[str, ...]) -> str:
    """The format that a file's name ends with, the longest that fits; "" where it is none of them."""
    lower = name.lower()
    return next((each for each in sorted(formats, key=len, reverse=True) if lower.endswith(f".{each}")), "")


def _file_name(container: str, name: str) -> str:
    return hashlib.sha256(f"{container}/{name}".encode()).hexdigest()


def _count_after_removing_old(folder: Path) -> int:
    oldest = time.time() - KEEP_SECONDS
    count = 0
    for entry in os.scandir(folder):
        if entry.stat().st_mtime < oldest:
            Path(entry.path).unlink(missing_ok=True)
        else:
            count += 1
    return count
