"""The work of Select Columns in Dataset: by name, by type, by pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from estudio.errors import InvalidUsage
from estudio.modules.call_values import get_table, names_of, text_of
from estudio.modules.kinds.select_columns import TYPES
from estudio.tables import making
from estudio.tables.conversion import column_number
from estudio.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from estudio.modules.behaviour import ModuleCall, PortValue
    from estudio.tables.typenames import Arrow

    Matches = Callable[[Arrow], bool]


def _is_number(arrow: Arrow) -> bool:
    return bool(pa.types.is_integer(arrow) or pa.types.is_floating(arrow) or pa.types.is_decimal(arrow))


def _is_time(arrow: Arrow) -> bool:
    return bool(pa.types.is_temporal(arrow))


MATCHES: Mapping[str, Matches] = {
    "number": _is_number,
    "integer": lambda arrow: bool(pa.types.is_integer(arrow)),
    "text": lambda arrow: bool(pa.types.is_large_string(arrow)),
    "boolean": lambda arrow: bool(pa.types.is_boolean(arrow)),
    "datetime": _is_time,
    "category": lambda arrow: bool(pa.types.is_dictionary(arrow)),
}
"""Which types each group has."""


def select_columns(call: ModuleCall) -> Mapping[str, PortValue]:
    """Choose the columns. Raises InvalidDataset, InvalidUsage."""
    table = get_table(call, "dataset").to_arrow()
    settings = call.settings.settings
    named, types, pattern = names_of(settings, "columns"), names_of(settings, "types"), text_of(settings, "pattern")
    names: list[str] = table.schema.names
    chosen = [column_number(names, name) for name in named or ()]
    if types is not None:
        chosen += _of_types(table.schema, types)
    if pattern is not None:
        chosen += _matching(names, pattern)
    if named is None and types is None and pattern is None:
        chosen = list(range(len(names)))
    left_out = {column_number(names, name) for name in names_of(settings, "exclude") or ()}
    return {"results": Table(table.select([number for number in dict.fromkeys(chosen) if number not in left_out]))}


def _of_types(schema: pa.Schema, types: tuple[str, ...]) -> list[int]:
    unknown = next((name for name in types if name not in TYPES), None)
    if unknown is not None:
        raise InvalidUsage(f"{unknown[:80]!r} is no group of types. The groups are {', '.join(TYPES)}.", type=unknown)
    return [number for number, field in enumerate(schema) if any(MATCHES[name](field.type) for name in types)]


def _matching(names: list[str], pattern: str) -> list[int]:
    """By RE2, whose time grows with the text alone, whatever the pattern."""
    try:
        found: Arrow = pc.match_substring_regex(making.texts(names), f"^(?:{pattern})$")
    except pa.ArrowInvalid as error:
        raise InvalidUsage(f"The pattern {pattern[:80]!r} cannot be: {str(error)[:200]}.", pattern=pattern) from error
    return [number for number, matches in enumerate(found.to_pylist()) if matches]
