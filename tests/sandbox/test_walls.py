"""Is each wall worth something? Each is taken away, and then an attack must succeed that it alone had stopped.

Walls overlap, so that one hole is none. Where another wall covers the same attack, that one is taken away in both
halves: first the attack still fails, because of the wall in question; without it, it succeeds.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.sandbox.policy import WALLS

from .attacking import Attack, Canary, Sandbox, check_control
from .test_files import ATTACKS as FILE_ATTACKS
from .test_kernel_surface import ATTACKS as KERNEL_ATTACKS
from .test_network import ATTACKS as NETWORK_ATTACKS
from .test_privileges import ATTACKS as PRIVILEGE_ATTACKS
from .test_processes import ATTACKS as PROCESS_ATTACKS

if TYPE_CHECKING:
    from collections.abc import Callable

OWN = [
    Attack(
        "the machine's control groups are seen",
        """
        if os.readlink('/proc/self/ns/cgroup') != given['namespace']:
            raise Nothing()
        return 1
        """,
        lambda _: contextlib.nullcontext(Canary({"namespace": str(Path("/proc/self/ns/cgroup").readlink())})),
    ),
    Attack(
        "a started program may gain rights",
        """
        if syscall('prctl', 39, 0, 0, 0, 0):
            raise Nothing()
        return 1
        """,
    ),
    Attack(
        "a process may take what it likes",
        """
        import resource
        wanted = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 1024, resource.RLIMIT_MEMLOCK: 0}
        if all(resource.getrlimit(which)[1] <= most for which, most in wanted.items()):
            raise Nothing()
        return 1
        """,
    ),
]
EVERY = {
    attack.harm: attack
    for attacks in (FILE_ATTACKS, NETWORK_ATTACKS, PROCESS_ATTACKS, PRIVILEGE_ATTACKS, KERNEL_ATTACKS, OWN)
    for attack in attacks
}


@dataclass(frozen=True, slots=True)
class Mutation:
    """A wall, an attack that it stops, and the other walls that would stop it too."""

    wall: str
    harm: str
    covered_by: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.wall}:{self.harm.replace(' ', '-')}"


MUTATIONS = [
    Mutation("user", "a file of root's among the libraries is read"),
    Mutation("mount", "a file of the machine is read", frozenset({"landlock"})),
    Mutation("mount", "a file of the machine is overwritten", frozenset({"landlock"})),
    Mutation("landlock", "a file of the machine is read", frozenset({"mount"})),
    Mutation("landlock", "a file is planted on the machine", frozenset({"mount"})),
    Mutation("landlock", "a service is reached by its abstract name", frozenset({"network", "seccomp"})),
    Mutation("landlock", "another process is killed", frozenset({"pid", "seccomp"})),
    Mutation("pid", "the machine's processes are counted"),
    Mutation("pid", "another process is killed", frozenset({"landlock", "seccomp"})),
    Mutation("network", "a server on this machine is reached by TCP", frozenset({"seccomp", "landlock"})),
    Mutation("network", "data leave by UDP", frozenset({"seccomp", "landlock"})),
    Mutation("ipc", "shared memory of another process is attached", frozenset({"seccomp"})),
    Mutation("uts", "the machine's real name is learned"),
    Mutation("cgroup-namespace", "the machine's control groups are seen", frozenset({"mount", "landlock"})),
    Mutation("capabilities", "a capability is held"),
    Mutation("capabilities", "a file system is mounted", frozenset({"seccomp", "landlock"})),
    Mutation("no-new-privileges", "a started program may gain rights", frozenset({"seccomp", "landlock"})),
    Mutation("seccomp", "page faults are stopped to win races"),
    Mutation("seccomp", "a shell is started", frozenset({"landlock"})),
    Mutation("seccomp", "a file system is mounted", frozenset({"capabilities", "landlock"})),
    Mutation("resource-limits", "a process may take what it likes"),
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_wall_is_worth_something(
    mutation: Mutation, unwalled: Callable[[frozenset[str]], Sandbox], tmp_path: Path
) -> None:
    attack = EVERY[mutation.harm]
    if (attack.as_root or mutation.wall == "user") and os.geteuid() != 0:
        pytest.skip("only root can take this wall away")
    with attack.canary(tmp_path / "covered") as canary:
        told = unwalled(mutation.covered_by).attack(attack.act, canary.facts)
        if not attack.returns_anyway:
            assert not told.done, "this wall alone does not stop it"
            assert told.error in attack.refusals
        assert canary.unharmed is None or canary.unharmed()
    check_control(attack, unwalled(mutation.covered_by | {mutation.wall}), tmp_path)


def test_every_wall_is_taken_away_somewhere() -> None:
    assert {mutation.wall for mutation in MUTATIONS} == set(WALLS)


def test_there_are_enough_attacks() -> None:
    """Those of the lists alone; each is one harm with one name."""
    total = [FILE_ATTACKS, NETWORK_ATTACKS, PROCESS_ATTACKS, PRIVILEGE_ATTACKS, KERNEL_ATTACKS]
    assert sum(len(attacks) for attacks in total) >= 80
    assert len(EVERY) == sum(len(attacks) for attacks in total) + len(OWN)
