"""Earlier runs on screen: as a list, one with its modules, one module of it.

Everything from documents and scripts is neutralised here, before it enters a table.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from estudio.cli.module_lines import failure_lines, module_line, name_width, seconds_words
from estudio.cli.state_words import MAX_NAMED_CHANGES, MODULE_WORDS, RUN_WORDS, reason_words
from estudio.cli.untrusted_text import neutralise_line, neutralise_lines
from estudio.core.counted_words import counted
from estudio.core.run import ModuleState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from estudio.cli.screen import Tone
    from estudio.core.run import ModuleRun, RunRecord
    from estudio.workspace.comparing import ModuleComparison, RunComparison

STYLES: dict[Tone, str] = {"good": "green", "warning": "yellow", "error": "bold red", "faint": "dim"}
ALL_CHANGES = 1_000
"""Where one module is looked at, all of its reasons are told."""


def runs_table(runs: Sequence[RunRecord]) -> RenderableType:
    """Runs, one for each line."""
    if not runs:
        return Text("There are no runs yet; `estudio experiment run NAME` makes one.")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="")
    for heading in ("run", "experiment", "state", "started", "took"):
        table.add_column(heading, no_wrap=heading != "experiment")
    for run in runs:
        words = RUN_WORDS[run.state]
        table.add_row(
            Text(run.id),
            Text(neutralise_line(run.experiment)),
            Text(words.words + (", in part" if run.partial else ""), style=STYLES.get(words.tone, "")),
            Text(local_time(run.started_at)),
            Text("" if run.ended_at is None else seconds_words(run.ended_at - run.started_at)),
        )
    return table


def run_parts(run: RunRecord, modules: Sequence[ModuleRun], *, unicode: bool) -> tuple[RenderableType, ...]:
    """A run and its modules."""
    words = RUN_WORDS[run.state]
    took = "" if run.ended_at is None else f" after {seconds_words(run.ended_at - run.started_at)}"
    head = f"Run {run.id} of {run.experiment}, started {local_time(run.started_at)}: {words.words}{took}."
    width = name_width([module.module for module in modules])
    parts: list[RenderableType] = [Text(neutralise_line(head), style="bold")]
    for module in modules:
        line = neutralise_line(module_line(module, width, unicode=unicode))
        parts.append(Text(line, style=STYLES.get(MODULE_WORDS[module.state].tone, "")))
    return tuple(parts)


def module_parts(module: ModuleRun, log: str, *, unicode: bool) -> tuple[RenderableType, ...]:
    """All about one module of a run: its line, why it ran, what it printed, its error."""
    tone = MODULE_WORDS[module.state].tone
    line = module_line(module, len(module.module), unicode=unicode)
    parts: list[RenderableType] = [Text(neutralise_line(line), style=STYLES.get(tone, ""))]
    if module.reason is not None and len(module.reason.changes) > MAX_NAMED_CHANGES:
        parts.append(Text(neutralise_line(f"Reason: {reason_words(module.reason, most=ALL_CHANGES)}.")))
    if log:
        parts += [Text("It printed:"), Text(neutralise_lines(log).rstrip("\n"))]
    if module.error is not None:
        parts += [Text(neutralise_lines(failure_lines(module, unicode=unicode)))]
    return tuple(parts)


def run_comparison_parts(compared: RunComparison, *, plain: bool) -> tuple[RenderableType, ...]:
    """Two runs compared: a line for each module that differs, with its reasons, then its tables."""
    from estudio.cli.comparison_report import comparison_parts  # noqa: PLC0415

    head = f"{compared.before.id} and {compared.after.id} of {compared.after.experiment}"
    parts: list[RenderableType] = [Text(neutralise_line(head), style="bold")]
    same = sum(module.change.value == "same" for module in compared.modules)
    for module in compared.modules:
        if module.change.value == "same":
            continue
        parts.append(Text(neutralise_line(f"{module.name}: {_change_words(module)}"), style="yellow"))
        parts += [Text(neutralise_line(f"    {reason}")) for reason in module.reasons]
        for port, tables in module.tables:
            parts += comparison_parts(tables, f"{module.name}.{port}", plain=plain)
    parts.append(Text(f"{same:,} of {counted(len(compared.modules), 'module')} gave the same.", style="dim"))
    return tuple(parts)


def _change_words(module: ModuleComparison) -> str:
    done = {ModuleState.FINISHED, ModuleState.REUSED}
    if module.before is None or module.after is None or {module.before, module.after} <= done:
        return module.change.value
    return f"{module.change.value}, {MODULE_WORDS[module.before].words} before, {MODULE_WORDS[module.after].words} now"


def comparison_document(compared: RunComparison) -> dict[str, Any]:
    """`estudio history compare --json`."""
    from estudio.workspace.table_json import comparison_document as table_document  # noqa: PLC0415

    return {
        "before": compared.before.id,
        "after": compared.after.id,
        "identical": compared.identical,
        "modules": [
            {
                "name": module.name,
                "change": module.change.value,
                "before": None if module.before is None else module.before.value,
                "after": None if module.after is None else module.after.value,
                "reasons": list(module.reasons),
                "tables": {port: table_document(tables) for port, tables in module.tables},
            }
            for module in compared.modules
        ],
    }


def local_time(seconds: float) -> str:
    """`2026-11-22 14:05:09`, in this machine's zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
