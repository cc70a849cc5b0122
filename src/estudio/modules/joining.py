"""Which rows of two tables belong together: row numbers only, so that every type of column survives a join.

Rows come in the left table's order, and the partners of one row in the right table's; rows of the right table without
a partner come last, in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from estudio.errors import InvalidDataset
from estudio.modules.key_codes import encoded_values, plain
from estudio.tables import making
from estudio.tables.typenames import Arrow, type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_JOINED_ROWS = 1_000_000_000
"""More is a wrong key: equal values that were thought to be rare multiply."""
_arrow: Any = pa
_compute: Any = pc
"""The stubs do not know all of their functions."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """One column of each table that must be equal: names for errors, canonical columns."""

    left_name: str
    right_name: str
    left: Arrow
    right: Arrow


@dataclass(frozen=True, slots=True)
class Matches:
    """Partners by row number, in order: `left[i]` belongs to `right[i]`. Those without a partner are apart."""

    left: Arrow
    right: Arrow
    lonely_left: Arrow
    """A mask of the left table's rows."""
    lonely_right: Arrow
    """A mask of the right table's rows, where it was asked for."""


def find_matches(
    pairs: Sequence[KeyPair], *, case_sensitive: bool, match_missing: bool, with_lonely_right: bool
) -> Matches:
    """Match the rows of two tables.

    Args:
        pairs: the keys, at least one.
        case_sensitive: otherwise text is compared in lower case.
        match_missing: whether missing equals missing; otherwise it equals nothing.
        with_lonely_right: whether rows of the right table without a partner are looked for.

    Raises:
        InvalidDataset: keys of types that cannot be compared, or more than MAX_JOINED_ROWS partners.
    """
    left, right, count = _codes(pairs, case_sensitive=case_sensitive, match_missing=match_missing)
    present = right.drop_null()
    by_code = _compute.sort_indices(present)  # stable: rows of one code keep their order
    order = _arrow.arange(0, len(right)).filter(pc.is_valid(right)).take(by_code)
    sizes, starts = _runs(present.take(by_code), count)
    partners: Arrow = pc.fill_null(sizes.take(left), making.number(0, pa.int64()))
    total = pc.sum(partners).as_py() or 0
    if total > MAX_JOINED_ROWS:
        raise InvalidDataset(
            f"The join would have {total} rows, more than {MAX_JOINED_ROWS}: many rows of both tables have the same "
            "keys. Choose keys that tell rows apart, or remove duplicates first.",
            rows=total,
        )
    left_rows = _repeated(partners, total)
    begins = pc.subtract(pc.cumulative_sum(partners), partners)
    within = pc.subtract(_arrow.arange(0, total), begins.take(left_rows))
    places = pc.add(starts.take(left.take(left_rows)), within)
    lonely_left: Arrow = pc.equal(partners, making.number(0, pa.int64()))
    lonely_right: Arrow = None
    if with_lonely_right:
        lonely_right = pc.invert(pc.is_in(right, value_set=left.drop_null()))
    return Matches(left_rows, order.take(places), lonely_left, lonely_right)


def _codes(pairs: Sequence[KeyPair], *, case_sensitive: bool, match_missing: bool) -> tuple[Arrow, Arrow, int]:
    """One code for the keys of each row, missing where nothing can match, and how many codes there are."""
    left_rows = len(pairs[0].left)
    whole: Arrow = None
    for pair in pairs:
        left, right = comparable(pair)
        both = _arrow.concat_arrays([left, right])
        if not case_sensitive and pa.types.is_large_string(both.type):
            both = pc.utf8_lower(both)
        codes = _encoded(pair.left_name, both, match_missing=match_missing)
        whole = codes if whole is None else _combined(whole, codes)
    count = (pc.max(whole).as_py() if len(whole) else None) or 0
    return whole.slice(0, left_rows), whole.slice(left_rows), count + 1


def _encoded(name: str, values: Arrow, *, match_missing: bool) -> Arrow:
    if pa.types.is_null(values.type):
        codes: Arrow = pa.nulls(len(values), pa.int64())
        classes = 0
    else:
        encoded = encoded_values(name, values)
        codes, classes = encoded.indices.cast(pa.int64()), len(encoded.dictionary)
    return pc.fill_null(codes, making.number(classes, pa.int64())) if match_missing else codes


def _combined(first: Arrow, second: Arrow) -> Arrow:
    """Codes of two keys together; missing where either is. Dense again, so that they never overflow."""
    width = (pc.max(second).as_py() or 0) + 1
    wide = pc.add(pc.multiply(first, making.number(width, pa.int64())), second)
    return pc.dictionary_encode(wide).indices.cast(pa.int64())


def _runs(codes: Arrow, count: int) -> tuple[Arrow, Arrow]:
    """Of sorted codes: by code, how many rows it has and where they begin."""
    runs = _compute.run_end_encode(codes, run_end_type=pa.int64())
    begins = _arrow.concat_arrays([making.numbers([0], pa.int64()), runs.run_ends])
    sizes = pc.subtract(runs.run_ends, begins.slice(0, len(runs.run_ends)))
    by_code = (
        _compute.scatter(each.slice(0, len(sizes)), runs.values, max_index=count - 1) for each in (sizes, begins)
    )
    first, second = (pc.fill_null(each, making.number(0, pa.int64())) for each in by_code)
    return first, second


def _repeated(counts: Arrow, total: int) -> Arrow:
    """0 as often as the first count says, then 1 as often as the second does, and so on."""
    ends = pc.cumulative_sum(counts)
    offsets = _arrow.concat_arrays([making.numbers([0], pa.int64()), ends])
    lists = _arrow.LargeListArray.from_arrays(offsets, pa.nulls(total))
    return pc.list_parent_indices(lists)


def comparable(pair: KeyPair) -> tuple[Arrow, Arrow]:
    """Both keys in one type. Raises InvalidDataset where they have none in common."""
    left, right = plain(pair.left), plain(pair.right)
    target = _common_type(left.type, right.type)
    if target is not None:
        try:
            return left.cast(target), right.cast(target)
        except pa.ArrowException:
            target = None
    raise InvalidDataset(
        f"The keys {pair.left_name!r} ({type_name(left.type)}) and {pair.right_name!r} ({type_name(right.type)}) "
        "cannot be compared. Bring both into one type first, with convert-to-dataset.",
        left=pair.left_name,
        right=pair.right_name,
    )


def _common_type(left: Arrow, right: Arrow) -> Arrow | None:
    if left == right or pa.types.is_null(right):
        return left
    if pa.types.is_null(left):
        return right
    if _is_number(left) and _is_number(right):
        return _common_number(left, right)
    return _common_moment(left, right)


def _common_moment(left: Arrow, right: Arrow) -> Arrow | None:
    both = left, right
    if all(pa.types.is_timestamp(each) for each in both):
        is_same_kind = (left.tz is None) == (right.tz is None)
        return pa.timestamp(_finer(left, right), left.tz and "UTC") if is_same_kind else None
    if all(pa.types.is_duration(each) for each in both):
        return pa.duration(_finer(left, right))
    if all(pa.types.is_time(each) for each in both):
        return pa.time64("ns")
    if all(pa.types.is_date(each) or _is_local(each) for each in both):
        return right if pa.types.is_date(left) else left
    return None


def _is_number(arrow: Arrow) -> bool:
    return bool(pa.types.is_integer(arrow) or pa.types.is_floating(arrow) or pa.types.is_decimal(arrow))


def _is_local(arrow: Arrow) -> bool:
    return bool(pa.types.is_timestamp(arrow) and arrow.tz is None)


def _common_number(left: Arrow, right: Arrow) -> Arrow:
    if pa.types.is_floating(left) or pa.types.is_floating(right):
        return pa.float64()
    if pa.types.is_integer(left) and pa.types.is_integer(right):
        return pa.decimal128(20, 0) if pa.uint64() in (left, right) else pa.int64()
    scale = max(getattr(each, "scale", 0) for each in (left, right))
    return pa.decimal256(76, scale)


def _finer(left: Arrow, right: Arrow) -> str:
    return max(str(left.unit), str(right.unit), key=("s", "ms", "us", "ns").index)
