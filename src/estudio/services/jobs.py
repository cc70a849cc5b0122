"""What ends a job, as values and errors: results, the author's error with its rows, our failures, a cancellation.

Only what is ours is tried again: a script that failed once fails again, and costs the same again.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from estudio.errors import EstudioError, InvalidCall, InvalidInput, InvalidUsage, OutputFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.services.calling import ModuleFailure
    from estudio.services.job_parts import JobPart

KEEP_SECONDS = 7 * 24 * 3600.0
"""How long results and the record of a job are kept after its end: a week, as long as somebody may be on holiday."""
PER_ENDPOINT = 40
"""Jobs of one endpoint that run at one time: the old system's bound."""
NOT_ROW_WISE_CODE = "not-row-wise"
UNEXPECTED_CODE = "job-failed"
MAX_PROBLEMS_CHARACTERS = 20_000
"""Of the problems of one job, as JSON in its record."""


class AuthorFailed(Exception):
    """A script failed; never leaves the job engine."""

    def __init__(self, error: Mapping[str, str | int | None]) -> None:
        super().__init__(error["message"])
        self.error = error


class JobStopped(Exception):
    """The job is to be cancelled, is handed back, or is another's now; never leaves the job engine."""


def is_final(error: BaseException) -> bool:
    """Whether trying again is of no use: what the caller or the author did wrong stays wrong."""
    return isinstance(error, AuthorFailed | InvalidInput | InvalidUsage | OutputFailed)


def error_of(error: BaseException) -> Mapping[str, str | int | None]:
    """What a job's record says of what ended it."""
    if isinstance(error, AuthorFailed):
        return error.error
    if isinstance(error, InvalidCall):
        return {"code": error.code, "message": error.message, "problems": _problems(error)}
    if isinstance(error, EstudioError):
        return {"code": error.code, "message": error.message}
    return {
        "code": UNEXPECTED_CODE,
        "message": f"The job failed by a defect of the server ({type(error).__name__}). Its log says more.",
    }


def failure_of(failure: ModuleFailure, part: JobPart, count: int) -> AuthorFailed:
    """The author's error in a part, with the rows that were scored."""
    error = failure.error
    told: dict[str, str | int | None] = {
        "code": error.code,
        "message": error.message,
        "module": failure.module,
        "title": failure.title,
        "state": failure.state.value,
        "classic_text": error.classic_text,
        "traceback": error.traceback,
        "line": error.line,
    }
    if count > 1:
        told |= {"first_row": part.first, "last_row": part.first + part.row_count - 1}
    return AuthorFailed(told)


def not_row_wise(output: str, part: JobPart, rows: int) -> AuthorFailed:
    """The error of a service that says that it is row-wise and is not."""
    return AuthorFailed(
        {
            "code": NOT_ROW_WISE_CODE,
            "message": f"The output {output!r} has {rows} rows for {part.row_count} rows of the input (rows "
            f"{part.first} to {part.first + part.row_count - 1}). A row-wise service gives one row for each. "
            "Publish it without row_wise; then its jobs are scored whole.",
            "first_row": part.first,
            "last_row": part.first + part.row_count - 1,
        }
    )


def _problems(error: InvalidCall) -> str:
    """JSON; fewer problems where all would be too long."""
    problems = [asdict(problem) for problem in error.problems]
    while problems and len(text := json.dumps(problems)) > MAX_PROBLEMS_CHARACTERS:
        problems.pop()
    return text if problems else "[]"
