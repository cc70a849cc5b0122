"""How a job is cut into parts: pure. The same input is always cut alike, so that a job goes on where it was left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

PART_ROWS = 50_000
"""Of one part: a script needs a tenth of a second or more for so many, so that what surrounds it does not show."""
PART_BYTES = 64 << 20
"""Of one part's table: wide tables are cut by this, since a script needs several times its input."""


@dataclass(frozen=True, slots=True)
class JobPart:
    """Rows of the input; `first` counts from 0."""

    number: int
    first: int
    row_count: int


def plan_parts(inputs: Mapping[str, Table], *, row_wise: bool, part_rows: int = PART_ROWS) -> list[JobPart]:
    """The parts of a job, in order.

    A row-wise service with one input is cut; anything else is one part. Where there are several inputs nobody can say
    which rows belong together.
    """
    rows = max((table.row_count for table in inputs.values()), default=0)
    if not row_wise or len(inputs) != 1:
        return [JobPart(0, 0, rows)]
    (table,) = inputs.values()
    size = table.to_arrow().get_total_buffer_size() or 1
    most = max(1, min(part_rows, PART_BYTES * rows // size))
    return [JobPart(number, first, min(most, rows - first)) for number, first in enumerate(range(0, rows, most))] or [
        JobPart(0, 0, 0)
    ]


def tables_of_part(inputs: Mapping[str, Table], part: JobPart, count: int) -> Mapping[str, Table]:
    """The rows of one part of so many."""
    if count == 1:
        return inputs
    return {
        name: Table.from_arrow(table.to_arrow().slice(part.first, part.row_count)) for name, table in inputs.items()
    }
