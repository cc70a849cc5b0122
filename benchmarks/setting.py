"""What all programs share: their options, and the environment in which estudio and its peers run their Python.

Peers run on the environment's own interpreter with the same packages, with `PYTHONDONTWRITEBYTECODE` unset: where it is
set, an environment without compiled bytecode imports pandas four times slower, and the comparison flatters us.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from estudio.core.limits import Limits
from estudio.core.outcome import IsolationLevel
from estudio.modules.call_message import ScriptCall
from estudio.modules.execute_python_script import ScriptExecutor
from estudio.modules.inputs import ScriptSource
from estudio.modules.script_outcome import ScriptOutcome
from estudio.modules.warm_pools import ScriptEnvironment, WarmPools
from estudio.tables.table import Table
from estudio.workspace.open import ready_environment, script_environment

_ASK = """
import json, sys, importlib
versions = ["Python " + sys.version.split()[0]]
for name in ("pandas", "numpy", "pyarrow"):
    versions.append(name + " " + importlib.import_module(name).__version__)
print(json.dumps({"paths": [sys.prefix, sys.base_prefix], "versions": versions}))
"""
PRELOAD = ("numpy", "pandas", "pyarrow")


@dataclass(frozen=True, slots=True)
class Setting:
    """One run's choices."""

    environment: ScriptEnvironment
    versions: str
    name: str
    quick: bool
    record: bool


def read_setting(program: str, description: str, arguments: list[str] | None = None) -> Setting:
    """The setting from the command line."""
    parser = argparse.ArgumentParser(f"python -m benchmarks.{program}", description=description)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test: seconds instead of minutes, nothing to quote"
    )
    parser.add_argument("--record", action="store_true", help="append the table to RESULTS.md")
    parser.add_argument(
        "--environment", default="default", help="an environment's name or TOML file (built if need be)"
    )
    parser.add_argument("--python", help="instead: the interpreter of a virtual environment with pandas and pyarrow")
    chosen = parser.parse_args(arguments)
    environment = (
        _of_python(chosen.python) if chosen.python else script_environment(ready_environment(chosen.environment))
    )
    versions = ", ".join(_ask(environment.python)["versions"])
    return Setting(environment, versions, chosen.environment, chosen.quick, chosen.record)


def _of_python(python: str) -> ScriptEnvironment:
    absolute = str(Path(python).absolute())
    return ScriptEnvironment(python=absolute, readonly=tuple(dict.fromkeys(_ask(absolute)["paths"])), preload=PRELOAD)


def _ask(python: str) -> dict[str, list[str]]:
    answer = subprocess.run([python, "-c", _ASK], capture_output=True, check=True, env=peer_variables(), text=True)
    facts: dict[str, list[str]] = json.loads(answer.stdout)
    return facts


def peer_variables() -> dict[str, str]:
    """The variables of a peer's process: ours, but for those that change how Python starts."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP")
    return {name: value for name, value in os.environ.items() if name not in left_out}


PLAIN = ScriptSource("plain.py", b"")
"""A script that needs no module beyond those of every zygote."""


@contextmanager
def executor(
    setting: Setting,
    *,
    isolation: IsolationLevel = IsolationLevel.FULL,
    ahead: int = 2,
    limits: Limits | None = None,
) -> Iterator[ScriptExecutor]:
    """A script executor with its zygote warm, for the time of a `with`."""
    chosen = ScriptExecutor(WarmPools(setting.environment, limits or Limits(), level=isolation, ahead=ahead))
    try:
        chosen.pools.pool_for(PLAIN).start()
        yield chosen
    finally:
        chosen.close()


def finished_call(target: ScriptExecutor, script: str, table: Table, *, limits: Limits | None = None) -> ScriptOutcome:
    """One call that has to finish: a benchmark of failures would be fast.

    Raises:
        RuntimeError: it did not finish.
    """
    call = ScriptCall(ScriptSource("measured.py", script.encode()), (table,))
    outcome = target.call(call if limits is None else replace(call, limits=limits))
    if not outcome.finished:
        raise RuntimeError(f"the measured script ended as {outcome.state}: {outcome.error}")
    return outcome
