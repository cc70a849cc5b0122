"""Answers of calls as bytes: the form that the caller asked for, modern and old. Pure: no I/O, any thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from estudio.services.call_media import JSON, wanted_format
from estudio.tables.webbytes import BodyFormat, write_body_table
from estudio.tables.webjson_writing import classic_records, classic_value, write_json_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.service import ServiceVersion
    from estudio.tables.table import Table
    from estudio.tables.webjson_reading import Orient


def answer_formats(version: ServiceVersion) -> tuple[str, ...]:
    """The media types that a version can answer with, the usual one first: JSON alone unless it has one output."""
    return (JSON, *BodyFormat) if len(version.outputs) == 1 else (JSON,)


def check_acceptable(accept: str | None, version: ServiceVersion) -> str:
    """The media type that the answer will have: to be asked before a script runs.

    Raises:
        InvalidCall: of kind `not-acceptable`.
    """
    return wanted_format(accept, answer_formats(version))


def render_outputs(
    outputs: Mapping[str, Table], accept: str | None, version: ServiceVersion, orient: Orient
) -> tuple[bytes, str]:
    """The answer of a modern call and its Content-Type.

    JSON is `{"outputs": {"output1": <records or split>}}`; other forms are the one output's table itself.

    Raises:
        InvalidCall: of kind `not-acceptable`.
    """
    media = check_acceptable(accept, version)
    if media == JSON:
        tables = (
            orjson.dumps(port.name) + b":" + write_json_table(outputs[port.name], orient) for port in version.outputs
        )
        return b'{"outputs":{' + b",".join(tables) + b"}}", JSON
    body = write_body_table(outputs[version.outputs[0].name], BodyFormat(media))
    return body, f"{media}; charset=utf-8" if media == BodyFormat.CSV else media


def render_classic(outputs: Mapping[str, Table], version: ServiceVersion, *, details: bool, swagger: bool) -> bytes:
    """The answer of a call on the old wire: `{"Results": {"output1": ...}}`, cells as text.

    Args:
        outputs: a table for each output of the version.
        version: for the outputs' order.
        details: adds `ColumnTypes`; means nothing with `swagger`.
        swagger: row objects instead of `type` and `value`.
    """
    results: dict[str, object] = {}
    for port in version.outputs:
        table = outputs[port.name]
        value = classic_records(table) if swagger else {"type": "table", "value": classic_value(table, details=details)}
        results[port.name] = value
    return orjson.dumps({"Results": results})
