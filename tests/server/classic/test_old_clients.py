"""Programs of the old system's users, on the Pythons that they had: real processes, the standard library alone.

They are kept as texts, since our own rules (annotations, Python 3.11) are not theirs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.environments.interpreters import find_interpreter
from estudio.errors import InterpreterNotFound

if TYPE_CHECKING:
    from tests.server.classic.conftest import Classic

PROGRAMS = Path(__file__).parent / "old_clients"


@pytest.fixture(params=["2.7", "3.6", "here"])
def python(request: pytest.FixtureRequest) -> str:
    if request.param == "here":
        return sys.executable
    try:
        return str(find_interpreter(request.param).path)
    except InterpreterNotFound as error:
        pytest.skip(f"NOT TESTED on Python {request.param}: {error.message}")


def run(python: str, program: str, classic: Classic) -> list[str]:
    command = [python, str(PROGRAMS / program), classic.api, "call-key"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_request_response_program(classic: Classic, python: str) -> None:
    failed = "The request failed with status code: "
    assert run(python, "score.py.txt", classic) == [
        "types Double,String",
        'row {"a": "3", "b": "x"}',
        'row {"a": "4", "b": "\\u00fc"}',
        "types Double,String",
        'row {"a": "0", "b": null}',
        f"{failed}400",
        "request id True date True",
        "code ModuleExecutionError detail 85",
        f"{failed}400",
        "request id True date True",
        "code BadUserArgument detail InputMismatchError",
        f"{failed}401",
        "request id True date True",
        "code Unauthorized detail ScoreRequestUnauthorized",
    ]


def test_a_batch_program(classic: Classic, python: str) -> None:
    lines = run(python, "batch.py.txt", classic)
    assert lines[-5:] == ["Finished", "output1 output1results.csv", "a,b", "4.5,x", "6,y"] or lines[-6:] == [
        "Finished", "output1 output1results.csv", "a,b", "4.5,x", "6,y", "",
    ]  # fmt: skip
