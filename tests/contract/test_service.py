"""Service guests on every interpreter, behind real walls: loaded once, called again and again."""

from __future__ import annotations

import subprocess
import textwrap
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from estudio.core.limits import MIB, Limits
from estudio.core.outcome import ScriptState
from estudio.core.service import ServiceIsolation
from estudio.modules.call_message import ScriptCall
from estudio.modules.inputs import ScriptSource
from estudio.modules.service_executor import ServiceExecutor
from estudio.modules.warm_pools import ScriptEnvironment, WarmPools
from estudio.sandbox.doctor import examine_machine
from estudio.tables.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Require

pytestmark = pytest.mark.sandbox
PREFIXES = "import sys, numpy, os; print(sys.version_info[0]); print(sys.prefix); print(sys.base_prefix); "
PREFIXES += "print(os.path.dirname(os.path.dirname(numpy.__file__)))"
LIMITS = Limits(timeout_seconds=20.0, memory_bytes=1024 * MIB, disk_bytes=32 * MIB)
SCRIPT = """
from __future__ import print_function
import os
import helpful
print('loaded')
count = 0

def azureml_main(dataframe1=None, dataframe2=None, factor=3):
    global count
    count += 1
    if dataframe1['fail'][0]:
        raise ValueError('as told')
    print('call', count)
    open('left', 'w').close()
    dataframe1['count'] = count
    dataframe1['files'] = len(os.listdir('.'))
    dataframe1['word'] = helpful.WORD
    return dataframe1, dataframe2
"""


def environment_of(python: str) -> ScriptEnvironment:
    """What is known of an interpreter; Python 2.7 is run by its base, as `workspace.open.script_environment` says."""
    said = subprocess.run([python, "-c", PREFIXES], check=True, capture_output=True, text=True).stdout
    version, prefix, base, packages = said.split()
    readonly = tuple(dict.fromkeys((prefix, base)))
    if version == "2":
        return ScriptEnvironment(f"{base}/bin/python2.7", readonly, ("numpy", "pandas"), site_packages=packages)
    return ScriptEnvironment(python, readonly, ("numpy", "pandas"))


@pytest.mark.parametrize("isolation", list(ServiceIsolation))
def test_a_service_serves(any_python: str, isolation: ServiceIsolation, tmp_path: Path, require: Require) -> None:
    require(examine_machine().level is not None, "no sandbox on this machine")
    (tmp_path / "helpful.py").write_text("WORD = 'here'\n")
    executor = ServiceExecutor(WarmPools(environment_of(any_python), LIMITS, ahead=1), isolation, 1)
    try:
        source = ScriptSource("author.py", textwrap.dedent(SCRIPT).encode())
        large = Table.from_arrow(pa.table({"n": pa.array(range(50_000))}))
        for number in (1, 2, 3, 4):
            fails = number == 3
            table = Table.from_arrow(pa.table({"fail": [fails], "x": [1.5], "t": ["é"]}))
            outcome = executor.call(ScriptCall(source, (table, large), tmp_path, limits=LIMITS))
            if fails:
                assert outcome.state is ScriptState.FAILED
                assert outcome.error is not None
                assert (outcome.error.code, outcome.error.line) == ("script-raised", 12)
                continue
            assert outcome.table is not None, (outcome.error, outcome.log)
            count = number if isolation is ServiceIsolation.WORKER else 1
            assert outcome.table.to_arrow().to_pylist() == [
                {"fail": False, "x": 1.5, "t": "é", "count": count, "files": 3, "word": "here"}
            ]
            assert outcome.table2 == large
            assert outcome.log == f"loaded\ncall {count}\n"
    finally:
        executor.close()
