"""Dataset: a table from a file of the workspace, or one that was saved under a name.

What has a `/` or ends like a table file is a path; anything else is a name, with or without `@VERSION`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from estudio.core.module_kind import ModuleKind, ModuleShape, OutputPort, Parameter, ParameterType, PortType
from estudio.errors import InvalidDataset
from estudio.modules.behaviour import ModuleOutcome
from estudio.modules.call_values import flag_of, mapping_of, text_of
from estudio.tables.formats import GZIP, file_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from estudio.core.experiment import Module
    from estudio.core.module_kind import Value
    from estudio.modules.behaviour import Behaviour, ModuleCall, Settings
    from estudio.modules.kind_parts import DatasetFile, KindParts
    from estudio.tables.reading import ReadingOptions

LINK = "${"
"""A setting that is linked to an experiment's parameter is not known before the run."""

KIND = ModuleKind(
    name="dataset",
    version=1,
    title="Dataset",
    words="A table from a file of the workspace, or from a dataset that was saved under a name.",
    category="Data",
    icon="database",
    shape=ModuleShape(
        outputs=(OutputPort("dataset", PortType.TABLE, "the table"),),
        parameters=(
            Parameter(
                "dataset",
                ParameterType.STRING,
                "a file's path in the workspace, or a dataset's NAME or NAME@VERSION",
                required=True,
            ),
            Parameter("columns", ParameterType.MAPPING, "types of columns, where they are not to be inferred"),
            Parameter("header", ParameterType.BOOLEAN, "whether the first row holds the names; for CSV and TSV"),
            Parameter("delimiter", ParameterType.STRING, "what stands between values; for CSV and TSV"),
            Parameter("encoding", ParameterType.STRING, "of a text file that is not UTF-8, such as latin-1"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class DatasetKind:
    """The kind at work."""

    parts: KindParts

    @property
    def kind(self) -> ModuleKind:
        """Its description."""
        return KIND

    def shape(self, module: Module, files: Callable[[str], Path]) -> ModuleShape:
        """The kind's own; sees that the dataset is there. Raises InvalidInput."""
        reference = text_of(module.settings, "dataset")
        if reference is not None and LINK not in reference:
            self._find(reference, module.settings, files)
        return KIND.shape

    def dependencies(
        self,
        module: Module,  # noqa: ARG002 -- the protocol's
        settings: Settings,
        files: Callable[[str], Path],
    ) -> Mapping[str, str]:
        """The content of the file: where it lies is no matter. Raises InvalidInput."""
        reference = text_of(settings.settings, "dataset") or ""
        found = self._find(reference, settings.settings, files)
        if found is None:
            return {"dataset": self.parts.file_digest(files(reference)), "format": _format(reference)}
        return {"dataset": found.digest, "format": found.format or ""}

    def execute(self, call: ModuleCall) -> ModuleOutcome:
        """Read it. Raises InvalidInput, InvalidUsage."""
        from estudio.tables.reading import read_table_as  # noqa: PLC0415 -- imports Arrow, which reused results need not

        settings = call.settings.settings
        reference = text_of(settings, "dataset") or ""
        found = self._find(reference, settings, call.files)
        path, format_ = (call.files(reference), _format(reference)) if found is None else (found.path, found.format)
        table = read_table_as(path, options_of(settings), format=format_)
        return ModuleOutcome({"dataset": table}, facts={"rows": table.row_count, "columns": table.column_count})

    def _find(self, reference: str, settings: Mapping[str, Value], files: Callable[[str], Path]) -> DatasetFile | None:
        """Where a registered dataset lies; None for a file of the workspace, which is there."""
        if is_path(reference):
            files(reference)
            return None
        changed = any(settings.get(name) is not None for name in ("columns", "header", "delimiter", "encoding"))
        return self.parts.datasets.find_dataset(reference, original=changed)


def _format(reference: str) -> str:
    """By the path in the workspace, wherever the snapshot keeps the file. Raises InvalidDataset."""
    kind = file_kind(PurePosixPath(reference), None, InvalidDataset)
    return kind.format.value + (GZIP if kind.gzip else "")


def is_path(reference: str) -> bool:
    """Whether it is the path of a file, not a dataset's name."""
    if "/" in reference:
        return True
    try:
        file_kind(PurePosixPath(reference), None, InvalidDataset)
    except InvalidDataset:
        return False
    return True


def options_of(settings: Mapping[str, Value]) -> ReadingOptions:
    """How the settings say that a file is read."""
    from estudio.tables.reading import ReadingOptions  # noqa: PLC0415 -- imports Arrow, which reused results need not

    return ReadingOptions(
        header=flag_of(settings, "header"),
        delimiter=text_of(settings, "delimiter"),
        encoding=text_of(settings, "encoding"),
        columns=mapping_of(settings, "columns"),
    )


def behaviour(parts: KindParts) -> Behaviour:
    """The kind at work."""
    return DatasetKind(parts)
