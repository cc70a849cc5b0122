"""The graph that a person edits: modules, their settings, and what is connected to what.

A value without positions or comments: where something stands in the document is `documents`' business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.module_kind import Parameter, Value

DOCUMENT_VERSION = 1
"""The `estudio:` field of an experiment document."""


@dataclass(frozen=True, slots=True)
class OutputReference:
    """An output port of a module, written `MODULE` (its first output) or `MODULE.PORT` in documents."""

    module: str
    port: str

    def __str__(self) -> str:
        return f"{self.module}.{self.port}"


@dataclass(frozen=True, slots=True)
class Module:
    """One module placed on an experiment.

    Attributes:
        name: its name in the document: letters, digits, `_` and `-`.
        kind: the kind's name.
        settings: the kind's parameters that are set, by name; `${NAME}` links are still in place.
        parameters: the script's own parameters that are set, alike.
        connections: for each connected input port, where its data comes from.
        comment: the author's words on it.
        deterministic: False opts out of reuse.
    """

    name: str
    kind: str
    settings: Mapping[str, Value] = field(default_factory=dict)
    parameters: Mapping[str, Value] = field(default_factory=dict)
    connections: Mapping[str, OutputReference] = field(default_factory=dict)
    comment: str = ""
    deterministic: bool = True


@dataclass(frozen=True, slots=True)
class Experiment:
    """A whole graph. Modules keep the order of the document; it has no meaning but for people."""

    name: str
    modules: Mapping[str, Module]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    description: str = ""
