"""One module as a run will handle it: resolved settings, what it depends on, what stands before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from estudio.core.experiment import Module
    from estudio.core.module_kind import ModuleKind, ModuleShape
    from estudio.modules.behaviour import Behaviour, Settings


@dataclass(frozen=True, slots=True)
class PreparedModule:
    """A module of a valid document with its kind at work, its shape, and its settings resolved."""

    module: Module
    behaviour: Behaviour
    shape: ModuleShape
    settings: Settings


@dataclass(frozen=True, slots=True)
class PlannedModule:
    """The same with what its result depends on beside its inputs: `dependencies` and `seed`."""

    module: Module
    behaviour: Behaviour
    shape: ModuleShape
    settings: Settings
    dependencies: Mapping[str, str]
    seed: int

    @property
    def name(self) -> str:
        """Its name in the document."""
        return self.module.name

    @property
    def kind(self) -> ModuleKind:
        """What it is."""
        return self.behaviour.kind

    @property
    def may_reuse(self) -> bool:
        """Whether an earlier result may stand for a new one."""
        return self.module.deterministic and self.kind.deterministic

    @property
    def upstream(self) -> tuple[str, ...]:
        """The modules that it takes something from, each once."""
        return tuple(dict.fromkeys(reference.module for reference in self.module.connections.values()))


def planned_module(prepared: PreparedModule, files: Callable[[str], Path], seed: int) -> PlannedModule:
    """A prepared module with its dependencies. A setting `seed` of its own comes before the run's.

    Raises:
        InvalidInput: a file that it needs is missing or broken.
        EnvironmentFailed: its environment cannot be found.
    """
    own = prepared.settings.settings.get("seed")
    dependencies = prepared.behaviour.dependencies(prepared.module, prepared.settings, files)
    return PlannedModule(
        prepared.module,
        prepared.behaviour,
        prepared.shape,
        prepared.settings,
        dependencies,
        own if isinstance(own, int) and not isinstance(own, bool) else seed,
    )
