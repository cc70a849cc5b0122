"""Script executors by environment, made when the first script of one is to run, and kept warm until they are closed.

An environment that changed under its name gets an executor of its own: they are kept by digest, not by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.modules.kept_executors import KeptExecutors

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.modules.execute_python_script import ScriptExecutor
    from estudio.modules.warm_pools import WarmPools


class WarmExecutors(KeptExecutors["ScriptExecutor"]):
    """The `ScriptExecutors` that keeps one executor for each environment. Any thread may call it.

    Args:
        find_digest: the digest of an environment's packages by its name or file; asked each time.
        make_pools: builds the environment where it is not, and gives its pools; called once for each digest.
    """

    def __init__(self, find_digest: Callable[[str], str], make_pools: Callable[[str], WarmPools]) -> None:
        super().__init__()
        self._find_digest = find_digest
        self._make_pools = make_pools

    def environment_digest(self, environment: str) -> str:
        """What the environment's packages are. Raises EnvironmentFailed."""
        return self._find_digest(environment)

    def executor_for(self, environment: str) -> ScriptExecutor:
        """The executor of that environment; others may be made meanwhile. Raises EnvironmentFailed."""
        from estudio.modules.execute_python_script import ScriptExecutor  # noqa: PLC0415 -- imports Arrow

        return self.find_or_make(self._find_digest(environment), lambda: ScriptExecutor(self._make_pools(environment)))
