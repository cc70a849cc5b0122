"""Environments of a workspace's scripts: their digests, and their pools of ready guests.

A digest is asked for by every plan, so it is looked up once; nothing is built or started for it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from estudio.core.limits import Limits
from estudio.workspace.open import open_environments, script_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from estudio.core.environment import EnvironmentSpec
    from estudio.modules.warm_pools import WarmPools

MAX_READY = 8
"""Guests kept ready in each environment: a pool makes the next one while these work."""


class ScriptEnvironments:
    """The environments that the modules of one workspace name. Any thread may call it.

    Args:
        root: the workspace's folder, where paths of environment files begin.

    Attributes:
        ready: how many guests each environment keeps ready that is started from now on.
        on_progress: told in words how building an environment goes on.
    """

    def __init__(self, root: Path) -> None:
        self.ready = 1
        self.on_progress: Callable[[str], None] | None = None
        self._root = root
        self._store = open_environments()
        self._known: dict[str, tuple[EnvironmentSpec, str]] = {}
        self._lock = threading.Lock()

    def digest(self, environment: str) -> str:
        """What an environment is known by, built or not. Raises EnvironmentFailed, InvalidDocument."""
        return self._find(environment)[1]

    def record(self, environment: str, *, build: bool) -> str:
        """What a snapshot keeps of an environment; `build`: it will be used, so it is built first where it is not.

        Raises:
            EnvironmentFailed: it cannot be found or built.
        """
        spec = self._find(environment)[0]
        if build:
            self._store.ensure(spec, self.on_progress)
        return self._store.record(spec)

    def pools(self, environment: str) -> WarmPools:
        """The pools of an environment, which is built first where it is not. Raises EnvironmentFailed."""
        from estudio.modules.warm_pools import WarmPools  # noqa: PLC0415 - only where a script runs

        built = self._store.ensure(self._find(environment)[0], self.on_progress)
        return WarmPools(script_environment(built), Limits(), ahead=min(self.ready, MAX_READY))

    def forget(self) -> None:
        """Look at environment files anew: they may have been edited since."""
        with self._lock:
            self._known.clear()

    def _find(self, environment: str) -> tuple[EnvironmentSpec, str]:
        with self._lock:
            if environment not in self._known:
                is_file = environment.endswith(".toml") or "/" in environment
                spec = self._store.resolve(self._root / environment if is_file else environment)
                self._known[environment] = (spec, self._store.digest(spec))
            return self._known[environment]
