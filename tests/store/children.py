"""Starting other processes in a test's store."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")
SOURCES = Path(__file__).parents[2] / "src"


def start_child(what: str, folder: Path, name: str = "-", *, waits: bool = False) -> subprocess.Popen[str]:
    """A process that does `what` of `child.py`; with `waits`, once it gets a line."""
    variables = {**os.environ, "PYTHONPATH": str(SOURCES), "WAIT": "1" if waits else ""}
    return subprocess.Popen(
        [sys.executable, str(CHILD), what, str(folder), name],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_children(what: str, folder: Path, count: int) -> list[str]:
    """Several at the same time; what each of them said. Fails where one of them did."""
    children = [start_child(what, folder, f"child{number}", waits=True) for number in range(count)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "waiting\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    said = [child.communicate()[0] for child in children]
    assert [child.returncode for child in children] == [0] * count
    return said
