"""Zygotes of one environment: started when a script needs them, kept warm between calls.

Nothing here needs Arrow: a cold command starts its zygote first and imports the rest while that one comes up.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.outcome import Isolation, IsolationLevel
from estudio.sandbox.cgroups import find_cgroups
from estudio.sandbox.policy import ZygoteSpec, walls_of
from estudio.sandbox.pool import GuestPool

if TYPE_CHECKING:
    from estudio.core.limits import Limits
    from estudio.modules.inputs import ScriptSource


@dataclass(frozen=True, slots=True)
class ScriptEnvironment:
    """What must be known of a built environment to run scripts in it; see `sandbox.policy.ZygoteSpec`."""

    python: str
    readonly: tuple[str, ...]
    preload: tuple[str, ...]
    preload_when_used: tuple[str, ...] = ()
    site_packages: str | None = None
    font_cache: str | None = None


class WarmPools:
    """One pool of ready guests for each set of preloaded modules.

    Args:
        environment: where scripts run.
        limits: of calls that do not say otherwise.
        level: how far calls are walled in.
        ahead: how many guests each pool keeps ready; 0 for a single call, which then pays for no preparation.
        walls: instead of those of the level; only tests leave walls out.
    """

    def __init__(
        self,
        environment: ScriptEnvironment,
        limits: Limits,
        *,
        level: IsolationLevel = IsolationLevel.FULL,
        ahead: int = 2,
        walls: frozenset[str] | None = None,
    ) -> None:
        self.limits = limits
        self.walls = walls_of(level) if walls is None else walls
        self._environment = environment
        self._ahead = ahead
        self._cgroups = find_cgroups()
        self._lock = threading.Lock()
        self._pools: dict[tuple[str, ...], GuestPool] = {}
        missing = () if level is IsolationLevel.NONE else tuple(self._cgroups.missing)
        standing = tuple(sorted(self.walls)) + (self._cgroups.walls if self.walls else ())
        self.isolation = Isolation(level, standing, missing)

    def pool_for(self, script: ScriptSource) -> GuestPool:
        """The pool for a script, whose zygote is started now if it is the first; returns at once."""
        environment = self._environment
        extra = _mentioned(script, environment.preload_when_used) if self._ahead else ()
        preload = environment.preload + extra
        with self._lock:
            if preload not in self._pools:
                spec = ZygoteSpec(
                    environment.python,
                    environment.readonly,
                    preload,
                    environment.site_packages,
                    environment.font_cache,
                    self.walls,
                    rehearse=self._ahead > 0,
                )
                self._pools[preload] = GuestPool(spec, self.limits, cgroups=self._cgroups, ahead=self._ahead)
            return self._pools[preload]

    def close(self) -> None:
        """End all guests and zygotes."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()


def _mentioned(script: ScriptSource, candidates: tuple[str, ...]) -> tuple[str, ...]:
    """The modules that are worth importing once for all calls of a script: those whose package its text imports."""
    names = set(re.findall(rb"^[ \t]*(?:import|from)[ \t]+([A-Za-z_]\w*)", script.text, re.MULTILINE))
    return tuple(name for name in candidates if name.split(".")[0].encode() in names)
