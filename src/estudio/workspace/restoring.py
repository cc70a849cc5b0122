"""An earlier run as a workspace: its documents, scripts and bundles as they were, in a folder of their own.

The folder is a workspace, so the run can be repeated there. Files too large to be kept are not in it; they are named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.documents.workspace_settings import SETTINGS_FILE, new_workspace_settings
from estudio.engine.snapshot import check_out, load_snapshot
from estudio.errors import OutputFailed

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.core.run import RunRecord
    from estudio.store.protocols import ObjectStore


@dataclass(frozen=True, slots=True)
class RestoredRun:
    """Where a run's files were written, and which were too large to be kept."""

    run_id: str
    experiment: str
    folder: Path
    files: tuple[str, ...]
    missing: tuple[str, ...]


def restore_run(objects: ObjectStore, run: RunRecord, folder: Path) -> RestoredRun:
    """Write what a run was made of into an empty or new folder.

    Raises:
        OutputFailed: there is something in the folder, or it cannot be written.
        StoreFailed: what was kept is gone or damaged.
    """
    snapshot = load_snapshot(objects, run.snapshot)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OutputFailed(
                f"{folder} is not empty, and nothing there shall be overwritten. Name an empty or a new folder.",
                folder=str(folder),
            )
        missing = check_out(objects, snapshot, folder)
        if not (folder / SETTINGS_FILE).exists():
            (folder / SETTINGS_FILE).write_text(new_workspace_settings(), encoding="utf-8")
    except OSError as error:
        raise OutputFailed(f"{folder} cannot be written: {error.strerror or error}.", folder=str(folder)) from error
    written = tuple(sorted({*snapshot.documents, *(name for name, file in snapshot.files.items() if file.is_kept)}))
    return RestoredRun(run.id, run.experiment, folder, written, missing)
