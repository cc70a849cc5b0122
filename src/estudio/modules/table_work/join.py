"""The work of Join Data: pairs of rows become rows of both tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from estudio.errors import InvalidUsage
from estudio.modules.call_values import flag_of, get_table, names_of, text_of
from estudio.modules.joining import KeyPair, comparable, find_matches
from estudio.modules.kinds.join import JoinType
from estudio.tables.conversion import column_number
from estudio.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.module_kind import Value
    from estudio.modules.behaviour import ModuleCall, PortValue
    from estudio.modules.joining import Matches
    from estudio.tables.typenames import Arrow

_arrow: Any = pa


def join(call: ModuleCall) -> Mapping[str, PortValue]:
    """Join the tables. Raises InvalidDataset, InvalidUsage."""
    settings = call.settings.settings
    left, right = get_table(call, "left").to_arrow(), get_table(call, "right").to_arrow()
    pairs = _pairs(left, right, settings)
    kind = JoinType(text_of(settings, "type") or JoinType.INNER)
    matches = find_matches(
        pairs,
        case_sensitive=flag_of(settings, "case_sensitive") is not False,
        match_missing=flag_of(settings, "match_missing") is True,
        with_lonely_right=keeps_right(kind),
    )
    if kind in (JoinType.SEMI, JoinType.ANTI):
        kept: Arrow = matches.lonely_left if kind is JoinType.ANTI else pc.invert(matches.lonely_left)
        return {"results": Table.from_arrow(left.filter(kept))}
    left_rows, right_rows = _rows(matches, kind)
    keep_keys = flag_of(settings, "keep_right_keys") is True
    right_names = {pair.right_name for pair in pairs}
    columns = {} if keep_keys or not keeps_right(kind) else {pair.left_name: pair for pair in pairs}
    arrays = [
        _filled_key(columns[name], left_rows, right_rows) if name in columns else left.column(name).take(left_rows)
        for name in left.schema.names
    ]
    kept_names = [name for name in right.schema.names if keep_keys or name not in right_names]
    arrays += [right.column(name).take(right_rows) for name in kept_names]
    return {"results": Table.from_arrow(pa.table(arrays, names=[*left.schema.names, *kept_names]))}


def keeps_right(kind: JoinType) -> bool:
    """Whether rows of the right table stay that have no partner."""
    return kind in (JoinType.RIGHT, JoinType.FULL)


def _pairs(left: pa.Table, right: pa.Table, settings: Mapping[str, Value]) -> list[KeyPair]:
    same = names_of(settings, "keys") or ()
    left_names = (*same, *(names_of(settings, "left_keys") or ()))
    right_names = (*same, *(names_of(settings, "right_keys") or ()))
    if not left_names or len(left_names) != len(right_names):
        raise InvalidUsage(
            f"The left table has {len(left_names)} keys, the right one {len(right_names)}. Give `keys`, or as many "
            "`left_keys` as `right_keys`.",
            left=len(left_names),
            right=len(right_names),
        )
    return [
        KeyPair(
            first,
            second,
            left.column(column_number(left.schema.names, first)),
            right.column(column_number(right.schema.names, second)),
        )
        for first, second in zip(left_names, right_names, strict=True)
    ]


def _rows(matches: Matches, kind: JoinType) -> tuple[Arrow, Arrow]:
    """Row numbers of both tables for each row of the result, missing where there is no partner."""
    left, right = matches.left, matches.right
    if kind in (JoinType.LEFT, JoinType.FULL):
        lonely: Arrow = pc.indices_nonzero(matches.lonely_left).cast(pa.int64())
        left = _arrow.concat_arrays([left, lonely])
        right = _arrow.concat_arrays([right, pa.nulls(len(lonely), pa.int64())])
        order = pc.array_sort_indices(left)
        left, right = left.take(order), right.take(order)
    if keeps_right(kind):
        lonely = pc.indices_nonzero(matches.lonely_right).cast(pa.int64())
        left = _arrow.concat_arrays([left, pa.nulls(len(lonely), pa.int64())])
        right = _arrow.concat_arrays([right, lonely])
    return left, right


def _filled_key(pair: KeyPair, left_rows: Arrow, right_rows: Arrow) -> Arrow:
    """The left table's key, and the right one's in rows that the left table has not."""
    left, right = pair.left, pair.right
    if left.type != right.type:
        first, second = comparable(pair)
        left, right = pa.chunked_array([first]), pa.chunked_array([second])
    both: Arrow = pa.chunked_array([*left.chunks, *right.chunks], left.type)
    if pa.types.is_dictionary(both.type):
        both = both.unify_dictionaries()
    shifted = pc.add(right_rows, pa.nulls(1, pa.int64()).fill_null(len(left))[0])
    return both.take(pc.if_else(pc.is_valid(left_rows), left_rows, shifted))
