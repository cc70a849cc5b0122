"""Running one script on files: from the names that a person gives to the outcome, its files written.

The zygote is started before Arrow is imported and the datasets are read: a cold run costs the longer of the two, not
their sum. So the imports of all that needs Arrow stand inside the functions.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.core.calling import Calling
from estudio.core.limits import Limits
from estudio.core.outcome import IsolationLevel
from estudio.errors import InvalidUsage, OutputFailed
from estudio.modules.inputs import read_script
from estudio.modules.warm_pools import WarmPools
from estudio.tables.formats import file_kind
from estudio.workspace.environments import EnvironmentSummary, summary_of
from estudio.workspace.open import ready_environment, script_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.modules.inputs import ScriptSource
    from estudio.modules.script_outcome import ScriptOutcome
    from estudio.tables.table import Table

STANDARD_STREAM = Path("-")


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
    """Run a script on files and write its results.

    Args:
        files: what to read and write.
        settings: how to run.
        on_progress: is told lines while an environment is built.
        on_output: is given what the script prints, as it prints it.

    Raises:
        EstudioError: see `estudio.errors`; never for what the script did.
    """
    if files.dataset1 == files.dataset2 == STANDARD_STREAM:
        raise InvalidUsage("Both datasets are `-`; standard input can be read once. Give one of them as a file.")
    check_output_names(files)
    script = read_script(files.script)
    built = ready_environment(settings.environment, on_progress)
    pools = WarmPools(script_environment(built), settings.limits, level=settings.isolation, ahead=0)
    try:
        pools.pool_for(script)
        outcome = _call(pools, script, files, settings, on_output)
    finally:
        pools.close()
    return FinishedRun(outcome, _write(outcome, files), summary_of(built))


def check_output_names(files: ScriptFiles) -> None:
    """See, before anything is run, that the outputs have a known format and a folder. Raises OutputFailed."""
    for path in (files.output, files.output2):
        if path is None or path == STANDARD_STREAM:
            continue
        file_kind(path, None, OutputFailed)
        if not path.absolute().parent.is_dir():
            raise OutputFailed(
                f"There is no folder {path.parent} for the result {path.name}. Make it first.", path=str(path)
            )


def _call(
    pools: WarmPools,
    script: ScriptSource,
    files: ScriptFiles,
    settings: RunSettings,
    on_output: Callable[[bytes], None],
) -> ScriptOutcome:
    from estudio.modules.call_message import ScriptCall  # noqa: PLC0415 -- see above
    from estudio.modules.execute_python_script import ScriptExecutor  # noqa: PLC0415

    call = ScriptCall(
        script,
        (_read(files.dataset1), _read(files.dataset2)),
        files.bundle,
        settings.calling,
        settings.limits,
        settings.seed,
        settings.allow_programs,
    )
    executor = ScriptExecutor(pools)
    try:
        return executor.call(call, on_output)
    finally:
        executor.close()


def _read(path: Path | None) -> Table | None:
    from estudio.tables.reading import read_csv_stream, read_table  # noqa: PLC0415 -- see above

    if path is None:
        return None
    if path == STANDARD_STREAM:
        return read_csv_stream(sys.stdin.buffer)
    return read_table(path)


def _write(outcome: ScriptOutcome, files: ScriptFiles) -> WrittenFiles:
    from estudio.tables.writing import write_table  # noqa: PLC0415 -- see above

    for table, path in ((outcome.table, files.output), (outcome.table2, files.output2)):
        if table is not None and path is not None:
            write_table(table, sys.stdout.buffer if path == STANDARD_STREAM else path)
    return WrittenFiles(
        files.output if outcome.table is not None else None,
        files.output2 if outcome.table2 is not None else None,
        () if files.figures is None else _write_figures(outcome, files.figures),
    )


def _write_figures(outcome: ScriptOutcome, folder: Path) -> tuple[Path, ...]:
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for image in outcome.visualization.images:
            path = folder / image.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(image.png)
            written.append(path)
    except OSError as error:
        raise OutputFailed(f"The figures cannot be written to {folder}: {error.strerror}.", path=str(folder)) from error
    return tuple(written)
