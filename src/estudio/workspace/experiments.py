"""An experiment of the workspace: checked, run, exported.

Its document is read anew for each of these: it may be edited between two runs.
"""

from __future__ import annotations

import importlib
import platform
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from estudio import __version__
from estudio.core.run import ReasonCode, RunRecord, RunState
from estudio.documents.experiment_document import read_experiment_document
from estudio.documents.workspace_files import WorkspaceFiles
from estudio.documents.workspace_settings import SETTINGS_FILE
from estudio.engine.budget import machine_budget
from estudio.engine.executor import Execution, Surroundings
from estudio.engine.frozen_files import FrozenFiles
from estudio.engine.plan import RunOptions, plan_run
from estudio.engine.repair import new_run_folder, new_run_id
from estudio.engine.reuse import Past
from estudio.engine.snapshot import Snapshot, save_snapshot
from estudio.errors import InvalidDocument
from estudio.store.owners import this_process
from estudio.workspace.exports import ExportedExperiment, NotedFiles, experiment_json, write_json, write_zip
from estudio.workspace.open import RUN_FOLDERS
from estudio.workspace.preparation import ENVIRONMENT, Preparer
from estudio.workspace.runs import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from estudio.core.events import Event
    from estudio.core.experiment import Experiment
    from estudio.core.module_kind import Value
    from estudio.core.run import Reason
    from estudio.engine.plan import Plan
    from estudio.workspace.open import WorkspaceParts
    from estudio.workspace.preparation import PreparedExperiment


@dataclass(frozen=True, slots=True)
class ExperimentSummary:
    """An experiment in a list. `modules` is None where the document is not valid; then `problem` is the first one."""

    name: str
    title: str
    file: str
    modules: int | None
    problem: str
    last_run: RunRecord | None


@dataclass(frozen=True, slots=True)
class PlannedWork:
    """What a run would do with a module: `reason` is None where that depends on modules before it."""

    module: str
    kind: str
    reason: Reason | None

    @property
    def words(self) -> str:
        """`reused`, `runs`, or `runs if what it needs changed`."""
        if self.reason is None:
            return "runs if its inputs changed"
        return "reused" if self.reason.code is ReasonCode.REUSED else "runs"


@dataclass(frozen=True, slots=True)
class CheckedWork:
    """A valid experiment, and what a run of it would do."""

    name: str
    file: str
    modules: tuple[PlannedWork, ...]
    parameters: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A run, and the experiment as it was when it began."""

    prepared: PreparedExperiment
    run: Run


class WorkspaceExperiment:
    """An experiment of a workspace, by its document.

    Attributes:
        name: its file's name without the suffix.
        file: its document, relative to the workspace.
    """

    def __init__(self, parts: WorkspaceParts, path: Path) -> None:
        self._parts = parts
        self._path = path
        self.name = path.stem
        self.file = path.relative_to(parts.folder.root).as_posix()

    def __repr__(self) -> str:
        return f"<WorkspaceExperiment {self.name}>"

    @property
    def title(self) -> str:
        """Its name for people."""
        return read_experiment_document(self._path, self.file).name

    def module_names(self) -> tuple[str, ...]:
        """The names of its modules, though the document may be wrong elsewhere. Raises InvalidDocument."""
        return tuple(read_experiment_document(self._path, self.file).modules)

    def graph(self) -> Experiment:
        """The experiment as a value. Raises InvalidDocument with all problems, as `file:line: message`."""
        return self._prepare({}).experiment

    def check(self, parameters: Mapping[str, Value] | None = None) -> CheckedWork:
        """Check the document and all that it names, and plan a run without running it. Raises as `run`."""
        prepared = self._prepare(parameters or {})
        plan, _ = self._plan(prepared, RunOptions(seed=self._parts.folder.settings.seed), self._find())
        work = (
            PlannedWork(name, module.module.kind, plan.decided[name].reason if name in plan.decided else None)
            for name, module in prepared.modules.items()
        )
        return CheckedWork(self.name, self.file, tuple(work), prepared.parameters)

    def run(
        self,
        parameters: Mapping[str, Value] | None = None,
        *,
        to: str | Iterable[str] | None = None,
        fresh: bool = False,
        parallel: int | None = None,
        on_event: Callable[[Event], None] | None = None,
        on_progress: Callable[[str], None] | None = None,
    ) -> Run:
        """Run it; what a script does wrong is in the run, only bad input and our own failures raise.

        Args:
            parameters: of the experiment, for this run; a text is read as the parameter's type.
            to: a module or several: only these and what they need.
            fresh: reuse nothing.
            parallel: how many modules run at once, at most; one for each core without it.
            on_event: told what happens, as `estudio.core.events`, in one thread of its own.
            on_progress: told in words when an environment is built.

        Raises:
            InvalidDocument: the document is not valid; `problems` has all of it.
            InvalidUsage: a parameter that it has not, or of a wrong value.
            ModuleNotFound: `to` names none of its modules.
            StoreFailed: results cannot be kept.
            SandboxUnavailable: this machine does not give the walls.
            EnvironmentFailed: an environment cannot be had.
            KeyboardInterrupt: Ctrl-C; the run is cancelled, and what it finished is kept.
        """
        targets = (to,) if isinstance(to, str) else tuple(to or ())
        return self.run_prepared(
            parameters, targets, fresh=fresh, parallel=parallel, on_event=on_event, on_progress=on_progress
        ).run

    def run_prepared(  # noqa: PLR0913 -- as `run`
        self,
        parameters: Mapping[str, Value] | None = None,
        targets: tuple[str, ...] = (),
        *,
        fresh: bool = False,
        parallel: int | None = None,
        check: Callable[[PreparedExperiment], None] | None = None,
        on_event: Callable[[Event], None] | None = None,
        on_progress: Callable[[str], None] | None = None,
    ) -> PreparedRun:
        """Run it, and give what was run beside the run; `check` may refuse that by raising before anything runs.

        See `run`.
        """
        settings = self._parts.folder.settings
        budget = machine_budget(parallel or settings.parallel_modules)
        if settings.memory_bytes is not None:
            budget = replace(budget, memory_bytes=settings.memory_bytes)
        environments, state = self._parts.environments, self._parts.folder.state
        environments.ready, environments.on_progress = budget.parallel, on_progress
        _ = self._parts.repaired
        runs, objects = self._parts.database.runs, self._parts.objects
        with FrozenFiles(self._find(), new_run_folder(state / RUN_FOLDERS), self._parts.file_digest) as files:
            prepared = self._prepare(parameters or {}, files)
            if check is not None:
                check(prepared)
            plan, past = self._plan(prepared, RunOptions(targets, fresh, settings.seed), files)
            _import_arrow_for(plan)
            record = self._record(plan, self._snapshot(prepared, plan, files), prepared)
            around = Surroundings(runs, objects, past, files, budget, on_event, self._parts.executors.cancel)
            return PreparedRun(prepared, Run(self._parts.execute(Execution(plan, record, around)), runs, objects))

    def export_zip(self, target: Path) -> ExportedExperiment:
        """Write it with all that it needs as a zip that is a workspace. Raises OutputFailed, InvalidDocument."""
        noted = NotedFiles(self._find())
        prepared = self._prepare({}, noted)
        for module in prepared.modules.values():
            module.behaviour.dependencies(module.module, module.settings, noted)
        layout = self._path.with_suffix(".layout.json")
        beside = {layout.relative_to(self._parts.folder.root).as_posix(): layout} if layout.exists() else {}
        documents = {path: self._parts.folder.root / path for path in self._documents(prepared)}
        return write_zip(target, self._parts.folder.root, {**noted.found, **documents, **beside})

    def export_json(self, target: Path) -> ExportedExperiment:
        """Write the graph. Raises OutputFailed, InvalidDocument."""
        return write_json(target, self.graph())

    def as_json(self) -> dict[str, Any]:
        """The graph as a JSON object. Raises InvalidDocument."""
        return {"file": self.file, **experiment_json(self.graph())}

    def _find(self) -> Callable[[str], Path]:
        return WorkspaceFiles(self._parts.folder.root).path_of

    def _prepare(
        self, parameters: Mapping[str, Value], files: Callable[[str], Path] | None = None
    ) -> PreparedExperiment:
        self._parts.environments.forget()
        document = read_experiment_document(self._path, self.file)
        workspace_files = WorkspaceFiles(self._parts.folder.root)
        preparer = Preparer(
            self._parts.kinds,
            self._parts.behaviours,
            workspace_files,
            files or workspace_files.path_of,
            self._parts.folder.settings,
        )
        return preparer.check(document, parameters)

    def _plan(
        self, prepared: PreparedExperiment, options: RunOptions, files: Callable[[str], Path]
    ) -> tuple[Plan, Past]:
        past = Past(self._parts.database.runs, self._parts.objects, self.name, tuple(prepared.modules))
        return plan_run(self.name, prepared.modules, options, files, past), past

    def _documents(self, prepared: PreparedExperiment) -> tuple[str, ...]:
        """Workspace paths of all that says what is run: the document, the settings, files of environments."""
        root = self._parts.folder.root
        named = sorted({name for name in prepared.environments if (root / name).is_file()})
        locks = [lock for name in named if (root / (lock := name.removesuffix(".toml") + ".lock")).is_file()]
        return (SETTINGS_FILE, self.file, *named, *locks)

    def _snapshot(self, prepared: PreparedExperiment, plan: Plan, files: FrozenFiles) -> str:
        """Keep what the run is made of; the digest of that."""
        objects, root = self._parts.objects, self._parts.folder.root
        paths = self._documents(prepared)
        texts = [prepared.text.encode() if path == self.file else (root / path).read_bytes() for path in paths]
        kept, folders = files.keep(objects)
        records = [
            self._parts.environments.record(name, build=_will_use(plan, name)).encode()
            for name in prepared.environments
        ]
        environments = dict(zip(prepared.environments, objects.put_many(records), strict=True))
        snapshot = Snapshot(
            self.name,
            dict(zip(paths, objects.put_many(texts), strict=True)),
            kept,
            folders,
            environments,
            prepared.parameters,
            plan.options.seed,
            plan.options.targets,
            _versions(),
        )
        return save_snapshot(objects, snapshot)

    def _record(self, plan: Plan, snapshot: str, prepared: PreparedExperiment) -> RunRecord:
        started = time.time()
        facts = {**_versions(), **{f"parameter {name}": _fact(value) for name, value in prepared.parameters.items()}}
        state, owner = RunState.RUNNING, this_process()
        return RunRecord(new_run_id(started), self.name, snapshot, state, plan.is_partial, started, owner, facts=facts)


def _will_use(plan: Plan, environment: str) -> bool:
    """Whether a script may run in this environment."""
    return any(
        planned.settings.settings.get(ENVIRONMENT) == environment
        and (name not in plan.decided or plan.decided[name].found is None)
        for name, planned in plan.modules.items()
    )


def summary_of(experiment: WorkspaceExperiment, last_run: RunRecord | None) -> ExperimentSummary:
    """An experiment in a list; the document's problem where it is not valid."""
    name, file = experiment.name, experiment.file
    try:
        graph = experiment.graph()
    except InvalidDocument as error:
        return ExperimentSummary(name, "", file, None, error.message, last_run)
    return ExperimentSummary(name, graph.name, file, len(graph.modules), "", last_run)


def _import_arrow_for(plan: Plan) -> None:
    """Import it where a module may run: now, so that no module's time has it. A run that only reuses needs none."""
    if any(name not in plan.decided or plan.decided[name].found is None for name in plan.modules):
        importlib.import_module("estudio.tables.reading")


def _versions() -> dict[str, str]:
    return {
        "estudio": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _fact(value: Value) -> str | float | None:
    return value if value is None or isinstance(value, str | int | float) else str(value)
