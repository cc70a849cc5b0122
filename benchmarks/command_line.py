"""The command line: the whole process `estudio run`, its environment built, beside a cold Python that does the same.

Both start with `PYTHONDONTWRITEBYTECODE` unset and compiled bytecode in place; both read CSV and write CSV.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Bound, Goal, number, spread, verdict
from benchmarks.report import Report, publish
from benchmarks.setting import Setting, peer_variables, read_setting
from benchmarks.small_table import IDENTITY, small_table
from estudio.workspace.open import ready_environment, script_environment

GOAL = Goal(Bound.AT_MOST, 0.4, "s more")
ROOT = Path(__file__).parents[1]


def estudio_command() -> list[str]:
    """How the command line is started: the installed script, else the module.

    Raises:
        SystemExit: this copy of estudio has no command line.
    """
    script = Path(sys.executable).with_name("estudio")
    if script.exists():
        return [str(script)]
    if importlib.util.find_spec("estudio.cli.main") is None:
        raise SystemExit("estudio.cli.main is not there: nothing to measure")
    return [sys.executable, "-m", "estudio.cli.main"]


def measure(setting: Setting) -> Report:
    """Both commands in turns."""
    report = Report(
        "command_line", "a whole process: identity of 10 rows by CSV, s", ("way", "n", "least", "p50", "p90", "goal")
    )
    count = 3 if setting.quick else 15
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small_table().to_pandas().to_csv(folder / "in.csv", index=False)
        (folder / "script.py").write_text(IDENTITY, encoding="utf-8")
        files = [str(folder / "script.py"), str(folder / "in.csv"), "--output", str(folder / "out.csv")]
        own = [*estudio_command(), "run", *files, "--environment", setting.name]
        python = script_environment(ready_environment(setting.name)).python  # the same, whatever --python says
        cold = [python, str(ROOT / "benchmarks" / "peers" / "cold_csv.py")]
        cold += [str(folder / "in.csv"), str(folder / "cold.csv")]
        seconds: dict[str, list[float]] = {"estudio run": [], "cold python + pandas": []}
        for turn in range(count + 1):
            for way, command in zip(seconds, (own, cold), strict=True):
                took = _run(command)
                if turn:  # the first writes bytecode and fills caches
                    seconds[way].append(took)
        if (folder / "out.csv").read_text(encoding="utf-8").count("\n") != 11:
            raise RuntimeError("the command line did not write the table")
    found = {way: spread(values) for way, values in seconds.items()}
    more = found["estudio run"].p50 - found["cold python + pandas"].p50
    for way, figures in found.items():
        cells = (number(value) for value in (figures.least, figures.p50, figures.p90))
        report.add(way, str(figures.count), *cells, verdict(more, GOAL) if way == "estudio run" else "")
    return report


def _run(command: list[str]) -> float:
    variables = (
        peer_variables() | {"PYTHONPATH": str(ROOT / "src")} if command[0] == sys.executable else peer_variables()
    )
    start = time.perf_counter()
    subprocess.run(command, check=True, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Measure and publish."""
    setting = read_setting("command_line", "the whole process of `estudio run`")
    publish(measure(setting), versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
