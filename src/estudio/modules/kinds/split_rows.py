"""Split Data: some of the rows go to the first output, the others to the second, each in their old order.

Counts are exact: the fraction of the rows, rounded, in each class where the split is stratified.
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
    name="split-rows",
    version=1,
    title="Split Data",
    words="Divides the rows of a table into two tables, by chance or at one place.",
    category="Rows and columns",
    icon="split",
    shape=ModuleShape(
        inputs=(InputPort("dataset", PortType.TABLE, "the table to divide"),),
        outputs=(
            OutputPort("results1", PortType.TABLE, "the fraction"),
            OutputPort("results2", PortType.TABLE, "the other rows"),
        ),
        parameters=(
            Parameter(
                "fraction",
                ParameterType.NUMBER,
                "how much of the rows goes to the first output",
                default=0.5,
                minimum=0.0,
                maximum=1.0,
            ),
            Parameter("shuffle", ParameterType.BOOLEAN, "rows by chance; otherwise the first ones", default=True),
            Parameter(
                "seed", ParameterType.INTEGER, "another one draws other rows; the run's where none is given", minimum=0
            ),
            Parameter("stratify", ParameterType.STRING, "a column: the fraction is kept within each of its values"),
        ),
    ),
)


def _split_rows(call: ModuleCall) -> Mapping[str, PortValue]:
    from estudio.modules.table_work.split_rows import split_rows  # noqa: PLC0415 -- imports Arrow, which reused results need not

    return split_rows(call)


def behaviour(parts: KindParts) -> Behaviour:  # noqa: ARG001 -- every kind is given them
    """The kind at work."""
    return PlainKind(KIND, _split_rows)
