"""Running scripts from Python: once, or many times with zygotes kept warm."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from estudio.core.calling import Calling
from estudio.core.limits import Limits
from estudio.core.outcome import IsolationLevel
from estudio.errors import InvalidUsage
from estudio.modules.call_message import ScriptCall
from estudio.modules.execute_python_script import ScriptExecutor
from estudio.modules.inputs import read_script
from estudio.modules.warm_pools import WarmPools
from estudio.tables.reading import read_table
from estudio.tables.table import Table
from estudio.workspace.open import ready_environment, script_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from estudio.modules.script_outcome import ScriptOutcome
    from estudio.modules.script_values import ScriptValue


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
        self._pools = WarmPools(
            script_environment(ready_environment(environment)),
            self._limits,
            level=_as_level(isolation),
            ahead=ready,
        )
        self._executor = ScriptExecutor(self._pools)

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
        parameters: Mapping[str, ScriptValue] | None = None,
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
            parameters: passed by name: numbers, booleans, texts, lists of texts, texts by name.

        Raises:
            InvalidUsage: a value that cannot be passed.
            InvalidInput: the script, a dataset or the bundle cannot be read.
            SandboxUnavailable: this machine does not give the walls.
        """
        source = read_script(script)
        self._pools.pool_for(source)
        call = ScriptCall(
            source,
            (_as_table(dataset1), _as_table(dataset2)),
            bundle,
            _as_calling(calling),
            limits or self._limits,
            seed,
            allow_programs,
            dict(parameters or {}),
        )
        return self._executor.call(call)

    @property
    def busy(self) -> bool:
        """Whether a call is at work."""
        return self._executor.busy

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
    parameters: Mapping[str, ScriptValue] | None = None,
) -> ScriptOutcome:
    """Run one script once, in a sandbox. For many calls keep a `ScriptRunner`: its zygotes stay warm.

    Arguments and errors are those of `ScriptRunner` and `ScriptRunner.run`.
    """
    with ScriptRunner(environment, limits=limits, isolation=isolation, ready=0) as runner:
        return runner.run(
            script,
            dataset1,
            dataset2,
            bundle=bundle,
            calling=calling,
            seed=seed,
            allow_programs=allow_programs,
            parameters=parameters,
        )


def _as_calling(calling: Calling | str) -> Calling:
    try:
        return Calling(calling)
    except ValueError:
        raise InvalidUsage(f"The calling {calling!r} is unknown; say 'classic' or 'designer'.") from None


def _as_level(isolation: IsolationLevel | str) -> IsolationLevel:
    try:
        return IsolationLevel(isolation)
    except ValueError:
        raise InvalidUsage(f"The isolation {isolation!r} is unknown; say 'full' or 'none'.") from None


def _as_table(dataset: object) -> Table | None:
    if dataset is None or isinstance(dataset, Table):
        return dataset
    if isinstance(dataset, str | Path):
        return read_table(dataset)
    if isinstance(dataset, pa.Table | pa.RecordBatch):
        return Table.from_arrow(dataset)
    pandas = sys.modules.get("pandas")  # not imported: whoever has a DataFrame did that
    if pandas is not None and isinstance(dataset, pandas.DataFrame):
        return Table.from_pandas(dataset)
    raise InvalidUsage(
        f"A dataset cannot be of the type {type(dataset).__name__}; give a file's path, a Table, a pyarrow table or a "
        "DataFrame."
    )
