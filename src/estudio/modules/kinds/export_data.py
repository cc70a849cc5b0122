"""Export Data: writes a table into a file of the workspace, whole or not at all, whenever it is asked to.

Its result is a side effect, so it is never reused: the file may have been removed or changed meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from estudio.core.module_kind import InputPort, ModuleKind, ModuleShape, Parameter, ParameterType, PortType
from estudio.errors import InvalidInput, OutputFailed
from estudio.modules.behaviour import ModuleOutcome
from estudio.modules.call_values import get_table, text_of
from estudio.tables.formats import file_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from estudio.core.experiment import Module
    from estudio.modules.behaviour import Behaviour, ModuleCall, Settings
    from estudio.modules.kind_parts import KindParts

KIND = ModuleKind(
    name="export-data",
    version=1,
    title="Export Data",
    words="Writes a table into a file of the workspace.",
    category="Data",
    icon="file-output",
    shape=ModuleShape(
        inputs=(InputPort("dataset", PortType.TABLE, "the table to write"),),
        parameters=(
            Parameter(
                "path",
                ParameterType.PATH,
                "the file to write, in the workspace; its suffix says the format",
                required=True,
                written=True,
            ),
        ),
    ),
    deterministic=False,
)


@dataclass(frozen=True, slots=True)
class ExportDataKind:
    """The kind at work."""

    parts: KindParts

    @property
    def kind(self) -> ModuleKind:
        """Its description."""
        return KIND

    def shape(self, module: Module, files: Callable[[str], Path]) -> ModuleShape:  # noqa: ARG002 -- the protocol's
        """The kind's own; sees that the suffix is known. Raises InvalidInput."""
        path = text_of(module.settings, "path")
        if path is not None and "${" not in path:
            file_kind(PurePosixPath(path), None, InvalidInput)
        return KIND.shape

    def dependencies(
        self,
        module: Module,  # noqa: ARG002 -- the protocol's, as those below
        settings: Settings,  # noqa: ARG002
        files: Callable[[str], Path],  # noqa: ARG002
    ) -> Mapping[str, str]:
        """Nothing: it is executed each time."""
        return {}

    def execute(self, call: ModuleCall) -> ModuleOutcome:
        """Write it. Raises OutputFailed."""
        from estudio.tables.writing import write_table  # noqa: PLC0415 -- imports Arrow, which reused results need not

        path = text_of(call.settings.settings, "path") or ""
        target = self.parts.export_path(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputFailed(f"The folder of {path} cannot be made: {error.strerror}.", path=path) from error
        write_table(get_table(call, "dataset"), target)
        return ModuleOutcome(facts={"path": path, "bytes": target.stat().st_size})


def behaviour(parts: KindParts) -> Behaviour:
    """The kind at work."""
    return ExportDataKind(parts)
