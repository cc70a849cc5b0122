"""Experiments: what a module costs in a chain and side by side, each in a walled guest of its own, stored durably.

Luigi is measured beside it where an interpreter with Luigi and pandas is named (`--luigi PYTHON`); what is known of
other peers stands below the table as quoted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.experiments import IDENTITY, bench_workspace, chain, fan_out, source, warm_kinds
from benchmarks.figures import Bound, Goal, milliseconds, number, verdict
from benchmarks.large_table import FULL_ROWS, QUICK_ROWS, gigabytes, large_table
from benchmarks.report import Report, publish
from benchmarks.setting import Setting, peer_variables, read_setting
from estudio.core.limits import GIB, Limits
from estudio.tables.tablefile import file_of

LIMITS = Limits(memory_bytes=8 * GIB, output_bytes=8 * GIB)
PER_MODULE = Goal(Bound.AT_MOST, 10.0, "ms")
AGAINST_PICKLE = Goal(Bound.AT_LEAST, 5.0)
LARGE_MODULES = 5
ROUNDS = 3
QUOTED = (
    "Quoted from an earlier measurement of the peers in their usual local set-up, not from this run, ms per step: "
    "Luigi with 2 workers 20, Dask 6, Dagster in process 13 and multiprocess 1294, Prefect 11 to 77, Kedro parallel "
    "120, Metaflow 970."
)


def measure(setting: Setting, luigi: str | None) -> Report:
    """Chain and fan-out of small tables, then the chain of a large one."""
    report = Report(
        "experiment_chain",
        "modules passing 10 rows, each in a walled guest, results and records durable",
        ("what", "way", "modules", "s", "ms per module", "goal"),
    )
    shapes = {"chain": 10 if setting.quick else 100, "fan-out": 20 if setting.quick else 200}
    with warm_kinds(setting) as kinds:
        for shape, count in shapes.items():
            own = []
            for round_number in range(1 if setting.quick else ROUNDS):
                with bench_workspace(kinds) as workspace:
                    workspace.write("m.py", IDENTITY + f"    # {round_number}\n")
                    below = chain(count, "m.py") if shape == "chain" else fan_out(count, "m.py")
                    own.append(workspace.run([source(), *below], executed=count + 1).seconds)
            per_module = min(own) / (count + 1)
            goal = verdict(per_module * 1000, PER_MODULE)
            report.add(shape, "estudio", str(count + 1), number(min(own)), milliseconds(per_module), goal)
            if luigi is not None:
                seconds = luigi_seconds(luigi, shape, count)
                report.add(
                    shape, "Luigi, 2 workers", str(count + 1), number(seconds), milliseconds(seconds / (count + 1))
                )
    _large(setting, report)
    report.note(QUOTED)
    report.note(
        "Least of the rounds. estudio's clock stops when everything is on the disk; Luigi's targets are not synced."
    )
    return report


def luigi_seconds(python: str, shape: str, count: int) -> float:
    """The same graph in Luigi, each task a process that reads and writes a pickled DataFrame."""
    program = Path(__file__).parent / "peers" / "luigi_steps.py"
    with tempfile.TemporaryDirectory() as folder:
        command = [python, str(program), shape, str(count), folder]
        ended = subprocess.run(command, check=True, capture_output=True, text=True, env=peer_variables())
    return float(json.loads(ended.stdout.splitlines()[-1])["seconds"])


def _large(setting: Setting, report: Report) -> None:
    table = large_table(QUICK_ROWS if setting.quick else FULL_ROWS)
    size = f"{number(gigabytes(table))} GB"
    scripts = {
        "handed through": "def azureml_main(d):\n    return d\n",
        "one column changed": "def azureml_main(d):\n    d['int0'] += 1\n    return d\n",
    }
    with tempfile.TemporaryDirectory() as folder, warm_kinds(setting, limits=LIMITS) as kinds:
        path = Path(folder) / "large.arrow"
        with path.open("wb") as stream:
            file = file_of(table)
            stream.write(Path(f"/proc/self/fd/{file.descriptor}").read_bytes())
        peers = pickled_seconds(setting, path)
        for what, text in scripts.items():
            with bench_workspace(kinds) as workspace:
                workspace.write("m.py", text)
                (workspace.folder / "large.arrow").symlink_to(path)
                top = source("dataset", dataset="large.arrow")
                workspace.run([top])  # reading the file in is no part of the chain
                taken = workspace.run([top, *chain(LARGE_MODULES, "m.py")], executed=LARGE_MODULES).seconds
            goal = verdict(peers[what] / taken, AGAINST_PICKLE)
            modules = str(LARGE_MODULES)
            report.add(f"{size}, {what}", "estudio", modules, number(taken), milliseconds(taken / LARGE_MODULES), goal)
            seconds = peers[what]
            report.add(
                f"{size}, {what}", "pickle 5 files", modules, number(seconds), milliseconds(seconds / LARGE_MODULES)
            )


def pickled_seconds(setting: Setting, path: Path) -> dict[str, float]:
    """The same chain, each step a process that unpickles what the step before pickled into a file (not synced)."""
    program = Path(__file__).parent / "peers" / "pickle_steps.py"
    with tempfile.TemporaryDirectory() as folder:
        command = [setting.environment.python, str(program), str(path), folder, str(LARGE_MODULES)]
        ended = subprocess.run(command, check=True, capture_output=True, text=True, env=peer_variables())
    answer: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return answer


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--luigi", metavar="PYTHON")
    own, rest = parser.parse_known_args(sys.argv[1:])
    setting = read_setting("experiment_chain", "estudio's experiments beside Luigi (--luigi PYTHON) and pickles", rest)
    begin = time.perf_counter()
    report = measure(setting, own.luigi)
    report.note(f"The program took {time.perf_counter() - begin:.0f} s.")
    publish(report, versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
