"""To and from pandas, which the host needs only here and imports only when asked.

The rules for what a *script* returns live in the guest; these are the same rules for a DataFrame that a caller of the
Python API hands over.
"""

from __future__ import annotations

import decimal
import math
import numbers
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from estudio.errors import InvalidDataset, InvalidUsage
from estudio.tables.canonical import canonical
from estudio.tables.missing import without_validity
from estudio.tables.names import unique_names

if TYPE_CHECKING:
    import pandas as pd

    from estudio.tables.typenames import Arrow

_BOOLEANS = ("bool", "bool_")


def pandas_from_arrow(table: pa.Table, *, copy: bool) -> pd.DataFrame:
    """A DataFrame of a canonical pyarrow table; floats and times are views where `copy` is false."""
    pandas = _pandas("Table.to_pandas()")
    if not table.num_columns:
        return pandas.DataFrame(index=pandas.RangeIndex(table.num_rows))
    columns = [_for_pandas(column.chunk(0)) for column in table.columns]
    dataframe = pa.table(columns, names=table.schema.names).to_pandas(split_blocks=not copy)
    return dataframe.copy() if copy else dataframe


def _for_pandas(array: Arrow) -> Arrow:
    if array.type == pa.time64("ns"):  # Python's times have microseconds
        return array.cast(pa.time64("us"), safe=False)
    return without_validity(array)


def arrow_from_pandas(dataframe: Arrow) -> pa.Table:
    """A canonical pyarrow table of a DataFrame.

    Raises:
        InvalidUsage: pandas is not installed, or this is no DataFrame.
        InvalidDataset: two-level names, or values that tables cannot hold.
    """
    pandas = _pandas("Table.from_pandas()")
    if not isinstance(dataframe, pandas.DataFrame):
        raise InvalidUsage(f"Table.from_pandas() takes a DataFrame, not a {type(dataframe).__name__}.")
    if dataframe.columns.nlevels > 1:
        raise InvalidDataset(
            "The DataFrame has column names of several levels; a table's names are plain text. "
            "Join the levels first: df.columns = ['_'.join(map(str, c)) for c in df.columns].",
        )
    names = unique_names(str(name) for name in dataframe.columns)
    if not names:
        return pa.table({"": pa.nulls(len(dataframe))}).select([])
    arrays = [_array(name, dataframe.iloc[:, number]) for number, name in enumerate(names)]
    return canonical(pa.table(arrays, names=list(names)))


def _pandas(caller: str) -> Arrow:
    try:
        import pandas  # noqa: PLC0415, ICN001 - optional
    except ImportError as error:
        raise InvalidUsage(
            f"{caller} needs pandas, which is not installed. Install it: pip install 'estudio[pandas]'.",
            package="pandas",
        ) from error
    return pandas


def _array(name: str, series: Arrow) -> Arrow:
    try:
        return pa.Array.from_pandas(series)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        if series.dtype == object:
            return _mixed_array(name, [None if _is_missing(value) else value for value in series])
        raise InvalidDataset(
            f"The column {name!r} has the type {series.dtype}, which a table cannot hold: {str(error)[:300]}. "
            "Convert it to numbers or text first.",
            column=name,
            type=str(series.dtype),
        ) from error


def _mixed_array(name: str, values: list[Arrow]) -> Arrow:
    present = [value for value in values if value is not None]
    try:
        if all(isinstance(value, numbers.Real | decimal.Decimal) or _is_boolean(value) for value in present):
            return _number_array(values)
        if all(isinstance(value, str | numbers.Number | decimal.Decimal) or _is_boolean(value) for value in present):
            return pa.array([None if value is None else str(value) for value in values], pa.large_string())
    except (pa.ArrowException, OverflowError) as error:
        raise _unholdable(name, present, str(error)) from error
    raise _unholdable(name, present, "it is of no type that a table knows, or of several")


def _number_array(values: list[Arrow]) -> Arrow:
    if all(value is None or isinstance(value, numbers.Integral) or _is_boolean(value) for value in values):
        whole = [None if value is None else int(value) for value in values]
        is_large = any(value is not None and value > 2**63 - 1 for value in whole)
        return pa.array(whole, pa.uint64() if is_large else pa.int64())
    return pa.array([None if value is None else float(value) for value in values], pa.float64())


def _is_boolean(value: object) -> bool:
    return type(value).__name__ in _BOOLEANS


def _is_missing(value: object) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _unholdable(name: str, values: list[Any], why: str) -> InvalidDataset:
    kinds = sorted({type(value).__name__ for value in values})
    return InvalidDataset(
        f"The column {name!r} has values that a table cannot hold ({', '.join(kinds)[:200]}): {why[:300]}. "
        "Convert them to numbers or text first.",
        column=name,
        types=", ".join(kinds),
    )
