"""What a command does before it runs anything: it ends runs whose process is gone, and sweeps what these left behind.

Nothing finished is touched: results are found by their keys in the next run.
"""

from __future__ import annotations

import secrets
import shutil
import time
from typing import TYPE_CHECKING

from estudio.core.run import Owner
from estudio.store.owners import is_alive, this_process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from estudio.core.run import RunRecord
    from estudio.store.protocols import RunRepository

_PARTS = 4


def new_run_id(at: float) -> str:
    """An id that sorts by the time of start, such as `20260819-101530-042-k3f9`: UTC, and four random signs."""
    begin = time.strftime("%Y%m%d-%H%M%S", time.gmtime(at))
    return f"{begin}-{int(at * 1000) % 1000:03}-{secrets.token_hex(2)}"


def new_run_folder(folder: Path) -> Path:
    """A new folder for the files of one run of this process; its name tells whose it is. Raises OSError."""
    owner = this_process()
    made = folder / f"{owner.pid}_{owner.started}_{owner.boot}_{secrets.token_hex(4)}"
    made.mkdir(parents=True)
    return made


def repair(
    runs: RunRepository, run_folders: Path, at: float, alive: Callable[[Owner], bool] = is_alive
) -> list[RunRecord]:
    """End runs that nobody executes any more as interrupted, and delete the folders of dead processes.

    Args:
        runs: where runs are recorded.
        run_folders: where `new_run_folder` makes them.
        at: now, in seconds since the epoch.
        alive: whether an owner still lives.

    Returns:
        The runs that were interrupted, for the person to be told.

    Raises:
        StoreFailed: the records cannot be read or changed.
    """
    repaired = runs.repair(alive, at)
    sweep_folders(run_folders, alive)
    return repaired


def sweep_folders(folders: Path, alive: Callable[[Owner], bool] = is_alive) -> None:
    """Delete the folders of dead processes among those that `new_run_folder` made here."""
    if folders.is_dir():
        for folder in folders.iterdir():
            owner = _owner_of(folder.name)
            if owner is not None and not alive(owner):
                shutil.rmtree(folder, ignore_errors=True)


def _owner_of(name: str) -> Owner | None:
    parts = name.split("_")
    if len(parts) != _PARTS or not parts[0].isdecimal():
        return None
    return Owner(int(parts[0]), parts[1], parts[2])
