"""What module kinds need from outside, as small protocols that the workspace fills in.

A kind opens files of the snapshot through its call alone; what stands here does not belong to one run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from estudio.errors import DatasetNotFound, OutputFailed
from estudio.modules.file_digests import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from estudio.modules.call_message import ScriptCall
    from estudio.modules.script_outcome import ScriptOutcome


class ScriptCalls(Protocol):
    """Runs the script calls of one environment. Any thread may call it."""

    def call(self, call: ScriptCall, on_output: Callable[[bytes], None] | None = None) -> ScriptOutcome:
        """Run one script call to its end.

        Raises:
            InvalidBundle: the bundle cannot be unpacked.
            SandboxUnavailable: the walls cannot be built, or broke.
            EnvironmentFailed: the environment's packages cannot be imported.
            ServiceBusy: no place for it came free in time.
        """
        ...


class ScriptExecutors(Protocol):
    """Script executors by environment. Any thread may call it."""

    def executor_for(self, environment: str) -> ScriptCalls:
        """The executor of an environment (its name, or the path of its TOML file), made and kept on demand.

        Raises:
            EnvironmentFailed: the environment cannot be had.
        """
        ...

    def environment_digest(self, environment: str) -> str:
        """What an environment's packages are, as a digest; nothing is built or started for it.

        Raises:
            EnvironmentFailed: the environment cannot be found.
        """
        ...


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """Where a registered dataset lies.

    Attributes:
        path: of its file, which does not change while it is used.
        digest: of the file's content.
        format: as `read_table` takes it, where the path's suffix does not say it.
    """

    path: Path
    digest: str
    format: str | None = None


class RegisteredDatasets(Protocol):
    """Datasets that were saved under a name. Any thread may call it."""

    def find_dataset(self, reference: str, *, original: bool) -> DatasetFile:
        """The dataset of `NAME` or `NAME@VERSION`.

        Args:
            reference: the name.
            original: the file as it was added, to be read anew; otherwise the table that was made of it.

        Raises:
            DatasetNotFound: there is none.
        """
        ...


class NoDatasets:
    """A place without registered datasets."""

    def find_dataset(self, reference: str, *, original: bool) -> DatasetFile:  # noqa: ARG002 -- the protocol's
        """Raises DatasetNotFound."""
        raise DatasetNotFound(
            f"There is no dataset {reference!r}. Write the path of a file, or add it: estudio dataset add.",
            dataset=reference,
        )


def no_exports(path: str) -> Path:
    """Refuses. Raises OutputFailed."""
    raise OutputFailed(f"{path} cannot be written: nothing may be exported from here.", path=path)


def is_new_python(environment: str) -> bool:  # noqa: ARG001 -- what is asked for
    """Python 2 is nowhere."""
    return False


@dataclass(frozen=True, slots=True)
class KindParts:
    """What kinds are given.

    Attributes:
        executors: run scripts.
        datasets: by name.
        file_digest: the digest of a file's content, or of a folder's; may remember it.
        is_python2: whether an environment has Python 2, by its name or file; raises EnvironmentNotFound.
        export_path: where a path of the workspace is written, inside or refused (OutputFailed).
    """

    executors: ScriptExecutors
    datasets: RegisteredDatasets = field(default_factory=NoDatasets)
    file_digest: Callable[[Path], str] = digest_of
    is_python2: Callable[[str], bool] = is_new_python
    export_path: Callable[[str], Path] = no_exports
