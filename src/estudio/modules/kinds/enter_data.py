"""Enter Data Manually: a small table written into the experiment itself.

An empty line is a row of missing values, except for one at the end (both are the old system's rules).
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from estudio.core.module_kind import ModuleKind, ModuleShape, OutputPort, Parameter, ParameterType, PortType
from estudio.modules.call_values import flag_of, mapping_of, text_of
from estudio.modules.plain_kind import PlainKind
from estudio.tables.formats import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.modules.behaviour import Behaviour, ModuleCall, PortValue
    from estudio.modules.kind_parts import KindParts

FORMATS = {"csv": Format.CSV, "tsv": Format.TSV, "arff": Format.ARFF}
_DELIMITERS = {Format.CSV: ",", Format.TSV: "\t"}

KIND = ModuleKind(
    name="enter-data",
    version=1,
    title="Enter Data Manually",
    words="A small table written into the experiment itself.",
    category="Data",
    icon="table-properties",
    shape=ModuleShape(
        outputs=(OutputPort("dataset", PortType.TABLE, "the table"),),
        parameters=(
            Parameter("data", ParameterType.TEXT, "the rows, one on each line", required=True),
            Parameter("format", ParameterType.CHOICE, "how they are written", default="csv", choices=tuple(FORMATS)),
            Parameter("header", ParameterType.BOOLEAN, "whether the first row holds the names", default=True),
            Parameter("columns", ParameterType.MAPPING, "types of columns, where they are not to be inferred"),
        ),
    ),
)


def enter_data(call: ModuleCall) -> Mapping[str, PortValue]:
    """Read the text. Raises InvalidDataset, InvalidUsage."""
    from estudio.tables.reading import ReadingOptions, read_text_table  # noqa: PLC0415 -- imports Arrow, which reused results need not
    from estudio.tables.table import Table  # noqa: PLC0415

    settings = call.settings.settings
    format_ = FORMATS[text_of(settings, "format") or "csv"]
    text = text_of(settings, "data") or ""
    options = ReadingOptions(columns=mapping_of(settings, "columns"))
    if format_ in _DELIMITERS:
        options = ReadingOptions(header=flag_of(settings, "header") is not False, columns=options.columns)
        text = with_empty_rows(text, _DELIMITERS[format_])
        if not text:
            return {"dataset": Table.empty()}
    return {"dataset": read_text_table(text, f"the data of {call.module.name}", format=format_, options=options)}


def with_empty_rows(text: str, delimiter: str) -> str:
    """The text with empty lines written out as rows of missing values; one at the end is left out.

    Empty lines in front of everything else are left out, too: nothing says yet how many values a row has.
    """
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].strip("\r\n"):
        lines.pop()
    while lines and not lines[0].strip("\r\n"):
        del lines[0]
    if not any(not line.strip("\r\n") for line in lines):
        return "".join(lines)
    reader = csv.reader(io.StringIO("".join(lines), newline=""), delimiter=delimiter)
    width = 0
    for row in reader:
        width = width or len(row)
        if not row:
            lines[reader.line_num - 1] = (delimiter * (width - 1) or "NA") + "\n"
    return "".join(lines)


def behaviour(parts: KindParts) -> Behaviour:  # noqa: ARG001 -- every kind is given them
    """The kind at work."""
    return PlainKind(KIND, enter_data)
