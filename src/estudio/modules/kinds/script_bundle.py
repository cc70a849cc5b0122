"""Script Bundle: a zip file or a folder of helper modules and data, for the third port of a script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.module_kind import ModuleKind, ModuleShape, OutputPort, Parameter, ParameterType, PortType
from estudio.modules.behaviour import BundleFile, ModuleOutcome
from estudio.modules.call_values import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from estudio.core.experiment import Module
    from estudio.modules.behaviour import Behaviour, ModuleCall, Settings
    from estudio.modules.kind_parts import KindParts

KIND = ModuleKind(
    name="script-bundle",
    version=1,
    title="Script Bundle",
    words="Helper modules and data files for a script, from a zip file or a folder.",
    category="Data",
    icon="package",
    shape=ModuleShape(
        outputs=(OutputPort("bundle", PortType.BUNDLE, "for the port bundle of a script"),),
        parameters=(Parameter("path", ParameterType.PATH, "a zip file or a folder of the workspace", required=True),),
    ),
)


@dataclass(frozen=True, slots=True)
class ScriptBundleKind:
    """The kind at work."""

    parts: KindParts

    @property
    def kind(self) -> ModuleKind:
        """Its description."""
        return KIND

    def shape(self, module: Module, files: Callable[[str], Path]) -> ModuleShape:  # noqa: ARG002 -- the protocol's
        """The kind's own."""
        return KIND.shape

    def dependencies(
        self,
        module: Module,  # noqa: ARG002 -- the protocol's
        settings: Settings,
        files: Callable[[str], Path],
    ) -> Mapping[str, str]:
        """The content. Raises InvalidInput."""
        return {"path": self.parts.file_digest(files(text_of(settings.settings, "path") or ""))}

    def execute(self, call: ModuleCall) -> ModuleOutcome:
        """Find it. Raises InvalidInput."""
        path = call.files(text_of(call.settings.settings, "path") or "")
        return ModuleOutcome({"bundle": BundleFile(path, self.parts.file_digest(path))})


def behaviour(parts: KindParts) -> Behaviour:
    """The kind at work."""
    return ScriptBundleKind(parts)
