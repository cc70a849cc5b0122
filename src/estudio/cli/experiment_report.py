"""Experiments on screen and as JSON: as a list, one with its modules and connections, and what a run would do.

Everything from documents is neutralised here, before it enters a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from estudio.cli.history_report import STYLES, local_time
from estudio.cli.run_documents import reason_document, record_document
from estudio.cli.state_words import RUN_WORDS, reason_words
from estudio.cli.untrusted_text import neutralise_line
from estudio.core.counted_words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from estudio.core.experiment import Experiment, Module
    from estudio.workspace.experiments import CheckedWork, ExperimentSummary

MAX_LISTED_MODULES = 200
"""On screen; `--json` has all."""
MAX_SETTING_CHARACTERS = 60
"""Of one setting on screen: a path or a number is shorter, a text is not meant to be read here."""


def experiments_table(summaries: Sequence[ExperimentSummary]) -> RenderableType:
    """Experiments, one for each line."""
    if not summaries:
        return Text("There are no experiments yet; `estudio init` makes a first one.")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="")
    for heading in ("experiment", "title", "modules", "last run"):
        table.add_column(heading, justify="right" if heading == "modules" else "left")
    for summary in summaries:
        title = Text("not valid: see `estudio experiment check`", style="yellow")
        if summary.modules is not None:
            title = Text(neutralise_line(summary.title))
        modules = "" if summary.modules is None else f"{summary.modules:,}"
        table.add_row(Text(neutralise_line(summary.name)), title, Text(modules), _last_run(summary))
    return table


def _last_run(summary: ExperimentSummary) -> Text:
    if summary.last_run is None:
        return Text("never", style="dim")
    words = RUN_WORDS[summary.last_run.state]
    return Text(f"{words.words}, {local_time(summary.last_run.started_at)}", style=STYLES.get(words.tone, ""))


def experiment_summary_document(summary: ExperimentSummary) -> dict[str, Any]:
    """One of `estudio experiment list --json`."""
    return {
        "name": summary.name,
        "title": summary.title,
        "file": summary.file,
        "modules": summary.modules,
        "problem": summary.problem or None,
        "last_run": None if summary.last_run is None else record_document(summary.last_run),
    }


def experiment_parts(file: str, experiment: Experiment) -> tuple[RenderableType, ...]:
    """The title, the parameters, and a line or more for each module."""
    parts: list[RenderableType] = [Text(neutralise_line(f"{experiment.name} ({file})"), style="bold")]
    if experiment.description:
        parts.append(Text(neutralise_line(experiment.description)))
    for parameter in experiment.parameters.values():
        default = "" if parameter.default is None else f", {_shown(parameter.default)} unless it is set"
        parts.append(Text(neutralise_line(f"parameter {parameter.name}: {parameter.type.value}{default}")))
    for module in list(experiment.modules.values())[:MAX_LISTED_MODULES]:
        parts.append(Text(neutralise_line(f"{module.name} ({module.kind})"), style="green"))
        parts += [Text(neutralise_line(f"    {line}")) for line in _module_lines(module)]
    more = len(experiment.modules) - MAX_LISTED_MODULES
    return (*parts, Text(f"and {counted(more, 'more module')}", style="dim")) if more > 0 else tuple(parts)


def _module_lines(module: Module) -> Iterator[str]:
    if module.comment:
        yield module.comment
    for port, source in module.connections.items():
        yield f"{port} from {source}"
    for name, value in (*module.settings.items(), *module.parameters.items()):
        yield f"{name}: {_shown(value)}"


def _shown(value: object) -> str:
    text = str(value)
    first = text.partition("\n")[0][:MAX_SETTING_CHARACTERS]
    return text if first == text else f"{first} …"


def checked_lines(checked: CheckedWork) -> Iterator[str]:
    """What a run would do: how many modules it would reuse, and each that it would execute with its reason."""
    for work in checked.modules[:MAX_LISTED_MODULES]:
        why = f": {reason_words(work.reason)}" if work.words == "runs" else ""
        yield f"{work.module}  {work.words}{why}"
    reused = sum(work.words == "reused" for work in checked.modules)
    runs = sum(work.words == "runs" for work in checked.modules)
    perhaps = len(checked.modules) - reused - runs
    more = f" and perhaps {perhaps:,} more" if perhaps else ""
    yield f"A run would reuse {reused:,} and execute {runs:,}{more}."


def checked_document(checked: CheckedWork) -> dict[str, Any]:
    """`estudio experiment check --json`."""
    return {
        "name": checked.name,
        "file": checked.file,
        "valid": True,
        "parameters": dict(checked.parameters),
        "modules": [
            {
                "name": work.module,
                "kind": work.kind,
                "reason": None if work.reason is None else reason_document(work.reason),
            }
            for work in checked.modules
        ],
    }
