"""The work of Split Data: which rows go where, by chance, in order, or within classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from estudio.modules.call_values import flag_of, get_table, number_of, text_of
from estudio.modules.drawing import class_sizes, row_numbers, row_places, smallest, smallest_of_classes
from estudio.modules.key_codes import class_codes
from estudio.tables.canonical import table_of
from estudio.tables.conversion import column_number
from estudio.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from estudio.modules.behaviour import ModuleCall, PortValue
    from estudio.tables.typenames import Arrow


def split_rows(call: ModuleCall) -> Mapping[str, PortValue]:
    """Divide the rows. Raises InvalidDataset."""
    table = get_table(call, "dataset").to_arrow()
    settings = call.settings.settings
    fraction = number_of(settings, "fraction")
    fraction = 0.5 if fraction is None else float(fraction)
    count = round(fraction * table.num_rows)
    if not table.num_columns:  # Arrow cuts such a table to wrong lengths
        parts = table_of((), [], count), table_of((), [], table.num_rows - count)
    elif flag_of(settings, "shuffle") is False and text_of(settings, "stratify") is None:
        parts = table.slice(0, count), table.slice(count)
    else:
        chosen = _chosen(table, call, fraction, count)
        others: Arrow = pc.invert(chosen)
        parts = table.filter(chosen), table.filter(others)
    return {"results1": Table.from_arrow(parts[0]), "results2": Table.from_arrow(parts[1])}


def _chosen(table: pa.Table, call: ModuleCall, fraction: float, count: int) -> Arrow:
    """A mask of the rows that go to the first output."""
    settings = call.settings.settings
    seed, stratify = number_of(settings, "seed"), text_of(settings, "stratify")
    if flag_of(settings, "shuffle") is False:
        numbers = row_places(0, table.num_rows)
    else:
        numbers = row_numbers(table.num_rows, call.seed if seed is None else int(seed))
    return smallest(numbers, count) if stratify is None else _stratified(table, stratify, numbers, fraction)


def _stratified(table: pa.Table, name: str, numbers: Arrow, fraction: float) -> Arrow:
    column = table.column(column_number(table.schema.names, name))
    codes, classes = class_codes(name, column)
    counts = [round(fraction * size) for size in class_sizes(codes, classes)]
    return smallest_of_classes(numbers, codes, counts)
