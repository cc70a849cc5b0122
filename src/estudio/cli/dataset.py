"""`estudio dataset add|list|show|remove`: saved tables and files, by name and version."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from estudio.cli.command_classes import EstudioCommand, EstudioGroup, say_commands
from estudio.cli.completion import dataset_names
from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.screen import Screen, print_document
from estudio.cli.values import parse_path
from estudio.cli.workspace_options import JsonOption, WorkspaceOption  # noqa: TC001 - the same
from estudio.core.counted_words import counted

if TYPE_CHECKING:
    from estudio.cli.door import Door
    from estudio.core.dataset import Dataset

HELP = """
Save tables and files under names, with a version for each content.
\f
estudio dataset add measurements.csv
estudio dataset add measurements.csv --name Measurements
estudio dataset show Measurements@1
"""
FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", parser=parse_path, help="A table, by suffix, or a zip for a bundle.")
]
NameOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="The name; a new content under a known name is a new version.")
]
NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME[@VERSION]", autocompletion=dataset_names, help="A dataset; without a version its latest."
    ),
]

app = typer.Typer(cls=EstudioGroup, rich_markup_mode=None)
app.callback(invoke_without_command=True, help=HELP)(say_commands)


@app.command("add", cls=EstudioCommand, help="Save a file as a dataset.")
def parse_add(
    file: FileArgument, name: NameOption = None, json: JsonOption = False, workspace: WorkspaceOption = None
) -> Action:
    """The parsed command."""
    return partial(_add, file, name, workspace, json=json)


@app.command("list", cls=EstudioCommand, help="List the datasets of the workspace.")
def parse_list(json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_list, workspace, json=json)


@app.command("show", cls=EstudioCommand, help="Show a dataset: its columns, its first rows, its versions.")
def parse_show(name: NameArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_show, name, workspace, json=json)


@app.command("remove", cls=EstudioCommand, help="Remove a dataset, or one version of it.")
def parse_remove(name: NameArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> Action:
    """The parsed command."""
    return partial(_remove, name, workspace, json=json)


def _add(file: Path, name: str | None, folder: Path | None, door: Door, *, json: bool) -> int:
    with door.open_workspace(folder) as workspace:
        added = workspace.datasets.add(file, name)
    if json:
        print_document(dataset_document(added))
        return 0
    size = (
        ""
        if added.row_count is None
        else f": {counted(added.row_count, 'row')}, {counted(len(added.columns), 'column')}"
    )
    screen = Screen()
    screen.say(f"{added.reference} is saved{size}.", "good")
    screen.say(f"In an experiment: {{kind: dataset, dataset: {added.family}}}")
    return 0


def _list(folder: Path | None, door: Door, *, json: bool) -> int:
    with door.open_workspace(folder) as workspace:
        found = workspace.datasets.list()
    if json:
        print_document({"datasets": [dataset_document(dataset) for dataset in found]})
    else:
        from estudio.cli.dataset_report import datasets_table  # noqa: PLC0415

        Screen().show(datasets_table(found))
    return 0


def _show(name: str, folder: Path | None, door: Door, *, json: bool) -> int:
    with door.open_workspace(folder) as workspace:
        dataset = workspace.datasets.get(name)
        versions = workspace.datasets.versions(dataset.family)
        if json:
            numbers = [version.version for version in versions]
            print_document({**dataset_document(dataset), "versions": numbers})
            return 0
        from estudio.cli.dataset_report import dataset_parts  # noqa: PLC0415
        from estudio.cli.preview_table import preview_parts  # noqa: PLC0415
        from estudio.workspace.previews import preview_table  # noqa: PLC0415

        screen = Screen()
        screen.show(*dataset_parts(dataset, versions))
        if dataset.table is not None:
            preview = preview_table(workspace.datasets.table(dataset.reference))
            screen.show(*preview_parts(preview, dataset.reference, screen.width()))
    return 0


def _remove(name: str, folder: Path | None, door: Door, *, json: bool) -> int:
    with door.open_workspace(folder) as workspace:
        removed = workspace.datasets.remove(name)
    if json:
        print_document({"datasets": [dataset_document(dataset) for dataset in removed]})
        return 0
    screen = Screen()
    for dataset in removed:
        screen.say(f"{dataset.reference} is removed.", "good")
    return 0


def dataset_document(dataset: Dataset) -> dict[str, object]:
    """A version of a dataset, for `--json`."""
    return {
        "name": dataset.family,
        "version": dataset.version,
        "latest": dataset.is_latest,
        "type": dataset.type,
        "file_name": dataset.file_name,
        "bytes": dataset.size_bytes,
        "rows": dataset.row_count,
        "columns": [{"name": name, "type": kind} for name, kind in dataset.columns],
        "digest": dataset.original,
        "created_at": dataset.created_at,
    }
