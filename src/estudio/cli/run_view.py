"""A run while it goes on, for people: a line for each module that ended, and on a terminal what runs now below them.

Lines of modules are permanent, so that nothing is lost when a run has thousands; only the part below is drawn anew.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol, Self

from estudio.cli.module_lines import counts_words, failure_lines, module_line, name_width, seconds_words
from estudio.cli.run_progress import RunProgress
from estudio.cli.state_words import MODULE_WORDS, RUN_WORDS
from estudio.core.counted_words import counted
from estudio.core.events import ModuleChanged, ModuleOutput, RunChanged
from estudio.core.run import ModuleState, RunState

if TYPE_CHECKING:
    from types import TracebackType

    from estudio.cli.screen import Tone
    from estudio.core.events import Event
    from estudio.core.run import ModuleRun, RunRecord

MAX_QUIET_LINES = 100
"""Lines for modules that were not executed, such as reused ones; of more, only their number is said at the end."""
_QUIET = {ModuleState.REUSED, ModuleState.BLOCKED, ModuleState.SKIPPED, ModuleState.CANCELLED}
_UNTOLD = {ModuleState.WAITING, ModuleState.RUNNING}
INDENT = "    "


class Lines(Protocol):
    """Where the view's lines go. `cli.screen_lines` has one for terminals and one for all else."""

    unicode: bool
    """Whether signs beyond ASCII can be shown."""
    live: bool
    """Whether `draw` shows what runs now; else what scripts print becomes lines."""

    def tell(self, text: str, tone: Tone = "plain") -> None:
        """One line, or several, that stay."""
        ...

    def draw(self, progress: RunProgress) -> None:
        """Show what runs now."""
        ...

    def end(self) -> None:
        """Take away what was drawn."""
        ...


class RunView:
    """Shows the events of one run, in any thread's order of calls."""

    def __init__(self, lines: Lines) -> None:
        self.progress = RunProgress()
        self._lines = lines
        self._lock = threading.Lock()
        self._width = 0
        self._quiet = 0
        self._open: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.end()

    def show(self, event: Event) -> None:
        """Show the next event."""
        with self._lock:
            self.progress.feed(event)
            match event:
                case RunChanged(run, modules):
                    self._show_run(run, modules)
                case ModuleChanged(_, module):
                    self._show_module(module)
                case ModuleOutput(_, name, text):
                    self._show_output(name, text)
            self._lines.draw(self.progress)

    def note(self, line: str) -> None:
        """Say something that is no event: how building an environment goes on."""
        with self._lock:
            self._lines.tell(line, "faint")

    def _show_run(self, run: RunRecord, modules: tuple[str, ...]) -> None:
        if run.state is RunState.RUNNING:
            self._width = name_width(modules)
            self._lines.tell(f"Run {run.id} of {run.experiment}: {counted(len(modules), 'module')}.")
            return
        self._lines.end()
        if self._quiet > MAX_QUIET_LINES:
            unsaid = self._quiet - MAX_QUIET_LINES
            were = "was" if unsaid == 1 else "were"
            self._lines.tell(f"… and {counted(unsaid, 'more module')} that {were} not executed.", "faint")
        words = RUN_WORDS[run.state]
        took = "" if run.ended_at is None else f" after {seconds_words(run.ended_at - run.started_at)}"
        self._lines.tell(f"Run {words.words}{took}: {counts_words(self.progress.counts)}.", words.tone)

    def _show_module(self, module: ModuleRun) -> None:
        self._show_output(module.module, "\n" if self._open.get(module.module) else "")
        self._quiet += module.state in _QUIET
        if module.state in _UNTOLD or (module.state in _QUIET and self._quiet > MAX_QUIET_LINES):
            return
        line = module_line(module, self._width, unicode=self._lines.unicode)
        self._lines.tell(line, MODULE_WORDS[module.state].tone)
        if module.state is ModuleState.FAILED:
            self._lines.tell(_indented(failure_lines(module, unicode=self._lines.unicode)))

    def _show_output(self, name: str, text: str) -> None:
        """Whole lines only, each with its module before it: two scripts that print at once stay apart."""
        if self._lines.live:
            return
        *ended, self._open[name] = (self._open.get(name, "") + text).split("\n")
        for line in ended:
            self._lines.tell(f"{INDENT}{name} | {line.rstrip(chr(13)).rpartition(chr(13))[2]}", "faint")


def _indented(text: str) -> str:
    return "\n".join(f"{INDENT}{line}" for line in text.splitlines())
