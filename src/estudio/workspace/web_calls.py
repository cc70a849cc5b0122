"""Score calls as the modern face has them, from bytes to values and back, and their schemas: for the server."""

from __future__ import annotations

from estudio.services.call_media import JSON, body_format
from estudio.services.call_parsing import ParsedCall, parse_score_request
from estudio.services.call_rendering import answer_formats, check_acceptable, render_outputs
from estudio.services.calling import ScoreCall
from estudio.services.column_schema import parameter_schema
from estudio.services.service_schema import request_examples, request_schema, response_example, response_schema
from estudio.tables.webbytes import BodyFormat, write_body_table

__all__ = [
    "JSON",
    "BodyFormat",
    "ParsedCall",
    "ScoreCall",
    "answer_formats",
    "body_format",
    "check_acceptable",
    "parameter_schema",
    "parse_score_request",
    "render_outputs",
    "request_examples",
    "request_schema",
    "response_example",
    "response_schema",
    "write_body_table",
]
