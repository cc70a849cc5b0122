"""What the command line asks of the workspace, as one protocol with its real implementation.

`WorkspaceDoor` imports the workspace when it is asked, not before: help, completion and usage errors never load it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.server.settings import ServerSettings
    from estudio.workspace.environments import EnvironmentSummary
    from estudio.workspace.machine import MachineReport
    from estudio.workspace.previews import Preview
    from estudio.workspace.script_runs import FinishedRun, RunSettings, ScriptFiles
    from estudio.workspace.starting import StartedWorkspace
    from estudio.workspace.workspace import Workspace


class Door(Protocol):
    """The use cases behind the commands. Every method raises subclasses of `EstudioError`."""

    def run_files(
        self,
        files: ScriptFiles,
        settings: RunSettings,
        *,
        on_progress: Callable[[str], None],
        on_output: Callable[[bytes], None],
    ) -> FinishedRun:
        """Run a script on files; `on_progress` and `on_output` are called from this thread."""
        ...

    def previews(self, finished: FinishedRun) -> tuple[Preview, ...]:
        """A first look at each result table that is there."""
        ...

    def list_environments(self) -> tuple[EnvironmentSummary, ...]:
        """All environments that are known here."""
        ...

    def show_environment(self, name_or_file: str) -> EnvironmentSummary:
        """One environment."""
        ...

    def build_environment(self, name_or_file: str, on_progress: Callable[[str], None]) -> EnvironmentSummary:
        """Build one environment ahead of its first use."""
        ...

    def remove_environment(self, name_or_digest: str) -> tuple[EnvironmentSummary, ...]:
        """Remove all that was built under a name, or one environment by its digest."""
        ...

    def examine_machine(self) -> MachineReport:
        """Which walls this machine gives."""
        ...

    def init_workspace(self, folder: Path) -> StartedWorkspace:
        """Make a folder a workspace."""
        ...

    def open_workspace(self, folder: Path | None) -> Workspace:
        """The workspace in a folder, or the one that the current folder is in; the caller closes it."""
        ...

    def experiment_names(self, folder: Path | None) -> tuple[str, ...]:
        """The experiments of a workspace, without opening its store: for completion."""
        ...

    def serve(self, folder: Path, settings: ServerSettings, on_ready: Callable[[str], None]) -> None:
        """Serve a workspace until a signal; `on_ready` is told the address once calls are answered."""
        ...


Action = Callable[[Door], int]
"""What a parsed command line is to do: asks the door, renders, and returns the exit code."""


class WorkspaceDoor:
    """The door to the real workspace."""

    def run_files(
        self,
        files: ScriptFiles,
        settings: RunSettings,
        *,
        on_progress: Callable[[str], None],
        on_output: Callable[[bytes], None],
    ) -> FinishedRun:
        """See `estudio.workspace.script_runs.run_files`."""
        from estudio.workspace.script_runs import run_files  # noqa: PLC0415

        return run_files(files, settings, on_progress=on_progress, on_output=on_output)

    def previews(self, finished: FinishedRun) -> tuple[Preview, ...]:
        """See `estudio.workspace.previews.preview_table`."""
        from estudio.workspace.previews import preview_table  # noqa: PLC0415

        tables = (finished.outcome.table, finished.outcome.table2)
        return tuple(preview_table(table) for table in tables if table is not None)

    def serve(self, folder: Path, settings: ServerSettings, on_ready: Callable[[str], None]) -> None:
        """See `estudio.server.serving.serve`."""
        from estudio.server.serving import serve  # noqa: PLC0415

        serve(folder, settings, on_ready=on_ready)

    def list_environments(self) -> tuple[EnvironmentSummary, ...]:
        """See `estudio.workspace.environments.list_environments`."""
        from estudio.workspace.environments import list_environments  # noqa: PLC0415

        return list_environments()

    def show_environment(self, name_or_file: str) -> EnvironmentSummary:
        """See `estudio.workspace.environments.show_environment`."""
        from estudio.workspace.environments import show_environment  # noqa: PLC0415

        return show_environment(name_or_file)

    def build_environment(self, name_or_file: str, on_progress: Callable[[str], None]) -> EnvironmentSummary:
        """See `estudio.workspace.environments.build_environment`."""
        from estudio.workspace.environments import build_environment  # noqa: PLC0415

        return build_environment(name_or_file, on_progress)

    def remove_environment(self, name_or_digest: str) -> tuple[EnvironmentSummary, ...]:
        """See `estudio.workspace.environments.remove_environment`."""
        from estudio.workspace.environments import remove_environment  # noqa: PLC0415

        return remove_environment(name_or_digest)

    def examine_machine(self) -> MachineReport:
        """See `estudio.workspace.machine.examine_machine`."""
        from estudio.workspace.machine import examine_machine  # noqa: PLC0415

        return examine_machine()

    def init_workspace(self, folder: Path) -> StartedWorkspace:
        """See `estudio.workspace.starting.init_workspace`."""
        from estudio.workspace.starting import init_workspace  # noqa: PLC0415

        return init_workspace(folder)

    def open_workspace(self, folder: Path | None) -> Workspace:
        """See `estudio.workspace.workspace.Workspace.open`."""
        from estudio.workspace.workspace import Workspace  # noqa: PLC0415

        return Workspace.open(folder)

    def experiment_names(self, folder: Path | None) -> tuple[str, ...]:
        """See `estudio.workspace.folder.WorkspaceFolder.experiment_names`."""
        from estudio.workspace.folder import find_workspace  # noqa: PLC0415

        return find_workspace(folder).experiment_names()
