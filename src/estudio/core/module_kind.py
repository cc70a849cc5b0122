"""What an entry of the palette is: ports, parameters, words. What a kind does lies in `modules`.

A placed module may have more ports and parameters than its kind: those that its script declares (`ModuleShape`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
"""A setting as a document holds it."""


class PortType(StrEnum):
    """What passes through a port. Only equal types connect."""

    TABLE = "table"
    BUNDLE = "bundle"
    VISUALIZATION = "visualization"
    """Printed text and pictures; nothing takes them in."""


class ParameterType(StrEnum):
    """What a parameter's value must be."""

    STRING = "string"
    TEXT = "text"
    """Several lines."""
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    """One of `Parameter.choices`."""
    COLUMNS = "columns"
    """A list of column names, or one."""
    MAPPING = "mapping"
    """Names to texts, such as columns to types."""
    PATH = "path"
    """A file or folder of the workspace, relative to it, with `/`."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a module, or one parameter of an experiment or script.

    `default` is None where there is none; `required` says that a value must be given. The file of a `written` path
    need not be there: the module makes it.
    """

    name: str
    type: ParameterType
    words: str = ""
    default: Value = None
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    written: bool = False


@dataclass(frozen=True, slots=True)
class InputPort:
    """Where at most one connection ends. An `optional` port may stay unconnected."""

    name: str
    type: PortType
    words: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class OutputPort:
    """Where any number of connections begin."""

    name: str
    type: PortType
    words: str = ""


@dataclass(frozen=True, slots=True)
class ModuleShape:
    """The ports and parameters of one placed module.

    `script_parameters` are set under the module's own `parameters:`, the kind's parameters beside `kind:`.
    """

    inputs: tuple[InputPort, ...] = ()
    outputs: tuple[OutputPort, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    script_parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class ModuleKind:
    """An entry of the palette.

    Attributes:
        name: as documents write it, e.g. `split-rows`.
        version: raised whenever the same inputs may give another result; part of every cache key.
        title: its name for people, as the old system had it where it had one.
        words: one sentence on what it does.
        category: the heading it stands under.
        icon: the name of an icon of the Lucide set.
        shape: ports and parameters; a script adds its own.
        declares_more: whether a placed module's script can add ports and parameters.
        deterministic: whether the same inputs always give the same result.
    """

    name: str
    version: int
    title: str
    words: str
    category: str
    icon: str
    shape: ModuleShape = field(default_factory=ModuleShape)
    declares_more: bool = False
    deterministic: bool = True
