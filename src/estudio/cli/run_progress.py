"""What is known of a run from the events so far: a value that any view can draw.

It holds the last lines of what runs now, not of what ran: its size does not grow with what scripts print.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from estudio.core.events import ModuleChanged, ModuleOutput, RunChanged
from estudio.core.run import ModuleState

if TYPE_CHECKING:
    from estudio.core.events import Event
    from estudio.core.run import ModuleRun, RunRecord

MAX_LAST_LINES = 3
"""Of a running script: enough to see that it goes on, and where it is."""
MAX_LINE_CHARACTERS = 400
"""Of a line that has not ended yet; a screen shows less."""


class LastLines:
    """The last lines of a text that comes in pieces; the one that has not ended yet counts."""

    def __init__(self) -> None:
        self._ended: deque[str] = deque(maxlen=MAX_LAST_LINES)
        self._open = ""

    def feed(self, text: str) -> None:
        """Take in the next piece. A carriage return begins its line anew, as progress bars mean it."""
        *ended, rest = (self._open + text.replace("\r\n", "\n")).split("\n")
        self._ended.extend(_visible(line) for line in ended[-MAX_LAST_LINES:])
        self._open = rest[-MAX_LINE_CHARACTERS:]

    def lines(self) -> list[str]:
        """At most `MAX_LAST_LINES`, the newest last; empty lines are left out."""
        lines = [line for line in (*self._ended, _visible(self._open)) if line.strip()]
        return lines[-MAX_LAST_LINES:]


def _visible(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2][:MAX_LINE_CHARACTERS]


@dataclass
class RunProgress:
    """A run as far as its events tell."""

    run: RunRecord | None = None
    names: tuple[str, ...] = ()
    modules: dict[str, ModuleRun] = field(default_factory=dict)
    running: dict[str, LastLines] = field(default_factory=dict)
    counts: Counter[ModuleState] = field(default_factory=Counter)
    """How many modules are in each state; those without a word yet wait."""

    def feed(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case RunChanged(run, modules):
                self.run = run
                if modules:
                    self.names, self.counts = modules, Counter({ModuleState.WAITING: len(modules)})
            case ModuleChanged(_, module_run):
                self._move(module_run)
                if module_run.state is ModuleState.RUNNING:
                    self.running[module_run.module] = LastLines()
                else:
                    self.running.pop(module_run.module, None)
            case ModuleOutput(_, module, text):
                if module in self.running:
                    self.running[module].feed(text)

    def _move(self, module: ModuleRun) -> None:
        before = self.modules.get(module.module)
        self.counts[ModuleState.WAITING if before is None else before.state] -= 1
        self.counts[module.state] += 1
        self.modules[module.module] = module
