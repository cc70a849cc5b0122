"""A score call that is to be answered later: `Prefer: respond-async` (RFC 7240) makes a job of it.

Its input is checked now, so that a wrong call is refused at once, and kept as files, so that the job outlives us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.server.answering import Answer, parsed_call
from estudio.server.jobs import job_of_call, wants_job

if TYPE_CHECKING:
    from estudio.server.answering import CallBytes
    from estudio.server.settings import ServerSettings
    from estudio.workspace.jobs import WorkspaceJobs

__all__ = ["answer_later", "wants_job"]


def answer_later(call: CallBytes, settings: ServerSettings, jobs: WorkspaceJobs) -> Answer:
    """Make the job; blocks.

    Raises:
        InvalidCall: the call does not fit.
        StateConflict, StoreFailed: the job cannot be made.
    """
    parsed, _ = parsed_call(call, settings)
    prefix = settings.public_url.rstrip("/")
    body, location = job_of_call(
        jobs,
        call.live,
        parsed.inputs,
        parsed.parameters,
        idempotency_key=call.idempotency_key or "",
        prefix=prefix,
    )
    headers = ((b"location", location.encode("ascii")), (b"preference-applied", b"respond-async"))
    return Answer(202, "application/json", body, call.live.version.number, headers)
