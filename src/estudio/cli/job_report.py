"""Batch jobs on screen and as JSON.

Errors carry what a script said: everything is neutralised here, before it enters a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from estudio.cli.figure_words import share_words
from estudio.cli.history_report import STYLES, local_time
from estudio.cli.module_lines import seconds_words
from estudio.cli.state_words import StateWords
from estudio.cli.untrusted_text import neutralise_line
from estudio.cli.values import size_words
from estudio.core.counted_words import counted
from estudio.core.job import JobState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from estudio.core.job import Job

JOB_WORDS: Mapping[JobState, StateWords] = {
    JobState.NOT_STARTED: StateWords("·", ".", "not started", "faint"),
    JobState.QUEUED: StateWords("·", ".", "queued", "plain"),
    JobState.RUNNING: StateWords("▶", ">", "running", "plain"),
    JobState.FINISHED: StateWords("✓", "+", "finished", "good"),
    JobState.FAILED: StateWords("✗", "x", "failed", "error"),
    JobState.CANCELLED: StateWords("■", "c", "cancelled", "warning"),
}
"""How states of jobs look; a test holds that each has its entry."""


def jobs_table(jobs: Sequence[Job]) -> RenderableType:
    """Jobs, one for each line."""
    if not jobs:
        return Text("There are no jobs.")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="")
    for heading in ("job", "state", "rows", "version", "made", "took"):
        table.add_column(heading, justify="right" if heading in {"rows", "version"} else "left")
    for job in jobs:
        words = JOB_WORDS[job.state]
        state = Text(words.words, style=STYLES.get(words.tone, ""))
        table.add_row(job.id, state, progress_words(job), str(job.version), local_time(job.created_at), took_words(job))
    return table


def progress_words(job: Job) -> str:
    """`250,000 of 1,000,000 (25 %)`."""
    if job.rows_total is None:
        return f"{job.rows_done:,}" if job.rows_done else ""
    if job.rows_done == job.rows_total:
        return f"{job.rows_total:,}"
    return f"{job.rows_done:,} of {job.rows_total:,} ({share_words(job.rows_done, job.rows_total)})"


def took_words(job: Job) -> str:
    """How long it worked; "" before its end."""
    if job.started_at is None or job.ended_at is None:
        return ""
    return seconds_words(job.ended_at - job.started_at)


def job_parts(job: Job) -> tuple[RenderableType, ...]:
    """One job: its state, results and error."""
    words = JOB_WORDS[job.state]
    took = took_words(job)
    after = f" after {took}" if took else ""
    head = f"Job {job.id} of version {job.version}, made {local_time(job.created_at)}: {words.words}{after}."
    parts: list[RenderableType] = [Text(head, style="bold")]
    if job.rows_total is not None or job.rows_done:
        parts.append(Text(f"rows: {progress_words(job)}"))
    if job.attempts > 1:
        parts.append(Text(f"begun {counted(job.attempts, 'time')}: a process of estudio ended before it did"))
    for name, result in job.results.items():
        size = f"{counted(result.row_count, 'row')}, {size_words(result.size_bytes)}"
        parts.append(Text(neutralise_line(f"{name}: {size} of {result.format}")))
    if job.error:
        parts.append(Text(neutralise_line(f"{job.error.get('code')}: {job.error.get('message')}"), style="bold red"))
    return tuple(parts)


def job_document(job: Job) -> dict[str, Any]:
    """A job, for `--json`."""
    return {
        "id": job.id,
        "state": job.state.value,
        "version": job.version,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "expires_at": job.expires_at,
        "attempts": job.attempts,
        "rows_done": job.rows_done,
        "rows_total": job.rows_total,
        "cancelling": job.is_cancelling,
        "parameters": dict(job.request.parameters),
        "results": {
            name: {
                "digest": result.digest,
                "format": result.format,
                "bytes": result.size_bytes,
                "rows": result.row_count,
            }
            for name, result in job.results.items()
        },
        "error": None if job.error is None else dict(job.error),
    }
