"""Where real parts are built: every other file is handed what it uses."""

from __future__ import annotations

import os
import time
from functools import cached_property
from typing import TYPE_CHECKING

from estudio.core.run import RunState
from estudio.environments.builder import EnvironmentStore
from estudio.errors import OutputFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from estudio.core.module_kind import ModuleKind
    from estudio.core.run import RunRecord
    from estudio.core.service import ServiceIsolation
    from estudio.engine.executor import Execution
    from estudio.environments.built import BuiltEnvironment
    from estudio.modules.behaviour import Behaviour
    from estudio.modules.kind_parts import DatasetFile
    from estudio.modules.script_executors import WarmExecutors
    from estudio.modules.warm_pools import ScriptEnvironment
    from estudio.services.frozen_version import FrozenVersion
    from estudio.services.live_services import LiveServices
    from estudio.services.loading import LoadingParts, VersionExecutors
    from estudio.store.database import Database
    from estudio.store.file_digests import FileDigests
    from estudio.store.objects import ObjectFolder
    from estudio.store.service_protocols import ServiceRepository
    from estudio.workspace.datasets import SavedDatasets
    from estudio.workspace.folder import WorkspaceFolder
    from estudio.workspace.jobs import WorkspaceJobs
    from estudio.workspace.script_environments import ScriptEnvironments

DATABASE_NAME = "estudio.db"
OBJECTS_NAME = "objects"
RUN_FOLDERS = "running"
"""Below the state folder: the files of runs that go on, one folder for each."""
SERVICE_FOLDERS = "services"
"""Below the state folder: the files of versions in memory, one folder for each."""
REMEMBERED_BYTES = 1 << 20
"""Smaller files are read faster than the database is asked what was in them."""


def open_environments(root: Path | None = None) -> EnvironmentStore:
    """The store of built environments: in the user's data folder, or where ESTUDIO_HOME says."""
    return EnvironmentStore(root)


def ready_environment(name_or_file: str | Path, on_progress: Callable[[str], None] | None = None) -> BuiltEnvironment:
    """The environment of that name or file, built first where it is not.

    Raises:
        EnvironmentFailed: it cannot be found or built.
    """
    store = open_environments()
    return store.ensure(store.resolve(name_or_file), on_progress)


def script_environment(built: BuiltEnvironment) -> ScriptEnvironment:
    """What the script executor must know of a built environment.

    A Python 2.7 environment is run by its base interpreter: its own one finds the standard library only by running
    code of the environment, and that is for behind the walls.
    """
    from estudio.modules.warm_pools import ScriptEnvironment  # noqa: PLC0415 - imports the sandbox

    old = built.version < (3,)
    packages = built.folder / "lib" / f"python{built.version[0]}.{built.version[1]}" / "site-packages"
    return ScriptEnvironment(
        python=str(built.base_prefix / "bin" / "python2.7" if old else built.python),
        site_packages=str(packages) if old else None,
        readonly=tuple(str(path) for path in built.readonly_paths),
        preload=tuple(built.preload),
        preload_when_used=tuple(built.preload_when_used),
        font_cache=str(built.font_cache),
    )


def version_executors(records: Mapping[str, str], isolation: ServiceIsolation, slots: int) -> VersionExecutors:
    """What runs the scripts of one version of a web service, in the environments that it recorded."""
    from estudio.core.limits import Limits  # noqa: PLC0415 - only where a service is loaded, as those below
    from estudio.modules.service_executors import ServiceExecutors  # noqa: PLC0415
    from estudio.modules.warm_pools import WarmPools  # noqa: PLC0415
    from estudio.workspace.recorded_environments import RecordedEnvironments  # noqa: PLC0415

    environments = RecordedEnvironments(open_environments(), records)

    def make_pools(environment: str) -> WarmPools:
        return WarmPools(script_environment(environments.built(environment)), Limits(), ahead=1)

    return ServiceExecutors(environments.digest, make_pools, isolation, slots)


class WorkspaceParts:
    """The real parts of one workspace, each made when it is first asked for: a check of a document opens no database.

    Attributes:
        folder: where it lies.
    """

    def __init__(self, folder: WorkspaceFolder, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._clock = clock

    @cached_property
    def database(self) -> Database:
        """Runs and datasets. Raises StoreFailed."""
        from estudio.store.database import Database  # noqa: PLC0415 - imports SQLAlchemy

        return Database(self.folder.state / DATABASE_NAME)

    @cached_property
    def objects(self) -> ObjectFolder:
        """Results by digest. Raises StoreFailed."""
        from estudio.store.objects import ObjectFolder  # noqa: PLC0415 - only where results are looked at

        return ObjectFolder(self.folder.state / OBJECTS_NAME)

    @cached_property
    def datasets(self) -> SavedDatasets:
        """Datasets by name. Raises StoreFailed."""
        from estudio.workspace.datasets import SavedDatasets  # noqa: PLC0415 - the same

        return SavedDatasets(self.database.datasets, self.objects)

    @cached_property
    def jobs(self) -> WorkspaceJobs:
        """Batch calls of web services. Raises StoreFailed."""
        from estudio.workspace.jobs import WorkspaceJobs  # noqa: PLC0415 - imports Arrow

        return WorkspaceJobs(self.database.jobs, self.objects, self.folder, clock=self._clock)

    @cached_property
    def environments(self) -> ScriptEnvironments:
        """What scripts see; nothing is started by this."""
        from estudio.workspace.script_environments import ScriptEnvironments  # noqa: PLC0415 - it imports from here

        return ScriptEnvironments(self.folder.root)

    @cached_property
    def executors(self) -> WarmExecutors:
        """Executors of scripts; none is started by this."""
        from estudio.modules.script_executors import WarmExecutors  # noqa: PLC0415 - imports Arrow

        return WarmExecutors(self.environments.digest, self.environments.pools)

    @cached_property
    def services(self) -> ServiceRepository:
        """Web services, their versions, endpoints and keys. Raises StoreFailed."""
        return self.database.services

    def live_services(self, processes: int, slots: int | None) -> LiveServices:
        """All web services in memory. Raises StoreFailed."""
        from estudio.modules.service_executors import LEAST_SLOTS  # noqa: PLC0415 - imports the sandbox
        from estudio.services.live_services import LiveServices  # noqa: PLC0415 - imports Arrow

        ready = max(LEAST_SLOTS, (os.cpu_count() or 1) // processes) if slots is None else slots
        self._sweep_services()
        return LiveServices(self.services, self.loading_parts(ready), processes=processes)

    def _sweep_services(self) -> None:
        """Delete the files of versions whose process is gone."""
        from estudio.engine.repair import sweep_folders  # noqa: PLC0415 - imports the database's parts

        sweep_folders(self.folder.state / SERVICE_FOLDERS)

    def loading_parts(self, slots: int) -> LoadingParts:
        """What versions of web services are loaded with; `slots`: calls of one script at a time."""
        from estudio.services.loading import LoadingParts  # noqa: PLC0415 - imports Arrow

        def make(records: Mapping[str, str], frozen: FrozenVersion) -> VersionExecutors:
            return version_executors(records, frozen.isolation, slots)

        return LoadingParts(self.objects, self.folder.state / SERVICE_FOLDERS, make, self._export_path)

    @cached_property
    def kinds(self) -> Mapping[str, ModuleKind]:
        """All module kinds by name."""
        from estudio.modules.registry import module_kinds  # noqa: PLC0415 - imports Arrow

        return module_kinds()

    @cached_property
    def behaviours(self) -> Mapping[str, Behaviour]:
        """All module kinds at work, by name."""
        from estudio.modules.kind_parts import KindParts  # noqa: PLC0415 - imports Arrow
        from estudio.modules.registry import behaviours  # noqa: PLC0415

        late = _LateDatasets(self)
        return behaviours(KindParts(self.executors, late, self.file_digest, export_path=self._export_path))

    @cached_property
    def repaired(self) -> tuple[RunRecord, ...]:
        """Runs whose process had died, ended as interrupted now. Raises StoreFailed."""
        from estudio.engine.repair import repair  # noqa: PLC0415 - imports the database's parts

        if not self.folder.state.exists():
            return ()
        return tuple(repair(self.database.runs, self.folder.state / RUN_FOLDERS, self._clock()))

    def execute(self, execution: Execution) -> RunRecord:
        """Run it to its end; executors that were cancelled with it are of no use for the next run."""
        record = None
        try:
            record = execution.run()
        finally:
            if record is None or record.state is RunState.CANCELLED:
                self.executors.close()
                for name in ("executors", "behaviours"):
                    vars(self).pop(name, None)
        return record

    def file_digest(self, path: Path) -> str:
        """The digest of a file's content, or of all files in a folder; a large file that looks the same is not read.

        Only where the database is open: an export opens none. Raises InvalidInput, InvalidBundle, StoreFailed.
        """
        from estudio.modules.file_digests import digest_of  # noqa: PLC0415 - the same

        if "database" in vars(self) and self._is_remembered(path):
            inside = path.relative_to(self.folder.root).as_posix()
            found = self._digests.digests_of([inside]).get(inside)
            if found is not None:
                return found
        return digest_of(path)

    @cached_property
    def _digests(self) -> FileDigests:
        from estudio.store.file_digests import FileDigests  # noqa: PLC0415 - only where a file is large

        return FileDigests(self.database.connections, self.folder.root, self._clock)

    def _is_remembered(self, path: Path) -> bool:
        """Whether it is a large file of the workspace: a run's copies are gone after it."""
        if not path.is_relative_to(self.folder.root) or path.is_relative_to(self.folder.state):
            return False
        return path.is_file() and path.stat().st_size >= REMEMBERED_BYTES

    def _export_path(self, path: str) -> Path:
        """Where a module writes a file of the workspace. Raises OutputFailed."""
        target = (self.folder.root / path).resolve()
        if not target.is_relative_to(self.folder.root) or target.is_relative_to(self.folder.state):
            raise OutputFailed(
                f"{path} lies outside of the workspace, or in its .estudio folder; name a file of the workspace.",
                path=path,
            )
        return target

    def close(self) -> None:
        """End all processes, and let go of the database."""
        made = vars(self)
        if "executors" in made:
            self.executors.close()
        if "database" in made:
            self.database.close()


class _LateDatasets:
    """Datasets for modules, whose database is opened when a module names one."""

    def __init__(self, parts: WorkspaceParts) -> None:
        self._parts = parts

    def find_dataset(self, reference: str, *, original: bool) -> DatasetFile:
        """See `SavedDatasets.find_dataset`."""
        return self._parts.datasets.find_dataset(reference, original=original)
