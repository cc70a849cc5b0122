"""Fits an Arrow table that a caller sent to the columns that a service expects: by name, cast where nothing is lost.

A small body can hold an enormous table (a category of a megabyte in a million rows): what a cast would make of it is
counted before the cast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from estudio.errors import CallProblem, InvalidDataset
from estudio.tables.columns import canonical_column
from estudio.tables.missing import carries_missing, mark_missing
from estudio.tables.typenames import Arrow, scalar_type, type_name
from estudio.tables.valuetext import as_text
from estudio.tables.webarrays import UNTYPED
from estudio.tables.webjson_reading import Expected, table_of_arrays, tell_missing, tell_unknown
from estudio.tables.webproblems import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.tables.table import Table
    from estudio.tables.webproblems import Place, Problems

MAX_CALL_BYTES = 1 << 30
"""Of one table of one call in memory; a body is far smaller, but may be compressed or repeat its values."""


def check_columns(names: Sequence[str], expected: Expected, place: Place, problems: Problems) -> bool:
    """Whether these are the expected columns, in any order; tells what is wrong, without pointers."""
    sent = set(names)
    if len(names) == len(expected.names) and sent == expected.known:
        return True
    tell_missing([name for name in expected.names if name not in sent], place, problems)
    seen: set[str] = set()
    for name in names:
        if problems.is_full:
            break
        if name in seen:
            words = f"The table {place.input!r} has the column {shown(name)} twice: send it once."
            problems.add(CallProblem("duplicate-column", words, place.pointer, place.input, None, name[:200]))
        elif name not in expected.known:
            tell_unknown(name, expected.names, place, place.pointer, problems)
        seen.add(name)
    return False


def fit_table(table: pa.Table, expected: Expected, place: Place, problems: Problems) -> Table | None:
    """The canonical table of the expected columns and types.

    Args:
        table: fully validated, its columns checked by `check_columns`.
        expected: names and types.
        place: for the problems.
        problems: gets what is wrong.

    Returns:
        None where something is wrong.
    """
    arrays: list[Arrow] = []
    for name, wanted in zip(expected.names, expected.types, strict=True):
        array = fit_column(name, table.column(name), wanted, place, problems)
        if array is not None:
            arrays.append(array)
        elif problems.is_full:
            return None
    return table_of_arrays(expected, arrays, table.num_rows) if len(arrays) == len(expected.names) else None


def fit_column(name: str, column: Arrow, wanted: str, place: Place, problems: Problems) -> Arrow | None:
    """One column as a canonical array of the wanted type; None, with a problem, where it cannot be."""
    if wanted not in UNTYPED and column.type == scalar_type(wanted) and column.num_chunks == 1:
        chunk = column.chunk(0)
        if chunk.offset == 0 and len(chunk):  # the usual case, at a tenth of the usual cost
            return mark_missing(chunk) if carries_missing(chunk.type) else chunk
    if _has_list_views(column.type):
        _tell(name, None, "is a list view: send plain lists", place, problems)
        return None
    if not (wanted.startswith("dictionary") and _is_small(column)) and grown_bytes(column) > MAX_CALL_BYTES:
        _tell(name, None, f"becomes more than {MAX_CALL_BYTES >> 20} MiB in memory: send fewer rows", place, problems)
        return None
    try:
        array = canonical_column(name, column)
        if type_name(array.type) == wanted:
            return array
        return _fitted(array, wanted)
    except InvalidDataset as error:
        _tell(name, None, f"is not taken: {error.message}", place, problems)
    except (pa.ArrowException, OverflowError, ValueError):
        _tell_cast(name, array, wanted, place, problems)
    return None


def _has_list_views(arrow: Arrow) -> bool:
    """Several views may share one large list, and pyarrow 26 loses values when it casts them."""
    return bool(pa.types.is_list_view(arrow) or pa.types.is_large_list_view(arrow))


def _is_small(column: Arrow) -> bool:
    """Whether a dictionary column stays one, and its categories are no views."""
    return bool(pa.types.is_dictionary(column.type)) and not _is_view(column.type.value_type)


def grown_bytes(column: Arrow) -> int:
    """What the values of a column take when each stands for itself, about."""
    arrow = column.type
    if isinstance(arrow, pa.BaseExtensionType):
        return sum(grown_bytes(chunk.storage) for chunk in column.chunks)
    if not (pa.types.is_dictionary(arrow) or _is_view(arrow) or _is_list(arrow)):
        return 0
    return sum(_grown(chunk) for chunk in getattr(column, "chunks", [column]))


def _grown(chunk: Arrow) -> int:
    arrow = chunk.type
    if pa.types.is_dictionary(arrow):
        lengths = _lengths(chunk.dictionary)
        return int(pc.sum(lengths.take(chunk.indices)).as_py() or 0) if lengths is not None else 8 * len(chunk)
    if _is_view(arrow):
        sizes = memoryview(chunk.buffers()[1]).cast("i") if chunk.buffers()[1] is not None else []
        return sum(sizes[4 * chunk.offset : 4 * (chunk.offset + len(chunk)) : 4]) if len(chunk) else 0
    counts: Any = pc.list_value_length(chunk)
    items = int(pc.sum(counts).as_py() or 0)
    if pa.types.is_dictionary(arrow.value_type) or _is_view(arrow.value_type):
        return MAX_CALL_BYTES + 1 if items > 2**16 else items * _widest(chunk.values)
    return items * 8


def _lengths(dictionary: Arrow) -> Arrow | None:
    arrow = dictionary.type
    if _is_view(arrow):
        return None if not len(dictionary) else pa.nulls(len(dictionary), pa.int64()).fill_null(_grown(dictionary))
    if (
        pa.types.is_large_string(arrow)
        or pa.types.is_string(arrow)
        or pa.types.is_binary(arrow)
        or pa.types.is_large_binary(arrow)
    ):
        lengths: Arrow = pc.binary_length(dictionary).cast(pa.int64())
        return lengths
    return None


def _widest(values: Arrow) -> int:
    return max(1, _grown(values) if _is_view(values.type) else values.get_total_buffer_size())


def _is_view(arrow: Arrow) -> bool:
    return bool(pa.types.is_string_view(arrow) or pa.types.is_binary_view(arrow))


def _is_list(arrow: Arrow) -> bool:
    kinds = (
        pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list, pa.types.is_list_view,
        pa.types.is_large_list_view,
    )  # fmt: skip
    return any(matches(arrow) for matches in kinds)


def _fitted(array: Arrow, wanted: str) -> Arrow:
    """The array in another type. Raises where values would be lost or mean something else."""
    if wanted in UNTYPED:
        return _as_untyped(array, wanted)
    target = scalar_type(wanted)
    if pa.types.is_dictionary(array.type):
        array = canonical_column("", pa.chunked_array([array.dictionary.take(array.indices)]))
        if array.type == target:
            return array
    if not _may_become(array.type, target):
        raise ValueError(wanted)
    return canonical_column("", pa.chunked_array([_cast(array, target)]))


def _as_untyped(array: Arrow, wanted: str) -> Arrow:
    if wanted == "null":
        return array
    if wanted == "large_list":
        if pa.types.is_null(array.type):
            return pa.nulls(len(array), pa.large_list(pa.float64()))
        raise ValueError(wanted)
    if pa.types.is_dictionary(array.type):
        return pa.DictionaryArray.from_arrays(array.indices, array.dictionary, ordered=wanted == "dictionary-ordered")
    if pa.types.is_null(array.type):
        array = pa.nulls(len(array), pa.large_string())
    encoded = pc.dictionary_encode(array)
    return pa.DictionaryArray.from_arrays(encoded.indices, encoded.dictionary, ordered=wanted == "dictionary-ordered")


def _cast(array: Arrow, target: Arrow) -> Arrow:
    if pa.types.is_floating(array.type) and pa.types.is_float32(target):
        cast = array.cast(target)
        if pc.all(pc.equal(pc.is_finite(cast), pc.is_finite(array))).as_py() is False:
            raise ValueError("out of range")
        return cast
    if pa.types.is_timestamp(array.type) and pa.types.is_date(target):
        days = array.cast(target)
        if pc.all(pc.equal(days.cast(array.type), array)).as_py() is False:
            raise ValueError("a time of day")
        return days
    return array.cast(target)


def _may_become(given: Arrow, target: Arrow) -> bool:
    """Whether a safe cast means the same values: no text to numbers, no local times to moments."""
    if pa.types.is_null(given):
        return True
    if _is_number(given) and _is_number(target):
        return True
    if pa.types.is_timestamp(given) and pa.types.is_timestamp(target):
        return (given.tz is None) == (target.tz is None)
    same = (pa.types.is_time, pa.types.is_duration)
    if any(matches(given) and matches(target) for matches in same):
        return True
    return bool(
        (pa.types.is_date(given) and pa.types.is_timestamp(target) and target.tz is None)
        or (pa.types.is_timestamp(given) and given.tz is None and pa.types.is_date(target))
    )


def _is_number(arrow: Arrow) -> bool:
    return bool(pa.types.is_integer(arrow) or pa.types.is_floating(arrow) or pa.types.is_decimal(arrow))


def _tell_cast(name: str, array: Arrow, wanted: str, place: Place, problems: Problems) -> None:
    given = type_name(array.type)
    row = _first_failing(array, wanted)
    if row is None:
        words = f"has the type {given}, but the service takes {wanted}, and one does not become the other without loss"
        _tell(name, None, words, place, problems)
        return
    value = as_text(array.slice(row, 1))[0].as_py()
    _tell(name, row, f"{shown(value)} does not fit {wanted} without loss", place, problems)


def _first_failing(array: Arrow, wanted: str) -> int | None:
    """The first row that cannot be cast, by halving; None where it is about the types."""
    if wanted in UNTYPED or _fails(array.slice(0, 0), wanted):
        return None
    begin, length = 0, len(array)
    while length > 1:
        half = length // 2
        if _fails(array.slice(begin, half), wanted):
            length = half
        else:
            begin, length = begin + half, length - half
    return begin


def _fails(array: Arrow, wanted: str) -> bool:
    try:
        _fitted(array, wanted)
    except (pa.ArrowException, OverflowError, ValueError, InvalidDataset):
        return True
    return False


def _tell(name: str, row: int | None, words: str, place: Place, problems: Problems) -> None:
    place_words = f"Column {shown(name)} of {place.input!r}"
    where = place_words if row is None else f"Row {row}, column {shown(name)} of {place.input!r}:"
    problems.add(CallProblem("wrong-type", f"{where} {words}.", place.pointer, place.input, row, name))
