"""Score calls as the modern face has them, from bytes to values and back: what the server uses of `services`."""

from __future__ import annotations

from estudio.services.call_media import JSON
from estudio.services.call_parsing import ParsedCall, parse_score_request
from estudio.services.call_rendering import check_acceptable, render_outputs
from estudio.services.calling import ScoreCall

__all__ = ["JSON", "ParsedCall", "ScoreCall", "check_acceptable", "parse_score_request", "render_outputs"]
