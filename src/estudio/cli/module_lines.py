"""One line for a module of a run: its sign and state, how long it took, what came out, and why it ran.

Names, types and messages come from documents and scripts: whoever prints these lines neutralises them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.cli.folded_frames import printed_traceback
from estudio.cli.state_words import MODULE_WORDS, reason_words
from estudio.core.counted_words import counted
from estudio.core.run import ModuleState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estudio.core.run import ModuleRun, StoredOutput

MAX_NAME_WIDTH = 32
"""Of a module in a list; a longer name keeps its own line straight, not the others."""
_STATE_WIDTH = 9
_SECONDS_WIDTH = 8
TIMES = "\N{MULTIPLICATION SIGN}"
_COUNTED = {ModuleState.WAITING: "waiting", ModuleState.RUNNING: "running"}
_EXECUTED = {ModuleState.FINISHED, ModuleState.FAILED, ModuleState.REUSED}


def name_width(names: Sequence[str]) -> int:
    """The width of the column of names."""
    return min(MAX_NAME_WIDTH, max(map(len, names), default=0))


def module_line(module: ModuleRun, width: int, *, unicode: bool = True) -> str:
    """`✓ rank      finished    0.41 s  8 rows x 2 columns  ran again: script changed`."""
    words = MODULE_WORDS[module.state]
    sign = words.sign if unicode else words.plain_sign
    parts = [
        f"{sign} {module.module:<{width}}",
        f"{words.words:<{_STATE_WIDTH}}",
        f"{duration(module):>{_SECONDS_WIDTH}}",
    ]
    parts.append(outputs_words(module.outputs, unicode=unicode))
    parts.append(_why(module))
    return "  ".join(part for part in parts if part).rstrip()


def _why(module: ModuleRun) -> str:
    if module.state is ModuleState.BLOCKED:
        return str((module.error or {}).get("message") or "")
    return reason_words(module.reason) if module.state in _EXECUTED else ""


def duration(module: ModuleRun) -> str:
    """`0.41 s`; "" before the end, and for what was not executed."""
    if module.started_at is None or module.ended_at is None or module.state is ModuleState.REUSED:
        return ""
    return seconds_words(module.ended_at - module.started_at)


def seconds_words(seconds: float) -> str:
    """`41 ms`, `0.41 s`, `12.3 s`, `3 min 5 s`, `2 h 10 min`."""
    seconds = max(0.0, seconds)
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def outputs_words(outputs: Sequence[StoredOutput], *, unicode: bool = True) -> str:
    """`768 rows x 9 columns`; with several tables each is named."""
    tables = [output for output in outputs if output.row_count is not None]
    if len(tables) == 1:
        return _size(tables[0], unicode=unicode)
    return ", ".join(f"{table.port} {_size(table, unicode=unicode)}" for table in tables)


def _size(output: StoredOutput, *, unicode: bool) -> str:
    rows, columns = output.row_count or 0, len(output.columns)
    by = TIMES if unicode else "x"
    return f"{counted(rows, 'row')} {by} {counted(columns, 'column')}"


def failure_lines(module: ModuleRun, *, unicode: bool = True) -> str:
    """The author's traceback and the message below it, or the message alone."""
    error = module.error or {}
    traceback, message = str(error.get("traceback") or "").rstrip("\n"), str(error.get("message") or "")
    return f"{printed_traceback(traceback, unicode=unicode)}\n{message}" if traceback else message


def counts_words(counts: Mapping[ModuleState, int]) -> str:
    """`3 finished, 5 reused, 1 failed`, in the order of the states."""
    counted = ((state, counts[state]) for state in ModuleState if counts.get(state))
    return ", ".join(f"{count:,} {_COUNTED.get(state) or MODULE_WORDS[state].words}" for state, count in counted)
