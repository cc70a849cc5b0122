"""Running scripts: once from files, once from Python, many times by a warm runner.

Datasets are read while the zygote starts: a cold run costs the longer of the two, not their sum.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from estudio.core.calling import Calling
from estudio.core.limits import Limits
from estudio.core.outcome import IsolationLevel
from estudio.errors import InvalidUsage, OutputFailed
from estudio.modules.call_message import ScriptCall
from estudio.modules.execute_python_script import ScriptExecutor
from estudio.modules.inputs import read_script
from estudio.tables.reading import read_csv_stream, read_table
from estudio.tables.table import Table
from estudio.tables.writing import write_table
from estudio.workspace.environments import EnvironmentSummary, summary_of
from estudio.workspace.open import ready_environment, script_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from estudio.modules.script_outcome import ScriptOutcome

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
    script = read_script(files.script)
    built = ready_environment(settings.environment, on_progress)
    executor = ScriptExecutor(script_environment(built), limits=settings.limits, isolation=settings.isolation, ahead=0)
    try:
        executor.warm()
        call = ScriptCall(
            script,
            _read(files.dataset1),
            _read(files.dataset2),
            files.bundle,
            settings.calling,
            settings.limits,
            settings.seed,
            settings.allow_programs,
        )
        outcome = executor.call(call, on_output)
    finally:
        executor.close()
    return FinishedRun(outcome, _write(outcome, files), summary_of(built))


def _read(path: Path | None) -> Table | None:
    if path is None:
        return None
    if path == STANDARD_STREAM:
        return read_csv_stream(sys.stdin.buffer)
    return read_table(path)


def _write(outcome: ScriptOutcome, files: ScriptFiles) -> WrittenFiles:
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


class ScriptRunner:
    """Runs scripts in one environment, with zygotes kept warm between calls. Any thread may call `run`.

    Use it as a context manager:

        with ScriptRunner() as runner:
            outcome = runner.run("rank_features.py", "diabetes.csv")

    Args:
        environment: the name of an environment, or the path of its TOML file.
        limits: what each call may take, unless the call says otherwise.
        isolation: `full`, or `none` for no walls at all.
        ready: how many guests are kept ready ahead of calls.

    Raises:
        EnvironmentFailed: the environment cannot be had.
        SandboxUnavailable: this machine does not give the walls (at the first call).
    """

    def __init__(
        self,
        environment: str | Path = "default",
        *,
        limits: Limits | None = None,
        isolation: IsolationLevel | str = IsolationLevel.FULL,
        ready: int = 2,
    ) -> None:
        self._limits = limits or Limits()
        self._executor = ScriptExecutor(
            script_environment(ready_environment(environment)),
            limits=self._limits,
            isolation=IsolationLevel(isolation),
            ahead=ready,
        )

    def run(  # noqa: PLR0913 -- a call has this many sides, all but three by keyword
        self,
        script: str | Path,
        dataset1: object = None,
        dataset2: object = None,
        *,
        bundle: str | Path | None = None,
        calling: Calling | str = Calling.CLASSIC,
        limits: Limits | None = None,
        seed: int | None = None,
        allow_programs: bool = False,
    ) -> ScriptOutcome:
        """Run one script. What the script does wrong is in the outcome; only bad input and our own failures raise.

        Args:
            script: a path, or source text when it contains a newline.
            dataset1: the first port: a file's path, a `Table`, a pyarrow table, a DataFrame, or None.
            dataset2: the second port, alike.
            bundle: a zip file or a folder of helper modules and data.
            calling: `classic` or `designer`.
            limits: what this call may take.
            seed: makes Python's and NumPy's random numbers the same in every run.
            allow_programs: let the script start programs.

        Raises:
            InvalidInput: the script, a dataset or the bundle cannot be read.
            SandboxUnavailable: this machine does not give the walls.
        """
        source = read_script(script)
        self._executor.warm(source)
        call = ScriptCall(
            source,
            _as_table(dataset1),
            _as_table(dataset2),
            bundle,
            _as_calling(calling),
            limits or self._limits,
            seed,
            allow_programs,
        )
        return self._executor.call(call)

    def close(self) -> None:
        """Cancel running calls and end all processes."""
        self._executor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def run_script(  # noqa: PLR0913 -- the same
    script: str | Path,
    dataset1: object = None,
    dataset2: object = None,
    *,
    bundle: str | Path | None = None,
    environment: str | Path = "default",
    calling: Calling | str = Calling.CLASSIC,
    limits: Limits | None = None,
    seed: int | None = None,
    isolation: IsolationLevel | str = IsolationLevel.FULL,
    allow_programs: bool = False,
) -> ScriptOutcome:
    """Run one script once, in a sandbox. For many calls keep a `ScriptRunner`: its zygotes stay warm.

    Arguments and errors are those of `ScriptRunner` and `ScriptRunner.run`.
    """
    with ScriptRunner(environment, limits=limits, isolation=isolation, ready=0) as runner:
        return runner.run(
            script, dataset1, dataset2, bundle=bundle, calling=calling, seed=seed, allow_programs=allow_programs
        )


def _as_calling(calling: Calling | str) -> Calling:
    try:
        return Calling(calling)
    except ValueError:
        raise InvalidUsage(f"The calling {calling!r} is unknown; say 'classic' or 'designer'.") from None


def _as_table(dataset: object) -> Table | None:
    import pyarrow as pa  # noqa: PLC0415 -- a command line that only shows its help does not pay for it

    if dataset is None or isinstance(dataset, Table):
        return dataset
    if isinstance(dataset, str | Path):
        return read_table(dataset)
    if isinstance(dataset, pa.Table | pa.RecordBatch):
        return Table.from_arrow(dataset)
    if type(dataset).__module__.startswith("pandas.") and hasattr(dataset, "columns"):
        return Table.from_pandas(dataset)
    raise InvalidUsage(
        f"A dataset is a {type(dataset).__name__}; give a file's path, a Table, a pyarrow table or a DataFrame."
    )
