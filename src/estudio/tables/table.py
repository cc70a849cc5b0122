"""The table that passes through ports: an immutable wrapper of a pyarrow table in canonical form.

The data may be shared with a mapped file or with whoever made it: do not change it behind a table's back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from estudio.core.counted_words import counted
from estudio.core.schema import Column, TableSchema
from estudio.errors import InvalidUsage
from estudio.tables.canonical import canonical
from estudio.tables.html import table_html
from estudio.tables.typenames import type_name

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from estudio.tables.tablefile import TableFile

REPR_COLUMNS = 6
"""Columns named in a table's `repr`, which has to fit a line."""


class Table:
    """Rows and columns. Two tables are equal if their names, types, order and values are.

    `file` is where the table lies in canonical form already, if anywhere: see `tables.tablefile`.
    """

    __slots__ = ("_arrow", "_schema", "file")

    def __init__(self, arrow: pa.Table) -> None:
        """Wrap a table that *is* canonical already; anything else goes through `from_arrow`."""
        self._arrow = arrow
        self._schema: TableSchema | None = None
        self.file: TableFile | None = None

    @classmethod
    def from_arrow(cls, arrow: pa.Table | pa.RecordBatch) -> Table:
        """Bring a pyarrow table into canonical form; what is canonical already is not copied.

        Raises:
            InvalidDataset: a type that tables cannot hold (structs, maps, unions, nested lists, intervals).
        """
        return cls(canonical(pa.Table.from_batches([arrow]) if isinstance(arrow, pa.RecordBatch) else arrow))

    @classmethod
    def from_pandas(cls, dataframe: pd.DataFrame) -> Table:
        """Take a DataFrame: its index is dropped, `str()` makes the names, equal names are numbered.

        Raises:
            InvalidUsage: pandas is not installed, or this is no DataFrame.
            InvalidDataset: two-level names, or values that tables cannot hold.
        """
        from estudio.tables.pandasdoor import arrow_from_pandas  # noqa: PLC0415 - pandas is optional

        return cls(arrow_from_pandas(dataframe))

    @classmethod
    def empty(cls) -> Table:
        """The table of 0 rows and 0 columns."""
        return cls(pa.table({}))

    @property
    def schema(self) -> TableSchema:
        """Names, types (as in `core.layout`) and missing counts of the columns."""
        if self._schema is None:
            named = zip(self._arrow.schema.names, self._arrow.columns, strict=True)
            columns = (Column(name, type_name(column.type), column.null_count) for name, column in named)
            self._schema = TableSchema(tuple(columns))
        return self._schema

    @property
    def row_count(self) -> int:
        """The number of rows; a table without columns can have rows."""
        return self._arrow.num_rows

    @property
    def column_count(self) -> int:
        """The number of columns."""
        return self._arrow.num_columns

    def to_arrow(self) -> pa.Table:
        """The canonical pyarrow table itself, not a copy."""
        return self._arrow

    def to_pandas(self, *, copy: bool = False) -> pd.DataFrame:
        """The DataFrame that a script would see, with a 0…n-1 index.

        Whole numbers with missing values become floats with NaN; text becomes pandas' `str` (`object` before pandas 3).
        Numbers and times without a copy are read-only views of this table.

        Args:
            copy: copy everything, so that the DataFrame can be changed in place.

        Raises:
            InvalidUsage: pandas is not installed.
        """
        from estudio.tables.pandasdoor import pandas_from_arrow  # noqa: PLC0415 - pandas is optional

        dataframe: pd.DataFrame = pandas_from_arrow(self._arrow, copy=copy)
        return dataframe

    def to_polars(self) -> pl.DataFrame:
        """The table as a polars DataFrame.

        What polars has not changes: decimals of 256 bits become text, zones that are offsets become UTC.

        Raises:
            InvalidUsage: polars is not installed.
        """
        try:
            import polars  # noqa: PLC0415, ICN001 - optional
        except ImportError as error:
            raise InvalidUsage(
                "Table.to_polars() needs polars, which is not installed. Install it: pip install 'estudio[polars]'.",
                package="polars",
            ) from error
        return polars.DataFrame(_for_polars(self._arrow))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        return self.row_count == other.row_count and bool(self._arrow.equals(other._arrow))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        columns = [f"{column.name[:40]!r}: {column.type}" for column in self.schema.columns[:REPR_COLUMNS]]
        more = [f"… {self.column_count - REPR_COLUMNS} more"] if self.column_count > REPR_COLUMNS else []
        size = f"{counted(self.row_count, 'row')}, {counted(self.column_count, 'column')}"
        return f"<Table {size} ({', '.join(columns + more)})>"

    def _repr_html_(self) -> str:
        return table_html(self)


def _for_polars(table: pa.Table) -> pa.Table:
    for number, field in enumerate(table.schema):
        target: Any = None
        if pa.types.is_decimal256(field.type):
            target = pa.large_string()
        elif pa.types.is_timestamp(field.type) and field.type.tz is not None and field.type.tz[0] in "+-":
            target = pa.timestamp(field.type.unit, "UTC")
        if target is not None:
            table = table.set_column(number, field.name, table.column(number).cast(target))
    return table
