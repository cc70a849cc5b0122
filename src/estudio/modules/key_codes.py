"""Values as small whole numbers, equal where the values are: what joins and stratified splits compare.

So every type that a table can hold takes part, without an engine that would have to know it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from estudio.errors import InvalidDataset
from estudio.tables import making
from estudio.tables.typenames import type_name

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow


def plain(column: Arrow) -> Arrow:
    """The values of a canonical column as one array: categories become what they stand for, -0.0 becomes 0.0."""
    array: Arrow = column.chunk(0) if column.num_chunks else making.nothing(column.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary.take(array.indices)
    if pa.types.is_floating(array.type):
        return pc.add(array, making.number(0.0, array.type))
    return array


def class_codes(name: str, column: Arrow) -> tuple[Arrow, int]:
    """The class of each row as int32 from 0, and how many classes there are; missing is a class of its own.

    Raises:
        InvalidDataset: a type whose values cannot be told apart (lists).
    """
    encoded = encoded_values(name, plain(column))
    classes = len(encoded.dictionary)
    if encoded.indices.null_count:
        own = making.number(classes, pa.int32())
        return pc.if_else(pc.is_null(encoded.indices), own, encoded.indices), classes + 1
    return encoded.indices, classes


def encoded_values(name: str, array: Arrow) -> Arrow:
    """A dictionary array; missing stays missing. Raises InvalidDataset."""
    try:
        return pc.dictionary_encode(array)
    except pa.ArrowException as error:
        raise InvalidDataset(
            f"The values of the column {name!r} of type {type_name(array.type)} cannot be compared. Choose another "
            "column, or turn it into text.",
            column=name,
            type=type_name(array.type),
        ) from error
