"""The same with real scripts behind real walls, a few times: their guests die with the process that is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.core.run import RunState
from tests.engine.crashing import real_workspace, scripts

if TYPE_CHECKING:
    import pytest

ROUNDS = 3
ROOT = Path(__file__).parents[2]


def test_a_killed_run_of_scripts_loses_nothing(
    tmp_path: Path, estudio_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESTUDIO_HOME", str(estudio_home))
    variables = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        victim = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.crashing", str(folder)],
            stdout=subprocess.PIPE,
            env=variables,
            cwd=ROOT,
            text=True,
        )
        with victim:
            assert victim.stdout is not None
            told = [victim.stdout.readline().strip()]
            time.sleep(random.uniform(0, 0.05))
            victim.send_signal(signal.SIGKILL)
            told += victim.stdout.read().split()
        after, executors = real_workspace(folder)
        try:
            assert all(run.state is not RunState.RUNNING for run in after.database.runs.list_runs())
            assert after.run(scripts()).state is RunState.FINISHED
            states = after.states()
            assert {states[name] for name in told if name != "."} == {"reused"}
        finally:
            executors.close()
            after.close()
