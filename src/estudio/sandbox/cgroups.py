"""Control groups for guests: the only limit on memory that counts every kind of it.

Both hierarchies are spoken: version 1 (memory and pids, as root) and version 2 (a delegated folder with the memory
controller). Where neither can be written, `find_cgroups` says why, and the resource limits stand alone.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from estudio.errors import InvalidUsage

_ROOT = Path("/sys/fs/cgroup")
_serial = itertools.count()
LEFT_BYTES = 1 << 20
"""Small results that the host holds; more would be taken from the next guest."""
END_SECONDS = 5.0
"""A killed process ends in milliseconds."""


@dataclass(slots=True)
class GuestCgroup:
    """The control groups of one guest."""

    memory: Path | None
    processes: Path | None
    version: int

    def limit(self, memory_bytes: int, processes: int) -> None:
        """Set what the guest may take.

        Raises:
            InvalidUsage: less memory than a guest takes before its call.
            OSError: the groups cannot be written.
        """
        if self.memory is not None:
            self._limit_memory(self.memory, memory_bytes)
            if self.version == 2:
                with contextlib.suppress(OSError):  # no swap controller: nothing to switch off
                    _write(self.memory / "memory.swap.max", 0)
        if self.processes is not None:
            _write(self.processes / "pids.max", processes)

    def _limit_memory(self, folder: Path, memory_bytes: int) -> None:
        try:
            _write(folder / ("memory.max" if self.version == 2 else "memory.limit_in_bytes"), memory_bytes)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            raise InvalidUsage(
                f"The limit memory_bytes is {memory_bytes}, less than a guest takes before its call. Give more.",
                limit="memory_bytes",
            ) from error

    def doors(self) -> list[int]:
        """Descriptors through which a process with one thread enters by writing `0`; empty where `add` must be used.

        Entering by oneself takes 0.1 ms. Being moved by another process takes the kernel's lock on all forks and ends
        of processes, and waits for an RCU grace period: 10 ms and more (`cgroup_procs_write_start` in the kernel's
        cgroup.c). Version 2 moves whole processes only, so it always takes that lock.
        """
        if self.version == 2:
            return []
        return [os.open(folder / "tasks", os.O_WRONLY | os.O_CLOEXEC) for folder in self.folders]

    @property
    def folders(self) -> list[Path]:
        """Its folders, each once: in version 2 both controllers share one."""
        return _distinct(self.memory, self.processes)

    def add(self, pid: int) -> None:
        """Move a process in. Raises OSError."""
        for folder in self.folders:
            _write(folder / "cgroup.procs", pid)

    def kernel_killed(self) -> bool:
        """Whether the kernel ended a process of this group for its memory."""
        if self.memory is None:
            return False
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        with contextlib.suppress(OSError, ValueError):
            facts = dict(line.split() for line in (self.memory / name).read_text().splitlines())
            return int(facts.get("oom_kill", 0)) > 0
        return False

    def used_bytes(self) -> int:
        """The memory that is charged to this group now, 0 where that is not known."""
        if self.memory is None:
            return 0
        try:
            return _read_number(self.memory / ("memory.current" if self.version == 2 else "memory.usage_in_bytes"))
        except (OSError, ValueError):
            return 0

    def is_empty(self) -> bool:
        """Whether nothing of its guest is left: no process, and no memory that somebody else still holds.

        A result that the host keeps mapped stays on the account of the guest that wrote it.
        """
        try:
            left = 0 if self.memory is None else _read_number(self.memory / "memory.usage_in_bytes")
            return left <= LEFT_BYTES and not any(_read_words(folder / "tasks") for folder in self.folders)
        except (OSError, ValueError):
            return False

    def remove(self) -> None:
        """Remove the groups, and end what is left in them: without a process table of its own, a guest leaves children.

        Raises:
            OSError: a process does not end.
        """
        for folder in self.folders:
            with contextlib.suppress(FileNotFoundError):
                _empty(folder)


@dataclass(frozen=True, slots=True)
class Cgroups:
    """Where guests' control groups are made. `missing` names each wall that this machine does not give, and why."""

    version: int = 0
    memory: Path | None = None
    processes: Path | None = None
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def walls(self) -> tuple[str, ...]:
        """The optional walls that stand."""
        standing = (("memory-cgroup", self.memory), ("process-cgroup", self.processes))
        return tuple(name for name, folder in standing if folder is not None)

    def create(self) -> GuestCgroup | None:
        """New groups for one guest, None where none can be had. Raises OSError."""
        if self.memory is None and self.processes is None:
            return None
        name = f"estudio-{os.getpid()}-{next(_serial)}"
        made = GuestCgroup(
            None if self.memory is None else self.memory / name,
            None if self.processes is None else self.processes / name,
            self.version,
        )
        for folder in made.folders:
            folder.mkdir(exist_ok=True)
        return made


def find_cgroups() -> Cgroups:
    """Where this process may make control groups; what a killed estudio left there is removed."""
    found = _find()
    for folder in _distinct(found.memory, found.processes):
        _sweep(folder)
    return found


def _distinct(*folders: Path | None) -> list[Path]:
    return list(dict.fromkeys(folder for folder in folders if folder is not None))


def _sweep(folder: Path) -> None:
    """Remove the empty groups of processes that are gone: nobody else knows of them."""
    for left in folder.glob("estudio-*-*"):
        owner = left.name.split("-")[1]
        if owner.isdigit() and not Path("/proc", owner).exists():
            with contextlib.suppress(OSError):  # not ours, or not empty yet
                left.rmdir()


def _find() -> Cgroups:
    try:
        own = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return _none("this system has no control groups")
    unified = next((Path(path.lstrip("/")) for number, _, path in own if number == "0"), None)
    if unified is not None:
        folder = _ROOT / unified
        controllers = _read_words(folder / "cgroup.subtree_control")
        if "memory" in controllers and os.access(folder, os.W_OK):
            return Cgroups(2, folder, folder if "pids" in controllers else None, {})
    return _find_version_1({name: path for _, names, path in own for name in names.split(",")})


def _find_version_1(paths: dict[str, str]) -> Cgroups:
    found: dict[str, Path] = {}
    for controller in ("memory", "pids"):
        folder = _ROOT / controller / paths.get(controller, "/missing").lstrip("/")
        if (folder / "cgroup.procs").exists() and os.access(folder, os.W_OK):
            found[controller] = folder
    if not found:
        return _none("no control group here may be divided")
    missing = {} if "memory" in found else {"memory-cgroup": "the memory controller is not writable"}
    if "pids" not in found:
        missing["process-cgroup"] = "the pids controller is not writable"
    return Cgroups(1, found.get("memory"), found.get("pids"), missing)


def _empty(folder: Path) -> None:
    """Remove one group, killing its processes until it can be."""
    end = time.monotonic() + END_SECONDS
    while True:
        try:
            return folder.rmdir()
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > end:
                raise
        for pid in (folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.005)


def _none(why: str) -> Cgroups:
    return Cgroups(missing=dict.fromkeys(("memory-cgroup", "process-cgroup"), why))


def _read_words(path: Path) -> set[str]:
    try:
        return set(path.read_text().split())
    except OSError:
        return set()


def _read_number(path: Path) -> int:
    return int(path.read_text())


def _write(path: Path, value: int) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, str(value).encode())
    finally:
        os.close(descriptor)
