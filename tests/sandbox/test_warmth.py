"""What guests inherit from their zygote and from each other: no garbage, no debts, and no needless writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from estudio import ScriptRunner
from estudio.core.limits import MIB
from estudio.core.outcome import ScriptState
from estudio.errors import InterpreterNotFound
from estudio.sandbox.cgroups import LEFT_BYTES

from .attacking import LIMITS, Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.modules.warm_pools import ScriptEnvironment
    from estudio.sandbox.cgroups import GuestCgroup

CALLS = 60
"""Where forks leave cycles behind, so many make every later guest collect them before its script begins."""
COLLECTIONS = """
import gc
import pandas

def azureml_main():
    return pandas.DataFrame({'collections': [gc.get_stats()[0]['collections']]})
"""
IMMORTAL = """
import sys
import pandas

def azureml_main():
    held = (pandas.DataFrame, pandas.DataFrame.merge, pandas.__dict__, pandas.merge.__code__.co_consts)
    return pandas.DataFrame({'references': [sys.getrefcount(one) for one in held]})
"""
NEWEST = 'python = ">=3.12"\npackages = ["pandas", "numpy", "pyarrow"]\n'
BIG = """
import numpy, pandas

def azureml_main():
    return pandas.DataFrame({'n': numpy.arange(4_000_000)})
"""
HUNGRY = "held = [bytearray(1 << 20) for _ in range(4096)]\ndef azureml_main():\n    return None"


@pytest.fixture
def sandbox(environment: ScriptEnvironment) -> Sandbox:
    return Sandbox(environment, ahead=1)


def numbers(sandbox: Sandbox, script: str) -> list[int]:
    outcome = sandbox.run(script)
    assert outcome.table is not None, outcome.error
    return [int(value) for value in outcome.table.to_arrow().column(0).to_pylist() if value is not None]


def test_a_late_guest_inherits_no_garbage_of_earlier_forks(sandbox: Sandbox) -> None:
    try:
        numbers(sandbox, COLLECTIONS)
        (early,) = numbers(sandbox, COLLECTIONS)
        for _ in range(CALLS):
            (late,) = numbers(sandbox, COLLECTIONS)
        assert late == early
    finally:
        sandbox.close()


def test_what_a_zygote_of_a_new_python_holds_is_immortal(
    estudio_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESTUDIO_HOME", str(estudio_home))
    document = tmp_path / "newest.toml"
    document.write_text(NEWEST)
    try:
        runner = ScriptRunner(document, ready=1)
    except InterpreterNotFound as error:
        pytest.skip(error.message)
    with runner:
        outcome = runner.run(IMMORTAL)
        assert outcome.table is not None, outcome.error
        least = min(int(count) for count in outcome.table.to_arrow().column(0).to_pylist() if count is not None)
        assert least >= 3 << 30


def groups_of(sandbox: Sandbox) -> list[GuestCgroup | None]:
    (pool,) = sandbox.executor.pools._pools.values()
    return list(pool._zygote._spare_cgroups)


def test_a_result_that_is_kept_is_not_charged_to_the_next_guest(sandbox: Sandbox) -> None:
    if "memory-cgroup" not in sandbox.executor.pools.isolation.walls:
        sandbox.close()
        pytest.skip("no memory control group here")
    try:
        held = [sandbox.run(BIG) for _ in range(4)]
        assert {outcome.state for outcome in held} == {ScriptState.FINISHED}
        for _ in range(4):
            numbers(sandbox, COLLECTIONS)
        spare = [group for group in groups_of(sandbox) if group is not None]
        assert spare
        for group in spare:
            assert group.memory is not None
            assert int((group.memory / "memory.usage_in_bytes").read_text()) <= LEFT_BYTES
    finally:
        sandbox.close()


def test_a_guest_that_ran_out_of_memory_leaves_no_blame_behind(sandbox: Sandbox) -> None:
    try:
        tight = LIMITS.__class__(memory_bytes=128 * MIB, timeout_seconds=20)
        for _ in range(2):
            assert sandbox.run(HUNGRY, limits=tight).state is ScriptState.OUT_OF_MEMORY
            for _ in range(3):
                assert sandbox.run("import ctypes; ctypes.string_at(0)").state is ScriptState.KILLED
    finally:
        sandbox.close()
