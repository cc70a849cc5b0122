"""Runs all programs, or those that are named, each in a process of its own: `python -m benchmarks [NAME …] [OPTIONS]`.

Options are the programs' own; `--help` shows them.
"""

from __future__ import annotations

import subprocess
import sys

PROGRAMS = (
    "small_calls",
    "throughput",
    "hand_over",
    "round_trip",
    "statistics",
    "idle_memory",
    "command_line",
    "breakdown",
    "experiment_chain",
    "rerun",
    "service_calls",
    "web_bodies",
    "web_services",
    "batch_jobs",
)


def main(arguments: list[str]) -> int:
    """Run each program in a process of its own; returns how many failed."""
    named = [argument for argument in arguments if argument in PROGRAMS]
    options = [argument for argument in arguments if argument not in PROGRAMS]
    failed = 0
    for program in named or PROGRAMS:
        ended = subprocess.run([sys.executable, "-m", f"benchmarks.{program}", *options], check=False)
        failed += ended.returncode != 0
        if "--help" in options or "-h" in options:
            break
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
