"""What a run was made of, kept with it: documents, scripts, bundles, locks, digests of large files, versions.

A snapshot is a JSON object that names other objects by digest. Runs of the same things share one snapshot, so nothing
in it tells of one run alone: times, states and results stand in the run's record.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from estudio.errors import ObjectDamaged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from estudio.core.module_kind import Value
    from estudio.store.protocols import ObjectStore

SNAPSHOT_FORMAT = 1
MAX_SNAPSHOT_BYTES = 256 << 20
"""Of the JSON alone: a million files of a bundle."""
MAX_KEPT_BYTES = 4 << 30
"""Of one file; what is kept was written by us and is no larger than a file that is frozen."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that a run used. `is_kept`: its content is an object; otherwise only the digest is known."""

    digest: str
    size_bytes: int
    is_kept: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a run was made of.

    Attributes:
        experiment: the document's name.
        documents: workspace paths of documents to digests of their texts.
        files: workspace paths to files: scripts, files of bundles, datasets.
        folders: workspace paths that are folders, such as bundles; empty ones exist, too.
        environments: names or paths of environments to digests of what is known of them: spec, lock, versions.
        parameters: of the experiment, with what `--set` changed.
        seed: of modules without one of their own.
        targets: what was asked for; empty for all.
        versions: of estudio, Python, the kernel.
    """

    experiment: str
    documents: Mapping[str, str]
    files: Mapping[str, KeptFile] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    environments: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Value] = field(default_factory=dict)
    seed: int = 0
    targets: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def digests(self) -> frozenset[str]:
        """All objects that it names: as long as the run is kept, they are."""
        kept = {file.digest for file in self.files.values() if file.is_kept}
        return frozenset({*kept, *self.documents.values(), *self.environments.values()})


def save_snapshot(objects: ObjectStore, snapshot: Snapshot) -> str:
    """Keep a snapshot, whose objects are kept already; returns its digest. Raises StoreFailed."""
    body = {"format": SNAPSHOT_FORMAT, **asdict(snapshot)}
    return objects.put_bytes(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())


def load_snapshot(objects: ObjectStore, digest: str) -> Snapshot:
    """The snapshot of that digest.

    Raises:
        ObjectMissing: it is gone.
        ObjectDamaged: it is no snapshot, or one of a later version.
    """
    try:
        return _parse(json.loads(objects.read_bytes(digest, MAX_SNAPSHOT_BYTES)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ObjectDamaged(
            f"The snapshot {digest[:12]} cannot be read: {error}. The run's results are not touched by that; "
            "`estudio store verify` lists what is damaged.",
            digest=digest,
        ) from error


def check_out(objects: ObjectStore, snapshot: Snapshot, folder: Path) -> tuple[str, ...]:
    """Write documents and files of a snapshot below an empty folder.

    Returns:
        The paths of files that were too large to be kept: they are as they were only if their digest still is.

    Raises:
        StoreFailed: an object is gone or damaged.
        OSError: it cannot be written.
    """
    for path in snapshot.folders:
        (folder / path).mkdir(parents=True, exist_ok=True)
    kept = {path: file.digest for path, file in snapshot.files.items() if file.is_kept}
    for path, digest in {**kept, **snapshot.documents}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(objects.read_bytes(digest, MAX_KEPT_BYTES))
    return tuple(path for path, file in snapshot.files.items() if not file.is_kept)


def _parse(body: dict[str, Any]) -> Snapshot:
    if body.pop("format") != SNAPSHOT_FORMAT:
        raise ValueError("it was written by another version")
    files = {path: KeptFile(**file) for path, file in body.pop("files").items()}
    snapshot = Snapshot(files=files, folders=tuple(body.pop("folders")), targets=tuple(body.pop("targets")), **body)
    for path in (*snapshot.files, *snapshot.folders, *snapshot.documents):
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise ValueError(f"the path {path} leads out of the workspace")
    return snapshot
