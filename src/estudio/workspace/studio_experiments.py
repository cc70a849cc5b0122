"""Experiments as the old client library knows them: ids, the state of the last run, and what its ports gave.

A name of the old system for a port (`Results dataset`) means the port of ours that took its place.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from estudio.core.module_kind import PortType
from estudio.core.run import RunState
from estudio.errors import ExperimentNotFound, InvalidDocument, PortNotFound, RunNotFound
from estudio.workspace.exports import experiment_json

if TYPE_CHECKING:
    from estudio.workspace.experiments import ExperimentSummary
    from estudio.workspace.runs import Run, RunModule
    from estudio.workspace.workspace import Workspace

STATUS_CODES = {
    RunState.RUNNING: "Running",
    RunState.FINISHED: "Finished",
    RunState.FINISHED_WITH_FAILURES: "Failed",
    RunState.FAILED: "Failed",
    RunState.CANCELLED: "Canceled",
    RunState.INTERRUPTED: "Failed",
}
"""Our states in the old system's words."""
NEVER_RUN = "InDraft"


@dataclass(frozen=True, slots=True)
class StudioExperiment:
    """One experiment in a list. `etag` changes with its document; times are seconds since the epoch."""

    id: str
    summary: ExperimentSummary
    etag: str
    created_at: float

    @property
    def status_code(self) -> str:
        """The state of the last run."""
        run = self.summary.last_run
        return NEVER_RUN if run is None else STATUS_CODES[run.state]


class StudioExperiments:
    """The experiments of one workspace, for old clients."""

    def __init__(self, workspace_id: str, workspace: Workspace) -> None:
        self._workspace_id = workspace_id
        self._workspace = workspace

    def list(self) -> list[StudioExperiment]:
        """All, by name. Raises StoreFailed."""
        return [self._of(summary) for summary in self._workspace.experiments()]

    def get(self, experiment_id: str) -> StudioExperiment:
        """By its id, or its name. Raises ExperimentNotFound."""
        name = self.name_of(experiment_id)
        return next(each for each in self.list() if each.summary.name == name)

    def graph(self, name: str) -> dict[str, Any] | None:
        """The experiment as a JSON object; None where its document is not valid. Raises ExperimentNotFound."""
        try:
            return experiment_json(self._workspace.experiment(name).graph())
        except InvalidDocument:
            return None

    def name_of(self, experiment_id: str) -> str:
        """The name of the experiment with this id or name. Raises ExperimentNotFound."""
        for name in self._workspace.folder.experiment_names():
            if experiment_id in (name, self.id_of(name)):
                return name
        raise ExperimentNotFound(f"There is no experiment with the id {experiment_id[:120]!r}.", name=experiment_id)

    def id_of(self, name: str) -> str:
        """`WORKSPACE.f-id.…`, in the old system's form; made of the name."""
        return f"{self._workspace_id}.f-id.{hashlib.sha256(f'experiment {name}'.encode()).hexdigest()[:32]}"

    def output(self, experiment_id: str, module: str, port: str, format: str = "csv") -> bytes:  # noqa: A002 - the field's word
        """What a port gave in the newest run in which its module has a result, as a file.

        Args:
            experiment_id: or its name.
            module: its name in the experiment.
            port: our name, or the old system's.
            format: of a table: `csv` or `tsv`.

        Raises:
            ExperimentNotFound, RunNotFound: nothing of that id, or it never ran.
            ModuleNotFound, PortNotFound: the newest run has no such module or port.
            ObjectMissing, ObjectDamaged: the result is lost.
        """
        name = self.name_of(experiment_id)
        found = self._newest_with(name, module)
        stored = found.stored(our_port(found, port))
        if stored.type != PortType.TABLE.value:
            raise PortNotFound(
                f"The port {port[:80]!r} of {module} gives no table but a {stored.type}; look at it in the run itself.",
                module=module,
                port=port,
            )
        from estudio.tables.writing import write_table  # noqa: PLC0415 - needs Arrow

        file = io.BytesIO()
        write_table(found.output(stored.port), file, format)
        return file.getvalue()

    def _newest_with(self, experiment: str, module: str) -> RunModule:
        """The module in the newest run that has outputs of it; else in the newest run."""
        newest: Run | None = None
        for run in self._workspace.runs(experiment, limit=50):
            newest = newest or run
            if module in run and run[module].record.outputs:
                return run[module]
        if newest is None:
            raise RunNotFound(f"The experiment {experiment} has not been run; `estudio experiment run {experiment}`.")
        return newest[module]

    def _of(self, summary: ExperimentSummary) -> StudioExperiment:
        path = self._workspace.folder.root / summary.file
        try:
            content, created_at = path.read_bytes(), path.stat().st_mtime
        except OSError:
            content, created_at = b"", 0.0
        if summary.last_run is not None:
            created_at = summary.last_run.started_at
        return StudioExperiment(self.id_of(summary.name), summary, hashlib.sha256(content).hexdigest()[:32], created_at)


def our_port(module: RunModule, port: str) -> str:
    """Our name for a port: the name itself, or what an old name means.

    `Results dataset` is `results`, `Results dataset1` `results1` or else the first table, `Results dataset2`
    `results2`; `Python device` is `visualization`. Case and blanks do not matter.
    """
    ports = module.ports
    if port in ports:
        return port
    folded = re.sub(r"[\s_]+", "", port).casefold().replace("resultsdataset", "results")
    folded = {"pythondevice": "visualization", "rdevice": "visualization"}.get(folded, folded)
    if folded in ports:
        return folded
    tables = [output.port for output in module.record.outputs if output.type == PortType.TABLE.value]
    number = {"results": 0, "results1": 0, "dataset": 0, "results2": 1}.get(folded)
    return tables[number] if number is not None and number < len(tables) else port
