"""A job as old clients read it: state, where the results lie, and why it failed.

State words are the old system's; `queued` was not one of them, and is told as NotStarted, like a job not started.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import orjson

from estudio.core.job import JobState
from estudio.server.classic.blob_tokens import READ, BlobPlace, make_token
from estudio.server.classic.blobs import RESULTS, result_name
from estudio.server.classic.door import OLDEST_VERSION
from estudio.server.classic.errors import MAX_DETAIL_CHARACTERS, error_number, hidden_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.job import Job

STATE_WORDS: Mapping[JobState, str] = {
    JobState.NOT_STARTED: "NotStarted",
    JobState.QUEUED: "NotStarted",
    JobState.RUNNING: "Running",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
    JobState.FINISHED: "Finished",
}
STATE_NUMBERS: Mapping[str, int] = {"NotStarted": 0, "Running": 1, "Failed": 2, "Cancelled": 3, "Finished": 4}
"""What the oldest clients compare with."""
_UNNAMED_ERROR = 1000


def job_document(
    job: Job, version: str, base: str, secret: bytes, now: float, *, expose: bool = True
) -> dict[str, object]:
    """The answer to a poll.

    Args:
        job: as it is.
        version: 2.0 gives the state as a word and all results by output; 1.0 a number, and the one result.
        base: the address of the endpoint's files.
        secret: signs the addresses.
        now: seconds since the epoch.
        expose: tell the script's own words where it failed.
    """
    word = STATE_WORDS[job.state]
    is_finished = job.state is JobState.FINISHED
    results = {name: _location(job, name, base, secret, now) for name in job.results} if is_finished else None
    details = failure_details(job, expose=expose) if job.state is JobState.FAILED else ""
    if version == OLDEST_VERSION:
        single = next(iter(results.values()), None) if results else None
        return {"StatusCode": STATE_NUMBERS[word], "Result": single, "Results": results, "Details": details}
    return {"StatusCode": word, "Results": results, "Details": details}


def _location(job: Job, output: str, base: str, secret: bytes, now: float) -> dict[str, str | None]:
    name = result_name(job.id, output, job.results[output].format)
    place = BlobPlace(job.endpoint_id, RESULTS, name)
    return {
        "ConnectionString": None,
        "RelativeLocation": f"{RESULTS}/{name}",
        "BaseLocation": base,
        "SasBlobToken": make_token(secret, place, READ, now),
    }


def failure_details(job: Job, *, expose: bool = True) -> str:
    """One line in the shape that the old system showed (Azure-Samples/MyDriving, issue 526): people search for parts.

    The ids that it had for its own processes are the job's id here.
    """
    error = job.error or {}
    text = str(error.get("classic_text") or f"Error 1000: Library exception: {error.get('message') or 'unknown'}")
    number = error_number(text)
    text = text[:MAX_DETAIL_CHARACTERS] if expose else hidden_words(number)
    exception = {
        "Exception": {
            "ErrorId": "LibraryException" if number == str(_UNNAMED_ERROR) else _error_id(number),
            "ErrorCode": f"{number:>04}",
            "ExceptionType": "ModuleException",
            "Message": text,
        }
    }
    return (
        f"Module: {error.get('title') or error.get('module') or 'Web service'}; SNR Job Id: {job.id}; "
        f"SNR Task Id: {uuid.UUID(job.id)}; requestId = {uuid.UUID(job.id)} errorComponent=Module. taskStatusCode=400. "
        f"{orjson.dumps(exception).decode()}Error: {text} Process exited with error code -2"
    )


def _error_id(number: str) -> str:
    return {"85": "FailedToEvaluateScript", "138": "ModuleOutOfMemory"}.get(number, "ModuleException")
