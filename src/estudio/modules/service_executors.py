"""Service executors by environment: what the kinds of a published experiment run their scripts with.

A published version is frozen with its environments, so the digest of an environment is asked for once.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from estudio.modules.service_executor import ServiceExecutor

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.core.service import ServiceIsolation
    from estudio.modules.call_message import ScriptCall
    from estudio.modules.script_outcome import ScriptOutcome
    from estudio.modules.warm_pools import WarmPools

LEAST_SLOTS = 2
"""While one guest recovers from its call, another takes the next."""
DEFAULT_SLOTS = max(LEAST_SLOTS, os.cpu_count() or 1)
"""More calls at a time than processors finish no sooner."""


class ServiceExecutors:
    """The `ScriptExecutors` of services. Any thread may call it.

    Args:
        find_digest: the digest of an environment's packages by its name or file.
        make_pools: builds the environment where it is not, and gives its pools; called once for each digest.
        isolation: of the calls of one service from each other.
        slots: how many calls of one script run at a time.
    """

    def __init__(
        self,
        find_digest: Callable[[str], str],
        make_pools: Callable[[str], WarmPools],
        isolation: ServiceIsolation,
        slots: int = DEFAULT_SLOTS,
    ) -> None:
        self._find_digest = find_digest
        self._make_pools = make_pools
        self._isolation = isolation
        self._slots = slots
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._digests: dict[str, str] = {}
        self._executors: dict[str, ServiceExecutor] = {}
        self._is_cancelled = False

    def environment_digest(self, environment: str) -> str:
        """What the environment's packages are. Raises EnvironmentFailed."""
        digest = self._digests.get(environment)
        if digest is None:
            digest = self._digests[environment] = self._find_digest(environment)
        return digest

    def executor_for(self, environment: str) -> ServiceExecutor:
        """The executor of that environment. Raises EnvironmentFailed."""
        digest = self.environment_digest(environment)
        executor = self._executors.get(digest)
        if executor is not None:
            return executor
        with self._making:
            if digest not in self._executors:
                self._add(digest, ServiceExecutor(self._make_pools(environment), self._isolation, self._slots))
            return self._executors[digest]

    def warm(self, environment: str, call: ScriptCall) -> ScriptOutcome | None:
        """Have guests ready for calls like this one; see `ServiceExecutor.warm`."""
        return self.executor_for(environment).warm(call)

    def _add(self, digest: str, executor: ServiceExecutor) -> None:
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
