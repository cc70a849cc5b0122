"""What every module kind does, as one protocol: its shape, what its result depends on, and its execution.

One file per kind holds one implementation; `modules.registry` lists them. None of them knows of runs or of the store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from estudio.core.experiment import Module
    from estudio.core.module_kind import ModuleKind, ModuleShape, Value
    from estudio.core.outcome import ScriptError, Timings, Visualization
    from estudio.tables.table import Table


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A bundle that passes through a port: the path of its zip or folder, which does not change while it is used."""

    path: Path
    digest: str


PortValue: TypeAlias = "Table | BundleFile | Visualization"


@dataclass(frozen=True, slots=True)
class Settings:
    """A module's settings with all links resolved and defaults filled in; every value has passed its parameter."""

    settings: Mapping[str, Value]
    parameters: Mapping[str, Value] = field(default_factory=dict)
    """Of the script."""


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """One execution.

    Attributes:
        module: as placed.
        settings: resolved.
        inputs: by port name; unconnected ones are missing.
        files: opens a file or folder of the snapshot by its workspace path.
        seed: for whatever is random.
        on_output: called with what a script prints, as it prints it.
    """

    module: Module
    settings: Settings
    inputs: Mapping[str, PortValue]
    files: Callable[[str], Path]
    seed: int
    on_output: Callable[[bytes], None] | None = None


@dataclass(frozen=True, slots=True)
class ModuleOutcome:
    """What came of one execution: an output for every port that gave one, or the author's error."""

    outputs: Mapping[str, PortValue] = field(default_factory=dict)
    log: str = ""
    error: ScriptError | None = None
    cancelled: bool = False
    timings: Timings | None = None
    facts: Mapping[str, str | float | None] = field(default_factory=dict)


class Behaviour(Protocol):
    """A module kind at work."""

    @property
    def kind(self) -> ModuleKind:
        """Its description."""
        ...

    def shape(self, module: Module, files: Callable[[str], Path]) -> ModuleShape:
        """Ports and parameters of one placed module: the kind's own, and what its script declares.

        Raises:
            InvalidInput: a file that it reads for that is missing or broken.
        """
        ...

    def dependencies(self, module: Module, settings: Settings, files: Callable[[str], Path]) -> Mapping[str, str]:
        """What the result depends on beside kind, inputs, parameters and seed: names to digests or short texts.

        For a script: `script` (a digest without comments and formatting), `environment`, `calling`.

        Raises:
            InvalidInput: a file that it needs is missing or broken.
            EnvironmentFailed: its environment cannot be found.
        """
        ...

    def execute(self, call: ModuleCall) -> ModuleOutcome:
        """Do it. Any thread may call it, several at a time.

        Raises:
            EstudioError: bad input and our own failures; what an author's script did wrong is in the outcome.
        """
        ...
