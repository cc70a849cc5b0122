"""`estudio service jobs list|show|cancel`: batch calls of a web service."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from estudio.cli.command_classes import EstudioCommand, EstudioGroup, say_commands
from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.screen import Screen, print_document
from estudio.cli.service_options import EndpointOption, ServiceArgument  # noqa: TC001 - the same
from estudio.cli.workspace_options import JsonOption, WorkspaceOption  # noqa: TC001 - the same
from estudio.core.service import DEFAULT_ENDPOINT

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.cli.door import Door

HELP = """
List, show and cancel the batch jobs of a web service.
\f
estudio service jobs list scores
estudio service jobs show 0f3a…
estudio service jobs cancel 0f3a…
"""
JobArgument = Annotated[str, typer.Argument(metavar="ID", help="The id of a job.")]

app = typer.Typer(cls=EstudioGroup, rich_markup_mode=None)
app.callback(invoke_without_command=True, help=HELP)(say_commands)


@app.command("list", cls=EstudioCommand, help="List the jobs of an endpoint, the newest first.")
def parse_list(
    service: ServiceArgument,
    endpoint: EndpointOption = DEFAULT_ENDPOINT,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> Action:
    """The parsed command."""
    return partial(_list, service, endpoint, workspace, json=json)


@app.command("show", cls=EstudioCommand, help="Show a job: how far it is, what it gave, or its error.")
def parse_show(job: JobArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_show, job, workspace, json=json)


@app.command("cancel", cls=EstudioCommand, help="Cancel a job that has not ended.")
def parse_cancel(job: JobArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_cancel, job, workspace, json=json)


def _list(name: str, endpoint: str, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.job_report import job_document, jobs_table  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        found = workspace.jobs.list(workspace.services.endpoint(name, endpoint).id)
    if json:
        print_document({"jobs": [job_document(job) for job in found]})
    else:
        Screen().show(jobs_table(found))
    return 0


def _show(job_id: str, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.job_report import job_document, job_parts  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        job = workspace.jobs.get(job_id)
    if json:
        print_document(job_document(job))
    else:
        Screen().show(*job_parts(job))
    return 0


def _cancel(job_id: str, folder: Path | None, door: Door, *, json: bool) -> int:
    from estudio.cli.job_report import JOB_WORDS, job_document  # noqa: PLC0415

    with door.open_workspace(folder) as workspace:
        job = workspace.jobs.cancel(job_id)
    if json:
        print_document(job_document(job))
    else:
        ends = "; it ends within a second" if job.is_cancelling else ""
        Screen().say(f"Job {job.id}: {JOB_WORDS[job.state].words}{ends}.")
    return 0
