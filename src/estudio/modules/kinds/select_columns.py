"""Select Columns: keeps or leaves out columns by name, by type or by a pattern of their names.

What is named keeps the order in which it is named; what a type or a pattern chooses keeps the table's order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.module_kind import InputPort, ModuleKind, ModuleShape, OutputPort, Parameter, ParameterType, PortType
from estudio.modules.plain_kind import PlainKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.modules.behaviour import Behaviour, ModuleCall, PortValue
    from estudio.modules.kind_parts import KindParts

TYPES = ("number", "integer", "text", "boolean", "datetime", "category")
"""Groups of types that people think in; lists, bytes and empty columns are chosen by name."""

KIND = ModuleKind(
    name="select-columns",
    version=1,
    title="Select Columns in Dataset",
    words="Keeps some of a table's columns, by name, by type or by a pattern of their names.",
    category="Rows and columns",
    icon="columns-3",
    shape=ModuleShape(
        inputs=(InputPort("dataset", PortType.TABLE, "the table"),),
        outputs=(OutputPort("results", PortType.TABLE, "the chosen columns"),),
        parameters=(
            Parameter("columns", ParameterType.COLUMNS, "names of columns to keep, in this order"),
            Parameter("types", ParameterType.COLUMNS, f"keep columns of these types, too: {', '.join(TYPES)}"),
            Parameter(
                "pattern", ParameterType.STRING, "keep columns whose whole name matches this regular expression, too"
            ),
            Parameter("exclude", ParameterType.COLUMNS, "names of columns to leave out"),
        ),
    ),
)


def _select_columns(call: ModuleCall) -> Mapping[str, PortValue]:
    from estudio.modules.table_work.select_columns import select_columns  # noqa: PLC0415 -- imports Arrow, which reused results need not

    return select_columns(call)


def behaviour(parts: KindParts) -> Behaviour:  # noqa: ARG001 -- every kind is given them
    """The kind at work."""
    return PlainKind(KIND, _select_columns)
