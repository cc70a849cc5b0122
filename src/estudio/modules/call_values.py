"""Reads settings and inputs of a call by type. The document's check has been passed: what is here has its type.

None stands for a setting that is not set and has no default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from estudio.errors import InvalidUsage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.module_kind import Value
    from estudio.modules.behaviour import ModuleCall
    from estudio.tables.table import Table

    Settings = Mapping[str, Value]


def text_of(settings: Settings, name: str) -> str | None:
    """A text, a choice or a path."""
    value = settings.get(name)
    return None if value is None else str(value)


def flag_of(settings: Settings, name: str) -> bool | None:
    """Yes or no."""
    value = settings.get(name)
    return None if value is None else bool(value)


def number_of(settings: Settings, name: str) -> float | None:
    """A number; a whole one stays whole."""
    value = settings.get(name)
    return None if value is None else cast("float", value)


def names_of(settings: Settings, name: str) -> tuple[str, ...] | None:
    """Column names: a list, or one alone."""
    value = settings.get(name)
    if value is None:
        return None
    return tuple(str(each) for each in value) if isinstance(value, list) else (str(value),)


def mapping_of(settings: Settings, name: str) -> dict[str, str]:
    """Names to texts; empty where it is not set."""
    value = settings.get(name)
    return {key: str(each) for key, each in value.items()} if isinstance(value, dict) else {}


def find_table(call: ModuleCall, port: str) -> Table | None:
    """The table at an input port, None where nothing is connected."""
    from estudio.tables.table import Table  # noqa: PLC0415 -- imports Arrow, which reused results need not

    value = call.inputs.get(port)
    return value if isinstance(value, Table) else None


def get_table(call: ModuleCall, port: str) -> Table:
    """The table at an input port that needs a connection. Raises InvalidUsage."""
    table = find_table(call, port)
    if table is None:
        raise InvalidUsage(
            f"The input {port} of {call.module.name} has no table. Connect one.", module=call.module.name, port=port
        )
    return table
