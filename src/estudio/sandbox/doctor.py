"""Which walls this machine gives: found out by building each one, in a process that is thrown away."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from estudio.core.outcome import IsolationLevel
from estudio.errors import SandboxBroken
from estudio.sandbox.cgroups import find_cgroups
from estudio.sandbox.policy import OPTIONAL_WALLS, WALLS
from estudio.sandbox.seccomp import ARCHITECTURES
from estudio.sandbox.zygotes import UNPRIVILEGED_ID

PROBE_SECONDS = 30.0
_NAMESPACES = frozenset({"user", "mount", "pid", "network", "ipc", "uts", "cgroup-namespace"})
_REMEDIES = {
    "namespaces": (
        "Allow user namespaces: on Debian `sysctl kernel.unprivileged_userns_clone=1`, elsewhere "
        "`sysctl user.max_user_namespaces=10000`; on Ubuntu 24.04 and later an AppArmor profile with `userns,` for "
        "this interpreter; in a container a seccomp profile that allows unshare, mount and pivot_root."
    ),
    "landlock": ("Use Linux 5.13 or later with `landlock` among the security modules (boot option `lsm=landlock,…`)."),
    "seccomp": "Use a kernel built with CONFIG_SECCOMP_FILTER on x86_64 or aarch64.",
    "cgroup": (
        "Start estudio where it may divide its control group: "
        "`systemd-run --user --scope -p Delegate=yes estudio …`, a service with `Delegate=yes`, or as root."
    ),
}


@dataclass(frozen=True, slots=True)
class WallState:
    """One wall on this machine: what it is, whether it stands, and if not why and how to get it."""

    name: str
    what: str
    stands: bool
    required: bool
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class MachineReport:
    """What this machine gives. `level` is None where full isolation cannot be had."""

    level: IsolationLevel | None
    walls: tuple[WallState, ...]
    kernel: str
    machine: str
    estudio: str


def examine_machine() -> MachineReport:
    """Try every wall.

    Raises:
        SandboxBroken: the probe itself does not run.
    """
    system = os.uname()
    walls = (*_required(_probe() if system.sysname == "Linux" else {}, system.machine), *_optional())
    full = all(wall.stands for wall in walls if wall.required)
    return MachineReport(
        IsolationLevel.FULL if full else None,
        walls,
        f"{system.sysname} {system.release}",
        system.machine,
        importlib.metadata.version("estudio"),
    )


def _probe() -> dict[str, str]:
    guest = Path(__file__).parents[1] / "guest"
    drop_to = str(UNPRIVILEGED_ID) if os.geteuid() == 0 else ""
    command = [sys.executable, "-E", "-s", "-S", "-B", str(guest / "probe.py"), str(guest), drop_to]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=PROBE_SECONDS, env={}, check=True)
        walls = json.loads(ended.stdout)["walls"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        raise SandboxBroken(f"The probe of the walls does not run: {error}.") from error
    return {str(name): str(reason) for name, reason in walls.items()}


def _required(reasons: dict[str, str], machine: str) -> list[WallState]:
    states = []
    for name, what in WALLS.items():
        reason = reasons.get(name, "only Linux has it")
        if name == "seccomp" and not reason and machine not in ARCHITECTURES:
            reason = f"estudio has no filter for {machine}"
        remedy = _REMEDIES["namespaces" if name in _NAMESPACES else name] if reason and _has_remedy(name) else ""
        states.append(WallState(name, what, not reason, required=True, reason=reason, remedy=remedy))
    return states


def _has_remedy(name: str) -> bool:
    return name in _NAMESPACES or name in _REMEDIES


def _optional() -> list[WallState]:
    cgroups = find_cgroups()
    return [
        WallState(
            name,
            what,
            name in cgroups.walls,
            required=False,
            reason=cgroups.missing.get(name, ""),
            remedy=_REMEDIES["cgroup"] if name in cgroups.missing else "",
        )
        for name, what in OPTIONAL_WALLS.items()
    ]
