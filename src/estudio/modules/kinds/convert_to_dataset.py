"""Convert to Dataset: says what means missing, what stands for missing, and which types columns have.

The steps come in this order: the placeholder becomes missing, text columns are looked at again, columns become the
types that are asked for, missing values are replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.module_kind import InputPort, ModuleKind, ModuleShape, OutputPort, Parameter, ParameterType, PortType
from estudio.modules.plain_kind import PlainKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.modules.behaviour import Behaviour, ModuleCall, PortValue
    from estudio.modules.kind_parts import KindParts

KIND = ModuleKind(
    name="convert-to-dataset",
    version=1,
    title="Convert to Dataset",
    words="Says what means missing in a table, what stands for missing, and which types its columns have.",
    category="Rows and columns",
    icon="table-2",
    shape=ModuleShape(
        inputs=(InputPort("dataset", PortType.TABLE, "the table"),),
        outputs=(OutputPort("results", PortType.TABLE, "the converted table"),),
        parameters=(
            Parameter("missing_placeholder", ParameterType.STRING, "a value that means missing, such as ?"),
            Parameter(
                "infer_types",
                ParameterType.BOOLEAN,
                "whether text columns that held the placeholder become numbers, booleans or times where all values are",
                default=True,
            ),
            Parameter("columns", ParameterType.MAPPING, "types of columns"),
            Parameter(
                "replace_missing", ParameterType.STRING, "a value for missing ones, in columns whose type has it"
            ),
        ),
    ),
)


def _convert_to_dataset(call: ModuleCall) -> Mapping[str, PortValue]:
    from estudio.modules.table_work.convert_to_dataset import convert_to_dataset  # noqa: PLC0415 -- imports Arrow, which reused results need not

    return convert_to_dataset(call)


def behaviour(parts: KindParts) -> Behaviour:  # noqa: ARG001 -- every kind is given them
    """The kind at work."""
    return PlainKind(KIND, _convert_to_dataset)
