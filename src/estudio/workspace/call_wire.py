"""What the server's old face uses of `services`: calls from bytes to values and back, and their description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.services.call_parameters import check_required, read_parameters
from estudio.services.call_parsing_classic import parse_classic_request
from estudio.services.call_rendering import render_classic
from estudio.services.calling import ScoreCall
from estudio.services.service_schema import swagger_definitions
from estudio.tables.webproblems import Problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.module_kind import Value
    from estudio.core.service import ServiceVersion

__all__ = ["ScoreCall", "parse_classic_parameters", "parse_classic_request", "render_classic", "swagger_definitions"]

_PARAMETERS = "/GlobalParameters"


def parse_classic_parameters(given: Mapping[str, object], version: ServiceVersion) -> Mapping[str, Value]:
    """The values of a job's GlobalParameters, texts read as their types. Raises InvalidCall."""
    problems = Problems()
    values = read_parameters(given, version.parameters, problems, pointer=_PARAMETERS, all_text=True)
    check_required(values, version.parameters, _PARAMETERS, problems)
    problems.check()
    return values
