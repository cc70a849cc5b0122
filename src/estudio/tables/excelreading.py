"""Reads the first sheet of an XLSX workbook; its first row holds the names.

A spreadsheet knows no whole numbers: a column of whole floats becomes int64, as in pandas.
"""

from __future__ import annotations

import logging
import zipfile
from typing import TYPE_CHECKING

import fastexcel
import pyarrow as pa
import pyarrow.compute as pc

from estudio.errors import InvalidDataset
from estudio.tables import making
from estudio.tables.inference import MISSING_TEXTS, fine_time, infer_text, whole_numbers
from estudio.tables.names import header_names

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.tables.typenames import Arrow

MAX_UNPACKED_BYTES = 2 << 30
"""The XML of a full sheet, 1 048 576 rows of some 50 columns, unpacked; a zip can pack a thousand times more."""


def read_excel(path: Path) -> pa.Table:
    """Read the first sheet.

    Raises:
        InvalidDataset: no XLSX, encrypted, too large, or without a header row.
        OSError: it cannot be opened.
    """
    _check_zip(path)
    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # empty columns are nothing to warn of
    try:
        workbook = fastexcel.read_excel(str(path))
        head = workbook.load_sheet(0, header_row=None, n_rows=1, dtypes="string").to_arrow()
        body = workbook.load_sheet(0, header_row=0, schema_sample_rows=None).to_arrow()
    except (fastexcel.FastExcelError, ValueError) as error:
        raise InvalidDataset(f"{path} cannot be read as a workbook: {str(error)[:300]}.", path=str(path)) from error
    if not head.num_columns or not head.num_rows:
        raise InvalidDataset(
            f"{path} has nothing on its first sheet. The first row of a table is the names of its columns.",
            path=str(path),
        )
    names = header_names(column[0].as_py() for column in head.columns)
    return pa.table([_final(pa.chunked_array([column])) for column in body.columns], names=list(names))


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise InvalidDataset(
            f"{path} is no XLSX workbook (which is a zip file). Old .xls files and protected workbooks are not read: "
            "open it in a spreadsheet program and save it as an unprotected .xlsx, or as CSV.",
            path=str(path),
        ) from error
    if unpacked > MAX_UNPACKED_BYTES:
        raise InvalidDataset(
            f"{path} unpacks to more than {MAX_UNPACKED_BYTES >> 30} GiB, which is the limit. Save it as CSV.",
            path=str(path),
            limit_bytes=MAX_UNPACKED_BYTES,
        )


def _final(column: Arrow) -> Arrow:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        is_missing = pc.is_in(column, value_set=making.texts(MISSING_TEXTS).cast(column.type))
        present = pc.if_else(is_missing, making.missing(column.type), column)
        return infer_text(present) if pc.any(is_missing).as_py() else present
    return fine_time(whole_numbers(column))
