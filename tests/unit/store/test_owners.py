"""Owners of runs: alive, dead, a zombie, another process of the same pid, another boot."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from estudio.core.run import Owner
from estudio.store.owners import is_alive, this_process


def owner_of(pid: int) -> Owner:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return Owner(pid, stat.rpartition(")")[2].split()[19], this_process().boot)


def test_this_process_is_alive() -> None:
    assert this_process() == owner_of(os.getpid())
    assert is_alive(this_process())


def test_another_process_of_the_same_pid_is_not_the_owner() -> None:
    assert not is_alive(replace(this_process(), started="1"))


def test_a_process_of_another_boot_is_dead() -> None:
    assert not is_alive(replace(this_process(), boot="another"))


def test_a_pid_that_nobody_has_is_dead() -> None:
    assert not is_alive(Owner(2**22 + 1, "1", this_process().boot))


def test_a_process_is_alive_until_it_ends_even_as_a_zombie() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        owner = owner_of(child.pid)
        assert is_alive(owner)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(owner)
    assert not is_alive(owner)


def test_a_name_with_blanks_and_parentheses_is_no_trouble(tmp_path: Path) -> None:
    program = tmp_path / "x) S 1 ("
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([str(program), "60"]) as child:
        assert is_alive(owner_of(child.pid))
        child.kill()
