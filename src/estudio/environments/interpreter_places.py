"""Where Pythons lie on a Linux machine: PATH, pyenv's versions, the system's folders, and what uv knows.

These are guesses: whoever gets a path from here asks it what it is.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.environments.processes import clean_variables, run_quietly, uv_command

if TYPE_CHECKING:
    from collections.abc import Iterator

UV_SECONDS = 30.0
"""uv asks every Python that it finds once, and remembers."""
SYSTEM_FOLDERS = ("/usr/local/bin", "/usr/bin", "/opt/bin", "/opt/homebrew/bin")
MAX_OPT_FOLDERS = 200
"""Folders of /opt to look into: an image that keeps one Python in each has a dozen."""


def executables_of_series(major: int, minor: int) -> Iterator[Path]:
    """Every file that may be a Python of one series, in order of preference."""
    name = f"python{major}.{minor}"
    names = [name, f"python{major}", "python"]
    yield from _on_path(names)
    yield from _of_pyenv(major, minor)
    folders = [Path(folder) for folder in SYSTEM_FOLDERS] + _opt_folders()
    for folder in folders:
        if os.access(folder / name, os.X_OK):
            yield folder / name


def executables_known_to_uv(requirement: str) -> Iterator[Path]:
    """What `uv python find` gives, with downloads off: uv's own Pythons above all."""
    command = [*uv_command(), "python", "find", "--no-python-downloads", "--no-project", "--system", requirement]
    answer = run_quietly(command, clean_variables(), UV_SECONDS)
    if answer and answer.strip():
        yield Path(answer.strip().splitlines()[-1])


def _on_path(names: list[str]) -> Iterator[Path]:
    for name in names:
        found = shutil.which(name)
        if found:
            yield Path(found)


def _of_pyenv(major: int, minor: int) -> Iterator[Path]:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    prefix = f"{major}.{minor}."
    try:
        patches = [path.name.removeprefix(prefix) for path in root.iterdir() if path.name.startswith(prefix)]
    except OSError:
        return
    for patch in sorted((int(patch) for patch in patches if patch.isdecimal()), reverse=True):
        yield root / f"{prefix}{patch}" / "bin" / "python"


def _opt_folders() -> list[Path]:
    try:
        return [folder / "bin" for folder in sorted(Path("/opt").iterdir())[:MAX_OPT_FOLDERS]]
    except OSError:
        return []
