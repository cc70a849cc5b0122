"""The workspace's folder: where it is found, what lies where in it, and which experiments it has.

Nothing here opens the store or reads a graph, so that completion and wrong names are answered at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from estudio.core.environment import near_name
from estudio.documents.workspace_settings import SETTINGS_FILE, WorkspaceSettings, read_workspace_settings
from estudio.errors import ExperimentNotFound, InvalidWorkspace

SUFFIX = ".yaml"
MAX_NAMED_EXPERIMENTS = 10
"""In a message: a choice to pick from, no flood."""


@dataclass(frozen=True, slots=True)
class WorkspaceFolder:
    """An existing workspace on disk. `root` is absolute."""

    root: Path
    settings: WorkspaceSettings

    @property
    def name(self) -> str:
        """For people."""
        return self.settings.name or self.root.name

    @property
    def experiments(self) -> Path:
        """Where experiment documents lie."""
        return self.root / "experiments"

    @property
    def state(self) -> Path:
        """The ignored folder with the database and the stored objects."""
        return self.root / ".estudio"

    def experiment_names(self) -> tuple[str, ...]:
        """The names of all experiments, sorted."""
        return tuple(sorted(path.stem for path in self.experiments.glob(f"*{SUFFIX}") if path.is_file()))

    def experiment_path(self, name: str) -> Path:
        """The document of an experiment: by its name, or by its path from here or from the workspace.

        Raises:
            ExperimentNotFound: there is none, or it lies outside the workspace.
        """
        if name.endswith((SUFFIX, ".yml")) or "/" in name:
            return self._by_path(name)
        path = self.experiments / f"{name}{SUFFIX}"
        if name and path.is_file() and path.parent == self.experiments:
            return path
        raise self._not_found(name)

    def experiment_name(self, name: str) -> str:
        """The name of an experiment by its name or path; one without a document may still have runs."""
        if name.endswith((SUFFIX, ".yml")) or "/" in name:
            return self._by_path(name).stem
        return name

    def _by_path(self, text: str) -> Path:
        for path in (Path(text), self.root / text):
            if path.is_file():
                found = path.resolve()
                if found.is_relative_to(self.root):
                    return found
                raise ExperimentNotFound(
                    f"The experiment {text[:200]!r} lies outside the workspace {self.root}; its scripts and data are "
                    "looked for in its own workspace. Name that one with --workspace FOLDER.",
                    name=text,
                )
        if not text.endswith((SUFFIX, ".yml")):
            return self._by_path(text + SUFFIX)
        raise self._not_found(text)

    def _not_found(self, name: str) -> ExperimentNotFound:
        names = self.experiment_names()
        if not names:
            advice = f" There is none in {self.experiments} yet; `estudio init` makes a first one."
        else:
            listed = ", ".join(names[:MAX_NAMED_EXPERIMENTS]) + (" …" if len(names) > MAX_NAMED_EXPERIMENTS else "")
            advice = near_name(Path(name).stem, names) or f" There are: {listed}."
        return ExperimentNotFound(f"No experiment is called {name[:200]!r}.{advice}", name=name)


def find_workspace(folder: str | Path | None = None) -> WorkspaceFolder:
    """The workspace in this folder; without one, that of the current folder or of the nearest one above it.

    Raises:
        InvalidWorkspace: there is none, or it is of a later version.
        InvalidDocument: its `estudio.toml` is wrong; `problems` has all of it.
    """
    if folder is not None:
        root = Path(folder).resolve()
        if not (root / SETTINGS_FILE).is_file():
            raise InvalidWorkspace(
                f"{root} is no workspace: it has no {SETTINGS_FILE}. Make it one with `estudio init {folder}`.",
                folder=str(root),
            )
        return WorkspaceFolder(root, read_workspace_settings(root / SETTINGS_FILE))
    here = Path.cwd()
    root = next((place for place in (here, *here.parents) if (place / SETTINGS_FILE).is_file()), here)
    if not (root / SETTINGS_FILE).is_file():
        raise InvalidWorkspace(
            f"There is no workspace here: neither {here} nor a folder above it has an {SETTINGS_FILE}. Make one with "
            "`estudio init`, or name one with --workspace FOLDER.",
            folder=str(here),
        )
    return WorkspaceFolder(root, read_workspace_settings(root / SETTINGS_FILE))
