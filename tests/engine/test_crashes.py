"""A process is killed at random moments: nothing finished is lost, no run stays running, the next run completes.

`ESTUDIO_CRASH_ROUNDS` says how many moments are tried; `ESTUDIO_CRASH_SEED` tries the same ones again.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.core.run import ModuleState, RunState
from estudio.engine.stored_values import load_value
from tests.engine.crashing import sums
from tests.engine.small_workspace import SmallWorkspace
from tests.unit.engine.doubles import Adding

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = int(os.environ.get("ESTUDIO_CRASH_ROUNDS", "25"))
ROOT = Path(__file__).parents[2]


class Victims:
    """A process that forks one victim after the other."""

    def __init__(self) -> None:
        variables = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.crashing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=variables,
            cwd=ROOT,
            text=True,
        )

    def kill_one(
        self, folder: Path, round_number: int, *, after_seconds: float | None = None, after_words: int | None = None
    ) -> list[str]:
        """Let a victim run, kill it after that time or so many words, if ever; returns what it told."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{folder} {round_number}\n")
        self.process.stdin.flush()
        told: list[str] = []
        pid = 0
        timer: threading.Timer | None = None
        for line in self.process.stdout:
            if line == "ended\n":
                break
            if line.startswith("pid "):
                pid = int(line[4:])
                if after_seconds is not None:
                    timer = threading.Timer(after_seconds, os.kill, (pid, signal.SIGKILL))
                    timer.start()
                continue
            told.append(line.strip())
            if len(told) == after_words and told[-1] != ".":
                os.kill(pid, signal.SIGKILL)
        if timer is not None:
            timer.cancel()
        return told

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture
def victims() -> Iterator[Victims]:
    made = Victims()
    yield made
    made.close()


def test_a_killed_process_loses_nothing(victims: Victims, tmp_path: Path) -> None:
    seed = int(os.environ.get("ESTUDIO_CRASH_SEED", time.time_ns()))
    moments = random.Random(seed)
    assert victims.kill_one(tmp_path, 1_000_000)[-1] == "."  # has imported everything now
    begin = time.monotonic()
    assert victims.kill_one(tmp_path, 1_000_001)[-1] == "."
    whole = time.monotonic() - begin
    interrupted = 0
    for number in range(ROUNDS):
        if number % 2:
            told = victims.kill_one(tmp_path, number, after_seconds=moments.uniform(0, whole * 1.1))
        else:  # right after a module was said to be finished
            told = victims.kill_one(tmp_path, number, after_words=moments.randint(1, len(sums(number))))
        interrupted += told[-1:] != ["."]
        check_round(tmp_path, number, told, f"round {number} with ESTUDIO_CRASH_SEED={seed}")
    assert interrupted >= ROUNDS // 4, "too few processes were killed at work: nothing was tested"


def check_round(folder: Path, number: int, told: list[str], which: str) -> None:
    adding = Adding()
    workspace = SmallWorkspace(folder, {"adding": adding})
    try:
        runs = workspace.database.runs
        assert not [run for run in runs.list_runs() if run.state is RunState.RUNNING], which
        finished = {name for name in told if name != "."}
        if finished:
            assert {run.id for run in workspace.repaired} <= {runs.list_runs()[0].id}, which
            records = workspace.module_runs()
            for name in finished:
                assert records[name].state in {ModuleState.FINISHED, ModuleState.REUSED}, which
                assert all(load_value(workspace.objects, output) for output in records[name].outputs), which
        recorded = {name for name, state in workspace.states().items() if state == "finished"} if finished else set()
        modules = sums(number)
        assert workspace.run(modules).state is RunState.FINISHED, which
        assert not (finished | recorded) & set(adding.executed), which
        assert set(workspace.states().values()) <= {"finished", "reused"}, which
        assert list((folder / ".estudio" / "runs").iterdir()) == [], which
    finally:
        workspace.close()
