"""Service executors by environment: what the kinds of a published experiment run their scripts with.

A published version is frozen with its environments, so the digest of an environment is asked for once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from estudio.modules.kept_executors import KeptExecutors
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


class ServiceExecutors(KeptExecutors[ServiceExecutor]):
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
        super().__init__()
        self._find_digest = find_digest
        self._make_pools = make_pools
        self._isolation = isolation
        self._slots = slots
        self._digests: dict[str, str] = {}

    def environment_digest(self, environment: str) -> str:
        """What the environment's packages are. Raises EnvironmentFailed."""
        digest = self._digests.get(environment)
        if digest is None:
            digest = self._digests[environment] = self._find_digest(environment)
        return digest

    def executor_for(self, environment: str) -> ServiceExecutor:
        """The executor of that environment. Raises EnvironmentFailed."""
        return self.find_or_make(
            self.environment_digest(environment),
            lambda: ServiceExecutor(self._make_pools(environment), self._isolation, self._slots),
        )

    def warm(self, environment: str, call: ScriptCall) -> ScriptOutcome | None:
        """Have guests ready for calls like this one; see `ServiceExecutor.warm`."""
        return self.executor_for(environment).warm(call)
