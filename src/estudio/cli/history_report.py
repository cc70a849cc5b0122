"""Earlier runs on screen: as a list, one with its modules, one module of it.

Everything from documents and scripts is neutralised here, before it enters a table.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from estudio.cli.module_lines import failure_lines, module_line, name_width, seconds_words
from estudio.cli.state_words import MODULE_WORDS, RUN_WORDS, reason_words
from estudio.cli.untrusted_text import neutralise_line, neutralise_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from estudio.cli.screen import Tone
    from estudio.core.run import ModuleRun, RunRecord

STYLES: dict[Tone, str] = {"good": "green", "warning": "yellow", "error": "bold red", "faint": "dim"}
ALL_CHANGES = 1_000
"""Where one module is looked at, all of its reasons are told."""


def runs_table(runs: Sequence[RunRecord]) -> RenderableType:
    """Runs, one for each line."""
    if not runs:
        return Text("There are no runs yet; `estudio experiment run NAME` makes one.")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="")
    for heading in ("run", "experiment", "state", "started", "took"):
        table.add_column(heading, no_wrap=heading in {"run", "started"})
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
    if module.reason is not None:
        parts.append(Text(neutralise_line(f"Reason: {reason_words(module.reason, most=ALL_CHANGES)}.")))
    if log:
        parts += [Text("It printed:"), Text(neutralise_lines(log).rstrip("\n"))]
    if module.error is not None:
        parts += [Text(neutralise_lines(failure_lines(module)))]
    return tuple(parts)


def local_time(seconds: float) -> str:
    """`2026-11-22 14:05:09`, in this machine's zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
