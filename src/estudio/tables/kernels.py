"""pyarrow's compute functions without their type stubs, which know arrays neither of every type nor made from buffers.

`number_scalar` makes what they compare with; `pa.scalar` would import pandas (see `tables.making`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute

from estudio.tables import making

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

compute: Any = pyarrow.compute
_READY = (pa.int64(), pa.float64(), pa.int32(), pa.float32())


def number_scalar(value: float, arrow: pa.DataType) -> Arrow:
    """A scalar of any type of whole or floating numbers."""
    return making.number(value, arrow) if arrow in _READY else making.text(str(value)).cast(arrow)


def as_floats(values: Arrow) -> Arrow:
    """Numbers of any type as float64, rounded to the nearest."""
    return values if values.type == pa.float64() else values.cast(pa.float64(), safe=False)


def extremes(values: Arrow) -> tuple[Any, Any]:
    """The smallest and the largest value, None where there are none."""
    both = compute.min_max(values).as_py()
    return both["min"], both["max"]


def outermost(values: Arrow, most: int, order: str) -> Arrow:
    """The places of the `most` smallest ("ascending") or largest ("descending") values, in no order."""
    return compute.select_k_unstable(pa.table([values], names=["v"]), k=most, sort_keys=[("v", order)])
