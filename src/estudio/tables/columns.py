"""One column in canonical form: one array without offset, of a type that `core.layout` knows.

What is already canonical is returned with its own buffers: only what differs is copied.
"""

from __future__ import annotations

import functools

import pyarrow as pa
import pyarrow.compute as pc

from estudio.core.layout import value_bits
from estudio.errors import InvalidDataset
from estudio.tables import making
from estudio.tables.missing import carries_missing, mark_missing
from estudio.tables.typenames import Arrow, is_canonical_scalar, type_name

REFUSED_EXTENSIONS = frozenset({"pandas.period", "arrow.py_extension_type"})
"""Extensions whose stored values mean nothing by themselves: period ordinals, pickled Python types."""

_CASTS = (
    (pa.types.is_string, lambda _: pa.large_string()),
    (pa.types.is_string_view, lambda _: pa.large_string()),
    (pa.types.is_binary, lambda _: pa.large_binary()),
    (pa.types.is_binary_view, lambda _: pa.large_binary()),
    (pa.types.is_fixed_size_binary, lambda _: pa.large_binary()),
    (pa.types.is_float16, lambda _: pa.float32()),
    (pa.types.is_date64, lambda _: pa.date32()),
    (pa.types.is_decimal32, lambda given: pa.decimal128(given.precision, given.scale)),
    (pa.types.is_decimal64, lambda given: pa.decimal128(given.precision, given.scale)),
)
_ZERO = pa.py_buffer(bytes(8))
_LISTS = (
    pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list,
    pa.types.is_list_view, pa.types.is_large_list_view,
)  # fmt: skip


@functools.lru_cache(maxsize=1024)
def canonical_type(arrow: Arrow) -> Arrow:
    """The canonical type for an Arrow type, or `None` if tables cannot hold it.

    float16 → float32, date64 → date32 (it holds whole days by definition), strings and bytes of all kinds → large ones,
    decimal32/64 → decimal128, dictionaries with int32 codes, lists of scalars → large lists.
    """
    if isinstance(arrow, pa.BaseExtensionType):
        if arrow.extension_name in REFUSED_EXTENSIONS:
            return None
        return pa.bool_() if arrow.extension_name == "arrow.bool8" else canonical_type(arrow.storage_type)
    if pa.types.is_dictionary(arrow):
        values = _canonical_scalar(arrow.value_type)
        return None if values is None else pa.dictionary(pa.int32(), values, ordered=arrow.ordered)
    if any(is_list(arrow) for is_list in _LISTS):
        item = arrow.value_type
        values = _canonical_scalar(item.value_type if pa.types.is_dictionary(item) else item)
        return None if values is None else pa.large_list(values)
    return _canonical_scalar(arrow)


def _canonical_scalar(arrow: Arrow) -> Arrow:
    for matches, target in _CASTS:
        if matches(arrow):
            return target(arrow)
    return arrow if is_canonical_scalar(arrow) else None


def canonical_column(name: str, column: Arrow) -> Arrow:
    """A pyarrow array in canonical form.

    Args:
        name: for the error.
        column: a pyarrow ChunkedArray.

    Raises:
        InvalidDataset: a type that tables cannot hold, or a value that does not fit its canonical type.
    """
    target = canonical_type(column.type)
    if target is None:
        raise _unsupported(name, column.type)
    try:
        if isinstance(column.type, pa.BaseExtensionType):
            storage: Arrow = column.type.storage_type
            column = pa.chunked_array([chunk.storage for chunk in column.chunks], storage)
        if pa.types.is_dictionary(target):
            return _dictionary(column, target)
        if pa.types.is_list_view(column.type) or pa.types.is_large_list_view(column.type):
            column = pa.chunked_array([_list_of_views(chunk) for chunk in column.chunks], _list_type(column.type))
        return _finished(_one_array(column if column.type == target else column.cast(target), target))
    except (pa.ArrowException, OverflowError) as error:
        raise InvalidDataset(
            f"The column {name!r} of type {column.type} has a value that does not fit {type_name(target)}: {error}",
            column=name,
            type=str(column.type),
        ) from error


def _list_type(view: Arrow) -> Arrow:
    return pa.large_list(view.value_type)


def _list_of_views(views: Arrow) -> Arrow:
    """Views into values as lists; pyarrow 26's own cast gives other values where views are sliced or one is missing."""
    known: Arrow = pc.list_value_length(views)
    lengths = known.fill_null(0).cast(pa.int64())
    offsets: Arrow = pa.concat_arrays([making.numbers([0], pa.int64()), pc.cumulative_sum(lengths)])
    return pa.LargeListArray.from_arrays(offsets, views.flatten(), type=_list_type(views.type), mask=views.is_null())


def check_type(name: str, arrow: Arrow) -> None:
    """Refuse a type that tables cannot hold, before any value of it is looked at.

    Raises:
        InvalidDataset: naming the column and its type.
    """
    if canonical_type(arrow) is None:
        raise _unsupported(name, arrow)


def _unsupported(name: str, arrow: pa.DataType) -> InvalidDataset:
    return InvalidDataset(
        f"The column {name!r} has the type {str(arrow)[:200]}, which a table cannot hold. "
        "A table holds numbers, text, booleans, dates and times, decimals, bytes, categories and lists of these; "
        "turn nested values into text or into columns of their own.",
        column=name,
        type=str(arrow),
    )


def _one_array(column: Arrow, target: Arrow) -> Arrow:
    chunks = [chunk for chunk in column.chunks if len(chunk)]
    if not chunks:
        return making.nothing(target)
    return without_offset(chunks[0]) if len(chunks) == 1 else pa.concat_arrays(chunks)


def without_offset(array: Arrow) -> Arrow:
    """The same values from position 0 of their buffers; copied only if they were not there already."""
    if array.offset == 0 and not (pa.types.is_large_list(array.type) and array.values.offset):
        return array
    return pa.concat_arrays([array, array.slice(0, 0)])  # concatenating two arrays makes fresh buffers


def _finished(array: Arrow) -> Arrow:
    if carries_missing(array.type):
        return mark_missing(array)
    if not pa.types.is_large_list(array.type) or not carries_missing(array.type.value_type) or not len(array):
        return array
    values = array.values
    marked = mark_missing(without_offset(values))
    if marked is values:
        return array
    return pa.Array.from_buffers(array.type, len(array), array.buffers()[:2], children=[marked])


def _dictionary(column: Arrow, target: Arrow) -> Arrow:
    chunks = [_clean_dictionary(chunk, target) for chunk in column.chunks]
    if not chunks:
        return pa.DictionaryArray.from_arrays(
            making.nothing(pa.int32()), making.nothing(target.value_type), ordered=target.ordered
        )
    if len(chunks) == 1:
        return chunks[0]
    unified: Arrow = pa.chunked_array(chunks).unify_dictionaries()
    codes = pa.concat_arrays([chunk.indices for chunk in unified.chunks])
    return pa.DictionaryArray.from_arrays(codes, unified.chunk(0).dictionary, ordered=target.ordered)


def _clean_dictionary(chunk: Arrow, target: Arrow) -> Arrow:
    values = _finished(without_offset(chunk.dictionary.cast(target.value_type)))
    codes, values = distinct_categories(without_offset(chunk.indices.cast(pa.int32())), values)
    return pa.DictionaryArray.from_arrays(codes, values, ordered=target.ordered)


def distinct_categories(codes: Arrow, categories: Arrow) -> tuple[Arrow, Arrow]:
    """Codes and categories with every category once and none missing, in their first order (pandas' rule)."""
    distinct = pc.unique(categories).drop_null()
    if len(distinct) == len(categories):
        return codes, categories
    places: Arrow = pc.index_in(categories, value_set=distinct)
    return places.take(codes), distinct


def buffers_of(array: Arrow) -> tuple[pa.Buffer | None, ...]:
    """The buffers of a canonical array in the layout's order, cut to what its rows need; children are apart.

    Raises:
        ValueError: a buffer is shorter than its rows need, or missing.
    """
    rows = len(array)
    name = type_name(array.type)
    if name == "null":
        return ()
    given = array.buffers()
    validity = _cut(given[0], (rows + 7) // 8) if array.null_count else None
    bits = value_bits(name) or (32 if pa.types.is_dictionary(array.type) else None)
    if bits is not None:
        return validity, _cut(given[1], (rows * bits + 7) // 8)
    offsets = _offsets(given[1], rows)
    if pa.types.is_large_list(array.type):
        return validity, offsets
    return validity, offsets, _cut(given[2], last_offset(offsets))


def children_of(array: Arrow) -> tuple[Arrow, ...]:
    """The values of a list array, the categories of a dictionary array, nothing else."""
    if pa.types.is_dictionary(array.type):
        return (array.dictionary,)
    if pa.types.is_large_list(array.type):
        return (array.values.slice(0, last_offset(_offsets(array.buffers()[1], len(array)))),)
    return ()


def last_offset(offsets: pa.Buffer | None) -> int:
    """Where the last value of a variable-width array ends."""
    if offsets is None or offsets.size < 8:
        return 0
    return int.from_bytes(memoryview(offsets)[-8:], "little", signed=True)


def _offsets(buffer: pa.Buffer | None, rows: int) -> pa.Buffer | None:
    if rows == 0 and (buffer is None or buffer.size < 8):
        return _ZERO  # Arrow allows no offsets at all where there are no rows, but pyarrow's `nbytes` crashes on it
    return _cut(buffer, (rows + 1) * 8)


def _cut(buffer: pa.Buffer | None, size: int) -> pa.Buffer | None:
    if size == 0:
        return None
    if buffer is None or not 0 < size <= buffer.size:
        raise ValueError("a buffer is shorter than its rows need")
    return buffer if buffer.size == size else buffer.slice(0, size)
