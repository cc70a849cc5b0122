"""Runs the scripts of one version by the executors of ordinary runs: a guest forked for each call, nothing prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.modules.script_executors import WarmExecutors

if TYPE_CHECKING:
    from estudio.modules.call_message import ScriptCall


class PlainExecutors(WarmExecutors):
    """The `VersionExecutors` of ordinary runs."""

    def warm(self, environment: str, call: ScriptCall) -> None:
        """Start the zygote that this script's calls will need; returns at once. Raises EnvironmentFailed."""
        self.executor_for(environment).pools.pool_for(call.script)
