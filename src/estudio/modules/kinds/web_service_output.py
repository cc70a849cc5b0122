"""Web Service Output: the table that a published experiment answers with; in a run it passes through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.module_kind import InputPort, ModuleKind, ModuleShape, OutputPort, Parameter, ParameterType, PortType
from estudio.modules.call_values import get_table
from estudio.modules.plain_kind import PlainKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.modules.behaviour import Behaviour, ModuleCall, PortValue
    from estudio.modules.kind_parts import KindParts

KIND = ModuleKind(
    name="web-service-output",
    version=1,
    title="Web service output",
    words="The table that the experiment answers with once it is a web service.",
    category="Web service",
    icon="log-out",
    shape=ModuleShape(
        inputs=(InputPort("dataset", PortType.TABLE, "the answer"),),
        outputs=(OutputPort("results", PortType.TABLE, "the same"),),
        parameters=(Parameter("name", ParameterType.STRING, "what callers call it", default="output1"),),
    ),
)


def answer(call: ModuleCall) -> Mapping[str, PortValue]:
    """Pass the table through. Raises InvalidUsage."""
    return {"results": get_table(call, "dataset")}


def behaviour(parts: KindParts) -> Behaviour:  # noqa: ARG001 -- every kind is given them
    """The kind at work."""
    return PlainKind(KIND, answer)
