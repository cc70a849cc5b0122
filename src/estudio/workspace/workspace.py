"""A workspace from Python: its experiments, runs and datasets.

with estudio.Workspace.open() as workspace:
    run = workspace.experiment("pima").run({"trees": 500})
    print(run["rank"].results.to_pandas())
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from estudio.errors import RunNotFound
from estudio.workspace.experiments import ExperimentSummary, WorkspaceExperiment, summary_of
from estudio.workspace.folder import find_workspace
from estudio.workspace.open import WorkspaceParts
from estudio.workspace.restoring import RestoredRun, restore_run
from estudio.workspace.runs import Run

if TYPE_CHECKING:
    from types import TracebackType

    from estudio.core.run import RunRecord
    from estudio.workspace.comparing import RunComparison
    from estudio.workspace.datasets import SavedDatasets
    from estudio.workspace.folder import WorkspaceFolder
    from estudio.workspace.jobs import WorkspaceJobs
    from estudio.workspace.services import WorkspaceServices
    from estudio.workspace.studio_objects import StudioObjects
    from estudio.workspace.upkeep import PrunedStore, VerifiedStore

LATEST = "latest"
"""Instead of a run's id."""


class Workspace:
    """One folder with experiments, and what is kept of their runs. Use it as a context manager, or call `close`.

    Attributes:
        folder: where it lies.
    """

    def __init__(self, folder: WorkspaceFolder) -> None:
        self.folder = folder
        self._parts = WorkspaceParts(folder)

    @classmethod
    def open(cls, path: str | Path | None = None) -> Self:
        """The workspace in this folder; without one, that of the current folder or of the nearest one above it.

        Raises:
            InvalidWorkspace: there is none, or it is of a later version.
        """
        return cls(find_workspace(path))

    @property
    def repaired(self) -> tuple[RunRecord, ...]:
        """Runs whose process had died: they are interrupted now, and what they finished is kept. Raises StoreFailed."""
        return self._parts.repaired

    def experiments(self) -> tuple[ExperimentSummary, ...]:
        """All experiments by name, each with its newest run. A document that is not valid is among them."""
        return tuple(summary_of(self.experiment(name), self._newest(name)) for name in self.folder.experiment_names())

    def experiment(self, name: str) -> WorkspaceExperiment:
        """An experiment, by its name or its document's path. Raises ExperimentNotFound."""
        return WorkspaceExperiment(self._parts, self.folder.experiment_path(name))

    def runs(self, experiment: str | None = None, limit: int | None = None) -> tuple[Run, ...]:
        """Runs, the newest first. Raises StoreFailed."""
        _ = self.repaired
        return tuple(map(self._run, self._parts.database.runs.list_runs(experiment, limit)))

    def run(self, run_id: str = LATEST, experiment: str | None = None) -> Run:
        """A run by its id, by the beginning of one, or the newest one.

        Args:
            run_id: the id, its beginning, or `latest`.
            experiment: of which the latest is meant; of all where it is None.

        Raises:
            RunNotFound: there is none, or several ids begin so.
        """
        if run_id != LATEST:
            return self._run(self._parts.database.runs.get_run(run_id))
        found = self.runs(experiment, limit=1)
        if not found:
            if experiment is not None:
                self.experiment(experiment)
            of = f" of {experiment}" if experiment else ""
            raise RunNotFound(f"There are no runs{of} yet; `estudio experiment run {experiment or 'NAME'}` makes one.")
        return found[0]

    def remove_run(self, run_id: str) -> RunRecord:
        """Forget a run; what only it kept is freed by `prune`. Raises RunNotFound; StateConflict while it runs."""
        run = self.run(run_id)
        self._parts.database.runs.remove_run(run.id)
        return run.record

    def compare(self, before: str | None = None, after: str = LATEST) -> RunComparison:
        """Compare two runs.

        Args:
            before: the id of the first; without one the run of the same experiment before the second.
            after: the id of the second, or `latest`.

        Raises:
            RunNotFound: there is no such run, or none before it.
            StoreFailed: a table that differs is gone or damaged.
        """
        from estudio.workspace.comparing import compare_runs  # noqa: PLC0415 - rarely asked for

        second = self.run(after)
        return compare_runs(self._run_before(second) if before is None else self.run(before), second)

    def _run_before(self, run: Run) -> Run:
        earlier = [each for each in self.runs(run.experiment) if each.id < run.id]
        if not earlier:
            raise RunNotFound(
                f"Run {run.id} of {run.experiment} is the first one; there is nothing before it to compare with. "
                "Change something and run it again, or name two runs.",
                run=run.id,
            )
        return earlier[0]

    def restore(self, run_id: str, folder: str | Path) -> RestoredRun:
        """Write the documents, scripts and bundles of a run into a new folder. Raises RunNotFound, OutputFailed."""
        return restore_run(self._parts.objects, self.run(run_id).record, Path(folder))

    def verify(self) -> VerifiedStore:
        """Read everything that is kept, and compare it with its digest. Raises StoreFailed."""
        from estudio.workspace.upkeep import verify_store  # noqa: PLC0415 - rarely asked for

        return verify_store(self._parts.database, self._parts.objects)

    def prune(self, *, keep_runs: int | None = None, dry_run: bool = False) -> PrunedStore:
        """Remove what no run, dataset, web service or job refers to; see `upkeep.prune_store`. Raises StoreFailed."""
        from estudio.workspace.upkeep import prune_store  # noqa: PLC0415 - the same

        _ = self.repaired
        return prune_store(self._parts.database, self._parts.objects, keep_runs=keep_runs, dry_run=dry_run)

    @property
    def datasets(self) -> SavedDatasets:
        """Datasets by name: `add`, `list`, `get`, `versions`, `table`, `remove`. Raises StoreFailed."""
        return self._parts.datasets

    def studio(self, workspace_id: str) -> StudioObjects:
        """Its objects as clients of the old Studio know them; ids begin with the workspace's own."""
        from estudio.workspace.studio_objects import StudioObjects  # noqa: PLC0415 - only where it is served

        return StudioObjects(workspace_id, self, self._parts)

    @cached_property
    def services(self) -> WorkspaceServices:
        """Web services: `publish`, `list`, `promote`, `endpoints`, `keys`. Raises StoreFailed."""
        from estudio.workspace.services import WorkspaceServices  # noqa: PLC0415 - the same

        return WorkspaceServices(self._parts)

    @property
    def jobs(self) -> WorkspaceJobs:
        """Batch calls of web services: `create`, `upload`, `start`, `get`, `list`, `cancel`. Raises StoreFailed."""
        return self._parts.jobs

    def close(self) -> None:
        """End all processes, and let go of the database."""
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Workspace {self.folder.name} in {self.folder.root}>"

    def _newest(self, experiment: str) -> RunRecord | None:
        if not self.folder.state.exists():
            return None
        return next(iter(self._parts.database.runs.list_runs(experiment, 1)), None)

    def _run(self, record: RunRecord) -> Run:
        return Run(record, self._parts.database.runs, self._parts.objects)
