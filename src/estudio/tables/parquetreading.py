"""Reads Parquet files. Types are looked at before any value is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from estudio.core.layout import value_bits
from estudio.errors import InvalidDataset
from estudio.tables.bounds import check_decoded_bytes
from estudio.tables.columns import check_type
from estudio.tables.typenames import type_name

if TYPE_CHECKING:
    from pathlib import Path


def read_parquet(path: Path) -> pa.Table:
    """Read one Parquet file and check every value.

    Raises:
        InvalidDataset: broken, encrypted, too large in memory, or of types that a table cannot hold.
        OSError: it cannot be opened.
    """
    with path.open("rb"):
        pass  # a missing or forbidden file is reported as such, not as broken
    try:
        with pq.ParquetFile(str(path), memory_map=True) as file:
            schema: Any = file.schema_arrow
            for field in schema:
                check_type(field.name, field.type)
            check_decoded_bytes(_least_bytes(schema, file.metadata), path)
            table = file.read()
        table.validate(full=True)
    except (pa.ArrowException, OSError, MemoryError, ValueError) as error:
        raise InvalidDataset(
            f"{path} cannot be read as a Parquet file: {str(error)[:300]}. Write it anew, or fetch it again.",
            path=str(path),
        ) from error
    return table


def _least_bytes(schema: pa.Schema, metadata: pq.FileMetaData) -> int:
    """What the columns take at least: runs of one value take almost nothing in the file."""
    bits = sum(value_bits(type_name(field.type)) or 64 for field in schema)
    return max(
        metadata.num_rows * bits // 8,
        sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)),
    )
