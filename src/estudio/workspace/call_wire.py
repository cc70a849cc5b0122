"""What the server's old face uses of `services`: calls of the old wire from bytes to values and back, and sample rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from estudio.services.call_parameters import check_required, read_parameters
from estudio.services.call_parsing_classic import parse_classic_request
from estudio.services.call_rendering import render_classic
from estudio.services.calling import ScoreCall
from estudio.tables.table import Table
from estudio.tables.webjson_reading import Orient
from estudio.tables.webjson_writing import write_json_table
from estudio.tables.webproblems import Problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.module_kind import Value
    from estudio.core.service import ServiceVersion

__all__ = ["ScoreCall", "parse_classic_parameters", "parse_classic_request", "render_classic", "sample_records"]

_PARAMETERS = "/GlobalParameters"


def parse_classic_parameters(given: Mapping[str, object], version: ServiceVersion) -> Mapping[str, Value]:
    """The values of a job's GlobalParameters, texts read as their types. Raises InvalidCall."""
    problems = Problems()
    values = read_parameters(given, version.parameters, problems, pointer=_PARAMETERS, all_text=True)
    check_required(values, version.parameters, _PARAMETERS, problems)
    problems.check()
    return values


def sample_records(table: Table, rows: int = 1) -> list[dict[str, Any]]:
    """The first rows as JSON holds them: numbers stay numbers, times are ISO 8601."""
    records: list[dict[str, Any]] = orjson.loads(
        write_json_table(Table(table.to_arrow().slice(0, rows)), Orient.RECORDS)
    )
    return records
