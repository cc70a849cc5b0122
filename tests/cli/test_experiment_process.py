"""Whole processes that run experiments: a terminal, Ctrl-C, a death, and what is imported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.workspace.making import make_workspace

from .test_process import ENDS_SECONDS, run_on_terminal, run_plain, variables

if TYPE_CHECKING:
    from pathlib import Path

SLEEPING = """import time

def azureml_main(towns):
    print("asleep", flush=True)
    time.sleep(600)
"""
HEAVY = {"sqlalchemy", "duckdb", "pyarrow", "yaml", "numpy", "rich", "pydantic"}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "ws")


def test_a_terminal_gets_lines_and_its_cursor_back(workspace: Path) -> None:
    code, seen = run_on_terminal("plain", "experiment", "run", "plain", "--workspace", str(workspace))
    assert code == 0
    assert "✓ people" in seen
    assert "Run finished after" in seen
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")
    _, plain = run_on_terminal("plain", "experiment", "run", "plain", "--workspace", str(workspace), NO_COLOR="1")
    assert "↺ people" in plain
    assert "\x1b" not in plain


@pytest.mark.sandbox
@pytest.mark.environments
@pytest.mark.parametrize(
    ("with_signal", "code", "state"), [(signal.SIGINT, 130, "cancelled"), (signal.SIGKILL, -9, "interrupted")]
)
def test_a_run_that_is_ended_keeps_what_it_finished(
    workspace: Path, estudio_home: Path, with_signal: int, code: int, state: str
) -> None:
    (workspace / "scripts/double.py").write_text(SLEEPING)
    begun = [sys.executable, "-m", "estudio", "experiment", "run", "scripted", "--workspace", str(workspace)]
    changes = {"ESTUDIO_HOME": str(estudio_home)}
    process = subprocess.Popen(begun, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables(**changes))
    assert process.stdout is not None
    seen = b""
    deadline = time.monotonic() + ENDS_SECONDS
    while b"asleep" not in seen and time.monotonic() < deadline:
        seen += os.read(process.stdout.fileno(), 65_536)
    while b"alone" not in seen and time.monotonic() < deadline:
        seen += os.read(process.stdout.fileno(), 65_536)
    process.send_signal(with_signal)
    rest, complaints = process.communicate(timeout=ENDS_SECONDS)
    assert process.returncode == code, complaints
    assert b"Traceback" not in rest + complaints
    shown = run_plain("plain", "history", "show", "--json", "--workspace", str(workspace), **changes)
    listed = run_plain("plain", "history", "list", "--workspace", str(workspace), **changes)
    assert state.encode() in listed.stdout
    run = json.loads(shown.stdout)
    states = {module["name"]: module["state"] for module in run["modules"]}
    assert states["towns"] == states["alone"] == "finished"
    assert states["double"] == state


def loaded_by(*arguments: str) -> set[str]:
    """The packages that a command line imports, by their first names."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "estudio", *arguments],
        capture_output=True,
        env=variables(),
        timeout=ENDS_SECONDS,
        check=False,
    )
    assert done.returncode in {0, 3}, done.stderr
    return {line.rpartition(b"|")[2].strip().decode().split(".")[0] for line in done.stderr.splitlines()}


@pytest.mark.parametrize("arguments", [["--help"], ["experiment", "run", "--help"], ["show", "--help"]])
def test_help_waits_for_nothing_heavy(arguments: list[str]) -> None:
    assert loaded_by(*arguments) & HEAVY == set()


def test_a_run_that_reuses_everything_imports_no_engine_of_tables(workspace: Path) -> None:
    assert run_plain("plain", "experiment", "run", "plain", "--workspace", str(workspace)).returncode == 0
    assert loaded_by("experiment", "run", "plain", "--workspace", str(workspace)) & {"duckdb", "pandas"} == set()


def test_a_run_that_only_reuses_imports_no_arrow(workspace: Path) -> None:
    source = (
        "import sys\nfrom estudio.cli.main import main\nsys.argv = ['estudio', 'experiment', 'run', 'plain']\n"
        "code = main()\nprint('pyarrow' in sys.modules)\nsys.exit(code)"
    )
    told = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", source], cwd=workspace, capture_output=True, text=True, check=True)
        told.append(done.stdout.splitlines()[-1])
    assert told == ["True", "False"]
