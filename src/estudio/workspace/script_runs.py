"""Running scripts: from the names a person gives to the outcome, its files written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from estudio.core.calling import Calling
from estudio.core.limits import Limits
from estudio.core.outcome import IsolationLevel
from estudio.modules.script_outcome import ScriptOutcome
from estudio.workspace.environments import EnvironmentSummary


@dataclass(frozen=True, slots=True)
class ScriptFiles:
    """The files of one run. `-` is standard input for a dataset, standard output for the output, as CSV."""

    script: Path
    dataset1: Path | None = None
    dataset2: Path | None = None
    bundle: Path | None = None
    output: Path | None = None
    output2: Path | None = None
    figures: Path | None = None


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a script is run."""

    environment: str = "default"
    calling: Calling = Calling.CLASSIC
    limits: Limits = field(default_factory=Limits)
    seed: int | None = None
    isolation: IsolationLevel = IsolationLevel.FULL
    allow_programs: bool = False


@dataclass(frozen=True, slots=True)
class WrittenFiles:
    """Where results went."""

    output: Path | None = None
    output2: Path | None = None
    figures: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """The outcome of a run, the files that were written, and the environment that it ran in."""

    outcome: ScriptOutcome
    written: WrittenFiles
    environment: EnvironmentSummary


def run_files(
    files: ScriptFiles,
    settings: RunSettings,
    *,
    on_progress: Callable[[str], None],
    on_output: Callable[[bytes], None],
) -> FinishedRun:
    """Run a script on files and write its results."""
    raise NotImplementedError
