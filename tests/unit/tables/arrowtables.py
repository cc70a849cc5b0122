"""Strategies for pyarrow tables with every type that a table can hold; and bytes as a guest writes them.

Values come as pyarrow arrays in any form (slices, several chunks, NaN with and without null bits).
"""

from __future__ import annotations

import decimal
import tempfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import settings
from hypothesis import strategies as st

from estudio.tables.canonical import canonical, write_canonical

if TYPE_CHECKING:
    from estudio.core.layout import TableLayout

settings.register_profile("tables", deadline=None, max_examples=50)  # a busy machine makes any deadline a lie
settings.load_profile("tables")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def _ints(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else st.integers(0, 2**bits - 1)


_TICKS = st.integers(-(2**62), 2**62)
TYPES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (pa.null(), st.none()),
    (pa.bool_(), st.booleans()),
    *((getattr(pa, f"int{bits}")(), _ints(bits, signed=True)) for bits in (8, 16, 32, 64)),
    *((getattr(pa, f"uint{bits}")(), _ints(bits, signed=False)) for bits in (8, 16, 32, 64)),
    (pa.float32(), st.floats(width=32)),
    (pa.float64(), st.floats()),
    (pa.string(), TEXT),
    (pa.large_string(), TEXT),
    (pa.string_view(), TEXT),
    (pa.binary(), st.binary(max_size=9)),
    (pa.binary(3), st.binary(min_size=3, max_size=3)),
    (pa.date32(), st.dates()),
    (pa.date64(), st.dates()),
    (pa.time32("ms"), st.integers(0, 86_399_999)),
    (pa.time64("ns"), st.integers(0, 86_400 * 10**9 - 1)),
    (pa.timestamp("s"), _TICKS),
    (pa.timestamp("us"), _TICKS),
    (pa.timestamp("ns"), _TICKS),
    (pa.timestamp("ns", "Europe/Madrid"), _TICKS),
    (pa.timestamp("ms", "+05:30"), _TICKS),
    (pa.duration("ns"), _TICKS),
    (pa.decimal128(10, 2), st.integers(-(10**10) + 1, 10**10 - 1).map(lambda n: decimal.Decimal(n).scaleb(-2))),
    (pa.decimal256(50, 3), st.integers(-(10**40), 10**40).map(lambda n: decimal.Decimal(n) / 1000)),
    (pa.list_(pa.int64()), st.lists(st.none() | _ints(64, signed=True), max_size=3)),
    (pa.large_list(pa.string()), st.lists(st.none() | TEXT, max_size=3)),
    (pa.list_(pa.float64()), st.lists(st.none() | st.floats(), max_size=3)),
    (pa.list_(pa.int8(), 2), st.lists(_ints(8, signed=True), min_size=2, max_size=2)),
    (pa.dictionary(pa.int8(), pa.string()), TEXT),
    (pa.dictionary(pa.int32(), pa.int64(), ordered=True), _ints(64, signed=True)),
]


@st.composite
def columns(draw: st.DrawFn, rows: int) -> Any:
    """A chunked array of any type, in one or two chunks that may be slices."""
    arrow, values = draw(st.sampled_from(TYPES))
    before = draw(st.integers(0, 2))
    cells = draw(st.lists(st.none() | values, min_size=rows + before, max_size=rows + before))
    array = pa.array(cells, arrow).slice(before)
    cut = draw(st.integers(0, rows))
    return pa.chunked_array([array.slice(0, cut), array.slice(cut)], arrow)


@st.composite
def arrow_tables(draw: st.DrawFn) -> pa.Table:
    """A table of 0 to 20 rows and 0 to 5 columns, with equal names too."""
    rows = draw(st.integers(0, 20))
    names = draw(st.lists(st.sampled_from(["a", "a (1)", "b", "", "ñ"]), max_size=5))
    if not names:
        return pa.table({"": pa.nulls(rows)}).select([])
    return pa.table([draw(columns(rows)) for _ in names], names=names)


def guest_bytes(table: pa.Table) -> tuple[TableLayout, bytes]:
    """A layout and the bytes that it is about, as an honest guest would hand them over."""
    with tempfile.TemporaryFile() as file:
        layout = write_canonical(canonical(table), file.fileno())
        file.seek(0)
        return layout, file.read()
