"""Files of a snapshot as a loaded version sees them: written into a private folder when they are first asked for.

What the workspace's files are now is never looked at.
"""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING

from estudio.core.parameter_values import normal_path
from estudio.engine.snapshot import MAX_KEPT_BYTES
from estudio.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.engine.snapshot import Snapshot
    from estudio.store.protocols import ObjectStore


class SnapshotFiles:
    """Opens files and folders of a snapshot: `files("scripts/rank.py")` is a path. Any thread may call it.

    Args:
        objects: where their content is.
        snapshot: what there is.
        folder: a new folder of this version alone.
    """

    def __init__(self, objects: ObjectStore, snapshot: Snapshot, folder: Path) -> None:
        self._objects = objects
        self._snapshot = snapshot
        self._folder = folder
        self._lock = threading.Lock()
        self._written: dict[str, Path] = {}

    def __call__(self, path: str) -> Path:
        """Where the file or folder lies.

        Raises:
            InvalidInput: the snapshot has no such file, or it was too large to be kept.
            StoreFailed: its content is gone or damaged.
        """
        with self._lock:
            if path not in self._written:
                self._written[path] = self._write(normal_path(path))
            return self._written[path]

    def close(self) -> None:
        """Delete what was written."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write(self, path: str) -> Path:
        files = self._snapshot.files
        names = {normal_path(name): name for name in files}
        if path in names:
            found = {path: files[names[path]]}
        elif path in {normal_path(name) for name in self._snapshot.folders}:
            found = {inner: files[name] for inner, name in names.items() if inner.startswith(f"{path}/")}
            (self._folder / path).mkdir(parents=True, exist_ok=True)
        else:
            raise InvalidInput(
                f"{path} was not used when the web service was published, so it has no such file. Publish it again.",
                path=path,
            )
        for inner, file in found.items():
            if not file.is_kept:
                raise InvalidInput(
                    f"{inner} is too large to be kept with a web service; make a dataset of it.", path=path
                )
            target = self._folder / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._objects.read_bytes(file.digest, MAX_KEPT_BYTES))
        return self._folder / path
