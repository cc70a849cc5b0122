"""Control groups: a process enters them by itself, is counted, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from estudio.sandbox.cgroups import GuestCgroup, find_cgroups

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Require

ENTER = """
import os, sys
for door in sys.argv[1:]:
    os.write(int(door), b"0")
print(open("/proc/self/cgroup").read())
"""


def test_a_process_enters_through_the_doors(require: Require) -> None:
    cgroups = find_cgroups()
    require(cgroups.version == 1, "no control groups of version 1 can be made here")
    made = cgroups.create()
    assert made is not None
    doors = made.doors()
    try:
        command = [sys.executable, "-c", ENTER, *map(str, doors)]
        answer = subprocess.run(command, pass_fds=doors, capture_output=True, text=True, check=True).stdout
    finally:
        for door in doors:
            os.close(door)
        made.remove()
    folders = {folder for folder in (made.memory, made.processes) if folder is not None}
    assert len(doors) == len(folders)
    assert all(f"/{folder.name}\n" in answer for folder in folders)
    assert not any(folder.exists() for folder in folders)


def test_version_2_has_no_doors(tmp_path: Path) -> None:
    assert GuestCgroup(tmp_path, tmp_path, 2).doors() == []
