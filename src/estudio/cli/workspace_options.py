"""The arguments and options that commands of a workspace share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from estudio.cli.completion import dataset_names, experiment_names, module_names
from estudio.cli.values import parse_path

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="FOLDER",
        parser=parse_path,
        help="The workspace; else it is looked for from the current folder upwards.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, nothing else.")]
ExperimentArgument = Annotated[
    str,
    typer.Argument(
        metavar="EXPERIMENT", autocompletion=experiment_names, help="The name of an experiment, or its file."
    ),
]
ModulePortArgument = Annotated[
    str,
    typer.Argument(metavar="MODULE[.PORT]", autocompletion=module_names, help="A module, or one of its output ports."),
]
DatasetArgument = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=dataset_names, help="The name of a dataset.")
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, the beginning of one, or latest.")]
_PARAMETER = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)=(.*)", re.DOTALL)
MAX_COUNT = 1_000_000
"""Of modules at once, of runs to keep: more is a slip of the finger."""


def parse_parameter(text: str) -> tuple[str, str]:
    """`trees=500` as name and value."""
    match = _PARAMETER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:80]!r} sets nothing; write NAME=VALUE, such as trees=500.")
    return match[1], match[2]


def parse_count(text: str) -> int:
    """A whole number from 1."""
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= MAX_COUNT):
        raise ValueError(f"{text[:40]!r} is no number; give a whole number from 1.")
    return int(text)
