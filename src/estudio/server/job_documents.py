"""A job as JSON, with its addresses. Values only; nothing is looked up."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from estudio.core.job import JobState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.job import Job
    from estudio.services.calling import LiveEndpoint

FINAL_STATES = frozenset({JobState.FINISHED, JobState.FAILED, JobState.CANCELLED})
AUTHOR_MEMBERS = ("message", "traceback", "line", "classic_text")
"""What a script said; left out where the server does not show the author's errors."""


def job_path(prefix: str, live: LiveEndpoint, job_id: str) -> str:
    """The address of a job."""
    return f"{prefix}{jobs_path(live)}/{job_id}"


def jobs_path(live: LiveEndpoint) -> str:
    """The address of the jobs of an endpoint."""
    service = f"/services/{live.service.name}"
    return f"{service}/jobs" if live.endpoint.name == "default" else f"{service}/endpoints/{live.endpoint.name}/jobs"


def job_document(job: Job, live: LiveEndpoint, prefix: str = "", *, expose: bool = True) -> dict[str, Any]:
    """A job for callers.

    Args:
        job: to be told.
        live: its endpoint.
        prefix: before the path of every address.
        expose: whether scripts' own words may leave the server.
    """
    address = job_path(prefix, live, job.id)
    document: dict[str, Any] = {
        "id": job.id,
        "service": live.service.name,
        "endpoint": live.endpoint.name,
        "version": job.version,
        "state": job.state.value,
        "is_cancelling": job.is_cancelling and job.state not in FINAL_STATES,
        "created_at": _time(job.created_at),
        "started_at": _time(job.started_at),
        "ended_at": _time(job.ended_at),
        "expires_at": _time(job.expires_at) if job.state in FINAL_STATES else None,
        "attempts": job.attempts,
        "progress": {"rows_done": job.rows_done, "rows_total": job.rows_total},
        "outputs": {
            name: {
                "href": f"{address}/outputs/{name}",
                "format": result.format,
                "bytes": result.size_bytes,
                "rows": result.row_count,
            }
            for name, result in job.results.items()
        },
        "links": {"self": address, "jobs": f"{prefix}{jobs_path(live)}"},
    }
    if job.error is not None:
        document["error"] = _error(job.error, expose=expose)
    return document


def _error(error: Mapping[str, str | int | None], *, expose: bool) -> dict[str, Any]:
    told: dict[str, Any] = {name: value for name, value in error.items() if value is not None}
    if "problems" in told:
        told["errors"] = json.loads(told.pop("problems"))
    if "module" in told and not expose:
        for name in AUTHOR_MEMBERS:
            told.pop(name, None)
    return told


def _time(at: float | None) -> str | None:
    """ISO 8601 in UTC, to the millisecond."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
