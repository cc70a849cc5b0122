"""A module kind without a script: ports and parameters are the kind's own, and its work is one function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.modules.behaviour import ModuleOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from estudio.core.experiment import Module
    from estudio.core.module_kind import ModuleKind, ModuleShape
    from estudio.modules.behaviour import ModuleCall, PortValue, Settings


@dataclass(frozen=True, slots=True)
class PlainKind:
    """A kind at work whose result depends on its inputs and settings alone.

    Attributes:
        kind: its description.
        work: from a call to its outputs; raises EstudioError.
    """

    kind: ModuleKind
    work: Callable[[ModuleCall], Mapping[str, PortValue]]

    def shape(self, module: Module, files: Callable[[str], Path]) -> ModuleShape:  # noqa: ARG002 -- the protocol's
        """The kind's own."""
        return self.kind.shape

    def dependencies(
        self,
        module: Module,  # noqa: ARG002 -- the protocol's, as those below
        settings: Settings,  # noqa: ARG002
        files: Callable[[str], Path],  # noqa: ARG002
    ) -> Mapping[str, str]:
        """Nothing more."""
        return {}

    def execute(self, call: ModuleCall) -> ModuleOutcome:
        """Do it. Raises EstudioError."""
        return ModuleOutcome(self.work(call))
