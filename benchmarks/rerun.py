"""Re-runs: what a run of unchanged modules costs, and whether two thousand modules still fit.

Engine time: planning with all look-ups, recording the new run durably. The cold start of a command is not in it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from benchmarks.experiments import IDENTITY, SOURCE, bench_workspace, chain, source, warm_kinds
from benchmarks.figures import Bound, Goal, milliseconds, number, verdict
from benchmarks.report import Report, publish
from benchmarks.setting import Setting, peer_variables, read_setting
from estudio.core.experiment import Module, OutputReference
from estudio.modules.kind_parts import KindParts
from estudio.modules.registry import behaviours
from estudio.modules.script_executors import WarmExecutors

UNCHANGED = Goal(Bound.AT_MOST, 150.0, "ms")
MANY = 2_000


def measure(setting: Setting, luigi: str | None) -> Report:
    """Scripts again, a change at the end of them, and many modules without scripts."""
    report = Report(
        "rerun",
        "experiments run again: engine time, durable",
        ("what", "way", "modules", "ms", "of it planning, ms", "goal"),
    )
    count = 10 if setting.quick else 99
    with warm_kinds(setting) as kinds, bench_workspace(kinds) as workspace:
        workspace.write("m.py", IDENTITY)
        modules = [source(), *chain(count, "m.py")]
        workspace.run(modules, executed=count + 1)
        again = min((workspace.run(modules, executed=0) for _ in range(5)), key=lambda taken: taken.seconds)
        cells = (milliseconds(again.seconds), milliseconds(again.plan_seconds))
        report.add("scripts, unchanged", "estudio", str(count + 1), *cells, verdict(again.seconds * 1000, UNCHANGED))
        workspace.write("n.py", IDENTITY.replace("return dataframe1", "return dataframe1 * 1"))
        last = chain(count, "m.py")[-1]
        changed = Module(last.name, last.kind, {**last.settings, "script": "n.py"}, {}, last.connections)
        taken = workspace.run([*modules[:-1], changed], executed=1)
        cells = (milliseconds(taken.seconds), milliseconds(taken.plan_seconds))
        report.add("scripts, the last one changed", "estudio", str(count + 1), *cells)
    if luigi is not None:
        seconds = _luigi_again(luigi, count)
        report.add("complete tasks", "Luigi, 2 workers", str(count + 1), milliseconds(seconds))
        report.note("Luigi looks only whether the last target's file is there; it does not see that a script changed.")
    _many(setting, report)
    return report


def _luigi_again(python: str, count: int) -> float:
    program = Path(__file__).parent / "peers" / "luigi_steps.py"
    with tempfile.TemporaryDirectory() as folder:
        command = [python, str(program), "chain", str(count), folder]
        ended = subprocess.run(command, check=True, capture_output=True, text=True, env=peer_variables())
    return float(json.loads(ended.stdout.splitlines()[-1])["again"])


def _many(setting: Setting, report: Report) -> None:
    """Modules without scripts, in chains of ten; memory before and after."""
    executors = WarmExecutors(str, _no_scripts)
    count = 200 if setting.quick else MANY
    modules = [source()]
    for place in range(count):
        above = (
            OutputReference(SOURCE, "dataset") if place % 10 == 0 else OutputReference(f"s{place - 1:04}", "results1")
        )
        modules.append(Module(f"s{place:04}", "split-rows", {"fraction": 0.9, "seed": place}, {}, {"dataset": above}))
    with bench_workspace(behaviours(KindParts(executors))) as workspace:
        workspace.run(modules[: count // 10])
        before = _peak_mebibytes()
        first = workspace.run(modules, executed=count - count // 10 + 1)
        grown = _peak_mebibytes() - before
        again = workspace.run(modules, executed=0)
    for what, taken in (("splits, first time", first), ("splits, unchanged", again)):
        report.add(what, "estudio", str(count + 1), milliseconds(taken.seconds), milliseconds(taken.plan_seconds))
    report.note(f"From a tenth of the splits to all of them the most memory used grew by {number(grown)} MiB.")


def _no_scripts(environment: str) -> NoReturn:
    raise RuntimeError(f"no script runs here, so nobody needs {environment}")


def _peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--luigi", metavar="PYTHON")
    own, rest = parser.parse_known_args(sys.argv[1:])
    setting = read_setting("rerun", "runs of unchanged experiments, and of two thousand modules", rest)
    publish(measure(setting, own.luigi), versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
