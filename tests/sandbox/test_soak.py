"""Many calls, good and bad, one after another and at the same time: nothing of them is left.

`ESTUDIO_SOAK_CALLS` says how many; the count that is promised is 10 000.
"""

from __future__ import annotations

import contextlib
import gc
import os
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.core.limits import MIB
from estudio.core.outcome import ScriptState
from estudio.modules.inputs import ScriptSource
from estudio.sandbox.cgroups import find_cgroups

from .attacking import LIMITS, Sandbox

if TYPE_CHECKING:
    from estudio.modules.warm_pools import ScriptEnvironment

CALLS = int(os.environ.get("ESTUDIO_SOAK_CALLS", "300"))
CALLERS = 3
QUICK = replace(LIMITS, timeout_seconds=5.0, memory_bytes=256 * MIB, log_bytes=MIB)
GOOD = "import pandas\ndef azureml_main():\n    return pandas.DataFrame({'a': range(10)})"
DAEMONS = """
import os, time
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
os.abort()
"""
KINDS = {
    GOOD: ScriptState.FINISHED,
    "1 / 0": ScriptState.FAILED,
    "import ctypes; ctypes.string_at(0)": ScriptState.KILLED,
    "import os; os._exit(1)": ScriptState.FAILED,
    "while True: print('x' * 9999)": ScriptState.OUTPUT_TOO_LARGE,
    DAEMONS: ScriptState.KILLED,
    "open('/box/work/x', 'wb').write(b'x' * 9999999)\n" + GOOD: ScriptState.FINISHED,
}


def descendants(pid: int) -> set[int]:
    """All processes below one."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                found |= {int(child)} | descendants(int(child))
    return found


def left_behind() -> dict[str, int]:
    """What this process has, holds or made on the machine, counted."""
    gc.collect()
    places, processes = find_cgroups(), descendants(os.getpid())
    folders = {place for place in (places.memory, places.processes) if place is not None}
    return {
        "processes": len(processes),
        "namespaces": namespaces(processes),
        "descriptors": len([*Path("/proc/self/fd").iterdir()]),
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "threads": threading.active_count(),
        "control groups": sum(len([*folder.glob(f"estudio-{os.getpid()}-*")]) for folder in folders),
        "temporary files": len([*Path(tempfile.gettempdir()).iterdir()]),
    }


def namespaces(pids: set[int]) -> int:
    """The network namespaces of these processes, where they may be looked at."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            found.add(Path(f"/proc/{pid}/ns/net").readlink())
    return len(found)


def resident(sandbox: Sandbox) -> int:
    """Megabytes of the zygote that is at work: the last of the chain of processes that its start made."""
    (pool,) = sandbox.executor.pools._pools.values()
    pid = pool._zygote._process.pid
    for _ in range(2):
        pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // MIB


def run_calls(sandbox: Sandbox, count: int) -> list[str]:
    """That many calls by several callers; the surprises."""
    surprises: list[str] = []
    kinds = list(KINDS.items())

    def call(first: int) -> None:
        for number in range(first, count, CALLERS):
            script, state = kinds[0] if number % 3 else kinds[number // 3 % len(kinds)]
            outcome = sandbox.run(script, limits=QUICK)
            if outcome.state is not state:
                surprises.append(f"{script!r}: {outcome.state} {outcome.error}")

    callers = [threading.Thread(target=call, args=(first,)) for first in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return surprises


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("rotate_after", [10**9, max(40, CALLS // 5)], ids=["one-zygote", "rotated"])
def test_nothing_is_left_of_many_calls(
    environment: ScriptEnvironment, rotate_after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = left_behind()
    sandbox = Sandbox(environment, limits=QUICK)
    try:
        sandbox.executor.pools.pool_for(ScriptSource("any.py", b""))._rotate_after = rotate_after
        assert run_calls(sandbox, 30) == []
        settled, megabytes = left_behind(), resident(sandbox)
        assert run_calls(sandbox, CALLS) == []
        now = wait_until_calm(settled)
        assert {name: count for name, count in now.items() if count > settled[name] + SLACK.get(name, 0)} == {}
        assert abs(resident(sandbox) - megabytes) <= max(8, megabytes // 10)
    finally:
        sandbox.close()
    assert wait_until_calm(before) == before


SLACK = {"processes": 6, "namespaces": 4, "descriptors": 12, "threads": 2, "control groups": 4}
"""A guest or two that were asked for ahead, and a zygote that has been replaced and is about to end."""


def wait_until_calm(wanted: dict[str, int]) -> dict[str, int]:
    """The count, as soon as it is what is wanted, or after five seconds."""
    end = time.monotonic() + 5
    while (now := left_behind()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    return now
