"""Web Service Input: where a caller's table enters a published experiment; in a run its default takes that place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.module_kind import InputPort, ModuleKind, ModuleShape, OutputPort, Parameter, ParameterType, PortType
from estudio.errors import InvalidUsage
from estudio.modules.call_values import find_table
from estudio.modules.plain_kind import PlainKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.modules.behaviour import Behaviour, ModuleCall, PortValue
    from estudio.modules.kind_parts import KindParts

KIND = ModuleKind(
    name="web-service-input",
    version=1,
    title="Web service input",
    words="Where a caller's table enters the experiment once it is a web service.",
    category="Web service",
    icon="log-in",
    shape=ModuleShape(
        inputs=(
            InputPort("default", PortType.TABLE, "the table that a run uses instead of a caller's", optional=True),
        ),
        outputs=(OutputPort("results", PortType.TABLE, "the caller's table, or the default"),),
        parameters=(Parameter("name", ParameterType.STRING, "what callers call it", default="input1"),),
    ),
)


def enter(call: ModuleCall) -> Mapping[str, PortValue]:
    """Pass the default through. Raises InvalidUsage where there is none."""
    table = find_table(call, "default")
    if table is None:
        raise InvalidUsage(
            f"{call.module.name} has no table outside a web service: connect one to its port `default`.",
            module=call.module.name,
        )
    return {"results": table}


def behaviour(parts: KindParts) -> Behaviour:  # noqa: ARG001 -- every kind is given them
    """The kind at work."""
    return PlainKind(KIND, enter)
