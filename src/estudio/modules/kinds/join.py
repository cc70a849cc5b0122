"""Join Data: puts the columns of two tables side by side where their keys are equal.

Rows keep the left table's order; missing keys are equal to nothing unless it is asked for.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from estudio.core.module_kind import InputPort, ModuleKind, ModuleShape, OutputPort, Parameter, ParameterType, PortType
from estudio.modules.plain_kind import PlainKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.modules.behaviour import Behaviour, ModuleCall, PortValue
    from estudio.modules.kind_parts import KindParts


class JoinType(enum.StrEnum):
    """Which rows are kept."""

    INNER = "inner"
    """Those that have a partner."""
    LEFT = "left"
    """All of the left table."""
    RIGHT = "right"
    """All of the right table."""
    FULL = "full"
    """All of both."""
    SEMI = "semi"
    """Rows of the left table that have a partner, each once, without the right columns."""
    ANTI = "anti"
    """Rows of the left table that have none."""


KIND = ModuleKind(
    name="join",
    version=1,
    title="Join Data",
    words="Puts the columns of two tables side by side where their keys are equal.",
    category="Rows and columns",
    icon="merge",
    shape=ModuleShape(
        inputs=(
            InputPort("left", PortType.TABLE, "the table whose order is kept"),
            InputPort("right", PortType.TABLE, "the table that is looked up"),
        ),
        outputs=(OutputPort("results", PortType.TABLE, "the joined table"),),
        parameters=(
            Parameter("keys", ParameterType.COLUMNS, "columns that both tables have"),
            Parameter("left_keys", ParameterType.COLUMNS, "columns of the left table, where the names differ"),
            Parameter("right_keys", ParameterType.COLUMNS, "columns of the right table, in the same order"),
            Parameter(
                "type",
                ParameterType.CHOICE,
                "which rows are kept",
                default=JoinType.INNER.value,
                choices=tuple(each.value for each in JoinType),
            ),
            Parameter("case_sensitive", ParameterType.BOOLEAN, "whether A and a are different keys", default=True),
            Parameter(
                "match_missing", ParameterType.BOOLEAN, "whether a missing key equals another one", default=False
            ),
            Parameter(
                "keep_right_keys", ParameterType.BOOLEAN, "whether the right table's keys stay, too", default=False
            ),
        ),
    ),
)


def _join(call: ModuleCall) -> Mapping[str, PortValue]:
    from estudio.modules.table_work.join import join  # noqa: PLC0415 -- imports Arrow, which reused results need not

    return join(call)


def behaviour(parts: KindParts) -> Behaviour:  # noqa: ARG001 -- every kind is given them
    """The kind at work."""
    return PlainKind(KIND, _join)
