"""Making a workspace of a folder. Nothing that is there is ever changed, but for one line more in `.gitignore`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.documents.new_documents import SCHEMA_FILE
from estudio.documents.workspace_settings import SETTINGS_FILE, new_workspace_settings
from estudio.errors import OutputFailed
from estudio.workspace.starter import EXAMPLE, FOLDERS, GITIGNORE_LINE

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class StartedWorkspace:
    """What was done: files that were made, and files that were there and stayed as they are."""

    folder: Path
    made: tuple[str, ...]
    kept: tuple[str, ...]


def init_workspace(folder: Path) -> StartedWorkspace:
    """Make a folder a workspace, with the schema of this estudio's module kinds. Raises OutputFailed."""
    from estudio.documents.schema import schema_text  # noqa: PLC0415 - only here
    from estudio.modules.registry import module_kinds  # noqa: PLC0415 - imports Arrow

    return start_workspace(folder, schema_text(module_kinds()))


def start_workspace(folder: Path, schema: str) -> StartedWorkspace:
    """Make a folder a workspace, with a first experiment where that would touch nothing of another.

    Args:
        folder: made where it is missing; it may hold anything.
        schema: the text of the experiments' JSON Schema.

    Raises:
        OutputFailed: something cannot be written.
    """
    wanted = {SETTINGS_FILE: new_workspace_settings(), f"experiments/{SCHEMA_FILE}": schema}
    if not any((folder / "experiments").glob("*.yaml")) and not any((folder / name).exists() for name in EXAMPLE):
        wanted |= EXAMPLE
    try:
        for name in FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
        made = tuple(name for name, text in wanted.items() if _write_new(folder / name, text))
        ignored = _ignore_state(folder / ".gitignore")
    except OSError as error:
        raise OutputFailed(
            f"The workspace {folder} cannot be made: {error.filename}: {error.strerror}. Choose a folder in which you "
            "may write.",
            folder=str(folder),
        ) from error
    kept = tuple(name for name in wanted if name not in made)
    return StartedWorkspace(folder, made + ((".gitignore",) if ignored else ()), kept)


def _write_new(path: Path, text: str) -> bool:
    """Write a file unless there is one; whether it was written."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        return False
    return True


def _ignore_state(path: Path) -> bool:
    """Let git leave out what estudio keeps; whether the line was missing."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    if any(line.strip() in {GITIGNORE_LINE, f"/{GITIGNORE_LINE}", ".estudio"} for line in text.splitlines()):
        return False
    with path.open("a", encoding="utf-8", newline="\n") as stream:
        stream.write(("\n" if text and not text.endswith("\n") else "") + GITIGNORE_LINE + "\n")
    return True
