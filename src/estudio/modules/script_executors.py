"""Script executors by environment, made when the first script of one is to run, and kept warm until they are closed.

An environment that changed under its name gets an executor of its own: they are kept by digest, not by name.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.modules.execute_python_script import ScriptExecutor
    from estudio.modules.warm_pools import WarmPools


class WarmExecutors:
    """The `ScriptExecutors` that keeps one executor for each environment. Any thread may call it.

    Args:
        find_digest: the digest of an environment's packages by its name or file; asked each time.
        make_pools: builds the environment where it is not, and gives its pools; called once for each digest.
    """

    def __init__(self, find_digest: Callable[[str], str], make_pools: Callable[[str], WarmPools]) -> None:
        self._find_digest = find_digest
        self._make_pools = make_pools
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}
        self._executors: dict[str, ScriptExecutor] = {}
        self._is_cancelled = False

    def environment_digest(self, environment: str) -> str:
        """What the environment's packages are. Raises EnvironmentFailed."""
        return self._find_digest(environment)

    def executor_for(self, environment: str) -> ScriptExecutor:
        """The executor of that environment; others may be made meanwhile. Raises EnvironmentFailed."""
        from estudio.modules.execute_python_script import ScriptExecutor  # noqa: PLC0415 -- imports Arrow

        digest = self._find_digest(environment)
        with self._lock:
            making = self._making.setdefault(digest, threading.Lock())
        with making:
            if digest not in self._executors:
                self._add(digest, ScriptExecutor(self._make_pools(environment)))
            return self._executors[digest]

    def _add(self, digest: str, executor: ScriptExecutor) -> None:
        with self._lock:
            self._executors[digest] = executor
            if self._is_cancelled:
                executor.cancel()

    def cancel(self) -> None:
        """End running calls, and all that begin later; the executors stay until they are closed."""
        with self._lock:
            self._is_cancelled = True
            executors = list(self._executors.values())
        for executor in executors:
            executor.cancel()

    def close(self) -> None:
        """Cancel running calls and end all guests and zygotes."""
        with self._lock:
            executors = list(self._executors.values())
            self._executors.clear()
        for executor in executors:
            executor.close()
