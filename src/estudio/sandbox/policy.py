"""What is walled off, as data: the walls by name, and what one zygote and one guest are given.

A wall is switched off only by the tests, which do it to see an attack succeed; people choose a level.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from estudio.core.outcome import IsolationLevel

WALLS: dict[str, str] = {
    "user": "a user namespace: root inside is nobody outside",
    "mount": "a private root: nothing of the machine's files but read-only libraries, and one private folder",
    "pid": "a private process table: nothing outside can be seen or signalled, and nothing survives the call",
    "network": "no network device at all",
    "ipc": "private shared memory and message queues",
    "uts": "a host name of its own",
    "cgroup-namespace": "no view of the machine's control groups",
    "capabilities": "no privileges, even inside",
    "no-new-privileges": "no privileges by starting programs",
    "landlock": "a second wall around files, connections, signals",
    "seccomp": "only the system calls that table scripts need",
    "resource-limits": "limits on memory, CPU time, processes, open and written files",
}
"""Every wall that full isolation needs, with what it is."""

OPTIONAL_WALLS: dict[str, str] = {
    "memory-cgroup": "a memory limit that counts everything, kept by the kernel",
    "process-cgroup": "a process limit for each call of its own",
}
"""Walls that need a delegated control group; without it the resource limits stand alone."""


def walls_of(level: IsolationLevel) -> frozenset[str]:
    """The walls that a level needs."""
    return frozenset(WALLS) if level is IsolationLevel.FULL else frozenset()


@dataclass(frozen=True, slots=True)
class ZygoteSpec:
    """What a zygote is made of.

    Attributes:
        python: the environment's interpreter.
        readonly: folders and files that must stay visible inside, read-only.
        preload: Python modules to import before the first call.
        site_packages: the folder of the environment's packages where `python` is not its own interpreter, else None.
        font_cache: a folder with matplotlib's ready font cache, or None.
        walls: the walls to build.
        rehearse: run every path once before the first call; not worth it for a single one.
    """

    python: str
    readonly: tuple[str, ...]
    preload: tuple[str, ...] = ("numpy", "pandas")
    site_packages: str | None = None
    font_cache: str | None = None
    walls: frozenset[str] = field(default_factory=lambda: walls_of(IsolationLevel.FULL))
    rehearse: bool = True


@dataclass(frozen=True, slots=True)
class GuestProfile:
    """What a guest is confined with before its call is known: calls that need another one get a guest of their own."""

    disk_bytes: int
    programs: bool = False
