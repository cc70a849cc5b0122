"""Where real parts are built: every other file is handed what it uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.environments.builder import EnvironmentStore
from estudio.modules.warm_pools import ScriptEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from estudio.environments.built import BuiltEnvironment


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
