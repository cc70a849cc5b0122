"""A door whose answers are written beforehand, and one sample of everything that the workspace can answer.

`python -m cli.scripted_door NAME ARGUMENTS…` (with `tests` on the path) runs a real process on one of `DOORS`: for
pipes, terminals and signals.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.cli.door import WorkspaceDoor
from estudio.cli.main import main
from estudio.core.outcome import (
    Image,
    Isolation,
    IsolationLevel,
    ScriptError,
    ScriptState,
    Timings,
    Visualization,
)
from estudio.core.schema import Column, TableSchema
from estudio.errors import EnvironmentNotFound, InvalidDataset
from estudio.modules.script_outcome import ScriptOutcome
from estudio.tables.preview import Preview, PreviewColumn
from estudio.tables.table import Table
from estudio.workspace.environments import EnvironmentSummary
from estudio.workspace.machine import MachineReport, WallState
from estudio.workspace.script_runs import FinishedRun, RunSettings, ScriptFiles, WrittenFiles

if TYPE_CHECKING:
    from collections.abc import Callable


class PlainTable(Table):
    """A table of which only the schema and the number of rows are looked at."""

    def __init__(self, rows: int, *columns: Column) -> None:
        self._rows, self._columns = rows, TableSchema(columns)

    @property
    def schema(self) -> TableSchema:
        return self._columns

    @property
    def row_count(self) -> int:
        return self._rows


TABLE = PlainTable(
    768, Column("pregnancies", "int64", 0), Column("glucose", "float64", 5), Column("región", "large_string", 1)
)
PREVIEW = Preview(
    (
        PreviewColumn("pregnancies", "whole number", 0),
        PreviewColumn("glucose", "number", 5),
        PreviewColumn("región", "text", 1),
    ),
    (("6", "148", "Cádiz"), ("1", "85.5", None), ("8", None, "[red]not markup[/red] \x1b[2J")),
    768,
    3,
)
DEFAULT = EnvironmentSummary(
    "default",
    "3f8a1c0de9b24471a5d6",
    "3.12.1",
    (("numpy", "2.5.1"), ("pandas", "3.1.1")),
    Path("data/environments/3f8a1c0de9b2"),
    812_345_678,
    "built-in",
)
OLD = EnvironmentSummary("old", "77aa00bb11cc22dd33ee", "2.7.18", (("pandas", "0.24.2"),), None, None, "old.toml")
WALLS = (
    WallState("user", "other people's files and rights", stands=True, required=True),
    WallState("network", "every network", stands=True, required=True),
    WallState(
        "cgroup-memory",
        "more memory than allowed",
        stands=False,
        required=False,
        reason="not delegated",
        remedy="Run X.",
    ),
)
FULL_MACHINE = MachineReport(IsolationLevel.FULL, WALLS, "Linux 6.9.1", "x86_64", "0.1.0")
POOR_MACHINE = MachineReport(
    None,
    (
        replace(
            WALLS[0], stands=False, reason="user namespaces are off", remedy="sysctl user.max_user_namespaces=10000"
        ),
        *WALLS[1:],
    ),
    "Linux 6.9.1",
    "x86_64",
    "0.1.0",
)
TIMINGS = Timings(0.25, 0.001, 0.0015, 0.125, 0.0225, 0.4)
WALLED = Isolation(IsolationLevel.FULL, ("user", "network"), ())
FINISHED = FinishedRun(
    ScriptOutcome(ScriptState.FINISHED, TABLE, None, Visualization("printed\n"), "printed\n", TIMINGS, WALLED),
    WrittenFiles(),
    DEFAULT,
)
TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "script.py", line 3, in azureml_main\n'
    "    return frame / 'ñ'\n"
    "TypeError: cannot divide\n"
)
IMAGES = (Image("plot.png", b"\x89PNG1234", 640, 480), Image("trees/second.png", b"\x89PNG12", 30, 20))


def ended(state: ScriptState, error: ScriptError | None, **changes: object) -> FinishedRun:
    """A run that ended in this state."""
    outcome = replace(FINISHED.outcome, state=state, error=error, table=None, **changes)  # type: ignore[arg-type]
    return replace(FINISHED, outcome=outcome)


FAILED = ended(
    ScriptState.FAILED,
    ScriptError("script-raised", "The script raised TypeError: cannot divide.", TRACEBACK, 3, "Error 0085\r\nx"),
)
TIMED_OUT = ended(ScriptState.TIMED_OUT, ScriptError("timed-out", "The script ran longer than its 2 seconds."))
UNWALLED = replace(
    FINISHED, outcome=replace(FINISHED.outcome, isolation=Isolation(IsolationLevel.NONE, (), ("user", "network")))
)


@dataclass
class ScriptedDoor(WorkspaceDoor):
    """Answers as it was told, and remembers what it was asked; a workspace's commands get a real workspace."""

    finished: FinishedRun = FINISHED
    shown: tuple[Preview, ...] = (PREVIEW,)
    progress: tuple[str, ...] = ()
    prints: tuple[bytes, ...] = ()
    to_stdout: bytes = b""
    error: BaseException | None = None
    machine: MachineReport = FULL_MACHINE
    environments: tuple[EnvironmentSummary, ...] = (DEFAULT, OLD)
    files: ScriptFiles | None = None
    settings: RunSettings | None = None
    asked: list[str] = field(default_factory=list)

    def run_files(
        self,
        files: ScriptFiles,
        settings: RunSettings,
        *,
        on_progress: Callable[[str], None],
        on_output: Callable[[bytes], None],
    ) -> FinishedRun:
        self.files, self.settings = files, settings
        for line in self.progress:
            on_progress(line)
        for chunk in self.prints:
            on_output(chunk)
        if self.error is not None:
            raise self.error
        if self.to_stdout:
            sys.stdout.buffer.write(self.to_stdout)
        return self.finished

    def previews(self, finished: FinishedRun) -> tuple[Preview, ...]:  # noqa: ARG002
        return self.shown

    def list_environments(self) -> tuple[EnvironmentSummary, ...]:
        if self.error is not None:
            raise self.error
        return self.environments

    def show_environment(self, name_or_file: str) -> EnvironmentSummary:
        self.asked.append(f"show {name_or_file}")
        return self._environment(name_or_file)

    def build_environment(self, name_or_file: str, on_progress: Callable[[str], None]) -> EnvironmentSummary:
        self.asked.append(f"build {name_or_file}")
        for line in self.progress:
            on_progress(line)
        return self._environment(name_or_file)

    def remove_environment(self, name_or_digest: str) -> tuple[EnvironmentSummary, ...]:
        self.asked.append(f"remove {name_or_digest}")
        return (self._environment(name_or_digest),)

    def _environment(self, name: str) -> EnvironmentSummary:
        for environment in self.environments:
            if name in (environment.name, environment.digest):
                return environment
        raise EnvironmentNotFound(f"No environment is called {name!r}; `estudio environment list` has them.", name=name)

    def examine_machine(self) -> MachineReport:
        return self.machine


class InterruptedDoor(ScriptedDoor):
    """Gets Ctrl-C in the middle of a run."""

    def run_files(
        self,
        files: ScriptFiles,
        settings: RunSettings,
        *,
        on_progress: Callable[[str], None],
        on_output: Callable[[bytes], None],
    ) -> FinishedRun:
        on_progress("resolving packages")
        on_output(b"half a line")
        os.kill(os.getpid(), signal.SIGINT)
        return super().run_files(files, settings, on_progress=on_progress, on_output=on_output)


DOORS = {
    "plain": ScriptedDoor(prints=(b"printed\n",), to_stdout=b""),
    "table": ScriptedDoor(prints=(b"printed\n",), to_stdout=b"a,b\n1,2\n"),
    "building": ScriptedDoor(progress=("resolving packages", "installing pandas"), prints=(b"printed\n",)),
    "flood": ScriptedDoor(prints=(b"x" * 70_000 + b"\n",) * 50),
    "hostile": ScriptedDoor(prints=(b"\x1b]0;owned\x07\x1b[2J\x1b[3", b"1mred\x1b[0m \xc2\x9b5n \xc3", b"\xa9 end")),
    "failed": ScriptedDoor(FAILED, prints=(b"before\n",)),
    "interrupted": InterruptedDoor(),
    "bad-data": ScriptedDoor(error=InvalidDataset("Row 3 of data.csv has 5 fields; give 4.", row=3)),
    "bug": ScriptedDoor(error=KeyError("colour")),
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], door=DOORS[sys.argv[1]]))
