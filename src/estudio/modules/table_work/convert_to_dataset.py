"""The work of Convert to Dataset: what means missing, and which types columns have."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from estudio.errors import InvalidDataset
from estudio.modules.call_values import flag_of, get_table, mapping_of, text_of
from estudio.tables import making
from estudio.tables.conversion import convert_column, convert_columns
from estudio.tables.inference import infer_text
from estudio.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from estudio.modules.behaviour import ModuleCall, PortValue
    from estudio.tables.typenames import Arrow

concat_arrays: Any = pa.concat_arrays


def convert_to_dataset(call: ModuleCall) -> Mapping[str, PortValue]:
    """Convert the table. Raises InvalidDataset, InvalidUsage."""
    table = get_table(call, "dataset").to_arrow()
    settings = call.settings.settings
    types = mapping_of(settings, "columns")
    placeholder = text_of(settings, "missing_placeholder")
    if placeholder is not None:
        infer = flag_of(settings, "infer_types") is not False
        table = _each(table, lambda name, column: _without(column, placeholder, infer=infer and name not in types))
    table = convert_columns(table, types)
    replacement = text_of(settings, "replace_missing")
    if replacement is not None:
        table = _each(table, lambda _, column: _with(column, replacement))
    return {"results": Table.from_arrow(table)}


def _each(table: pa.Table, work: Callable[[str, Arrow], Arrow]) -> pa.Table:
    """The table with every column worked on; one without columns as it is, for its rows."""
    names = table.schema.names
    columns = [work(name, column) for name, column in zip(names, table.columns, strict=True)]
    return Table.from_arrow(pa.table(columns, names=names)).to_arrow() if columns else table


def _without(column: Arrow, placeholder: str, *, infer: bool) -> Arrow:
    """The column with the placeholder missing."""
    array: Arrow = column.chunk(0) if column.num_chunks else making.nothing(column.type)
    if pa.types.is_dictionary(array.type):
        return _without_category(array, placeholder) if pa.types.is_large_string(array.type.value_type) else column
    if pa.types.is_large_string(array.type):
        found = pc.equal(pc.utf8_trim_whitespace(array), making.text(placeholder))
    else:
        value = _value(placeholder, array.type)
        if value is None:
            return column
        found = pc.equal(array, value)
    if not pc.any(found).as_py():
        return column
    left = pa.chunked_array([pc.if_else(found, making.missing(array.type), array)])
    return infer_text(left) if infer and pa.types.is_large_string(array.type) else left


def _without_category(array: Arrow, placeholder: str) -> Arrow:
    kept = array.dictionary.filter(pc.not_equal(pc.utf8_trim_whitespace(array.dictionary), making.text(placeholder)))
    codes = pc.index_in(array.dictionary, value_set=kept).take(array.indices)
    return pa.DictionaryArray.from_arrays(codes, kept, ordered=array.type.ordered)


def _with(column: Arrow, replacement: str) -> Arrow:
    """The column with a value for missing ones, where its type has that value."""
    if not column.null_count:
        return column
    array: Arrow = column.chunk(0)
    if pa.types.is_null(array.type):
        return infer_text(pa.chunked_array([pa.nulls(len(array), pa.large_string()).fill_null(replacement)]))
    if pa.types.is_dictionary(array.type):
        return _with_category(array, replacement)
    value = _value(replacement, array.type)
    return column if value is None else pc.fill_null(array, value)


def _with_category(array: Arrow, replacement: str) -> Arrow:
    categories: Arrow = array.dictionary
    value = _value(replacement, categories.type)
    if value is None:
        return array
    place = pc.index(categories, value).as_py()
    if place < 0:
        place = len(categories)
        categories = concat_arrays([categories, pa.nulls(1, categories.type).fill_null(value)])
    codes = pc.fill_null(array.indices, making.number(place, pa.int32()))
    return pa.DictionaryArray.from_arrays(codes, categories, ordered=array.type.ordered)


@functools.lru_cache(maxsize=256)
def _value(text: str, arrow: Arrow) -> Arrow | None:
    """A text as a scalar of a type; None where the type has no such value."""
    try:
        return convert_column("", pa.chunked_array([making.texts([text])]), arrow)[0]
    except InvalidDataset:
        return None
