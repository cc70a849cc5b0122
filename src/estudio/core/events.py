"""What happens during a run, as values: the terminal, JSON lines and later the studio all show these.

Events of states are stored with the state, in one transaction; output lines are not stored (the log is).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from estudio.core.run import ModuleRun, RunRecord


@dataclass(frozen=True, slots=True)
class RunChanged:
    """A run began or ended. `modules`: the names of all modules, when it began."""

    run: RunRecord
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModuleChanged:
    """A module of a run moved to another state."""

    run_id: str
    module_run: ModuleRun


@dataclass(frozen=True, slots=True)
class ModuleOutput:
    """Text that a running script printed, as it came."""

    run_id: str
    module: str
    text: str


Event: TypeAlias = RunChanged | ModuleChanged | ModuleOutput
