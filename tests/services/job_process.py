"""Another process that does jobs, started and killed by the tests: `job_process.py FOLDER`.

The service doubles `x`, row by row, and takes some milliseconds for each part. Every part that is scored is noted in a
file, one line each, so that the tests see what was done twice.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.engine.budget import Budget
from estudio.services.calling_double import HostDouble
from estudio.services.job_runner import JobRunner
from estudio.services.job_slots import ScoringSlots
from estudio.store.database import Database
from estudio.store.objects import ObjectFolder
from tests.services.job_bench import MANY_BYTES, RESULT, SAMPLE, Folder, doubled

if TYPE_CHECKING:
    from estudio.services.calling import ScoreCall, ScoreOutcome

PART_ROWS = 10
PART_SECONDS = 0.02
SERVICES = ("row-wise", "whole")


def host_of(folder: Path) -> HostDouble:
    """The same services in every process."""
    noted = os.open(folder / "scored.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def score(call: ScoreCall) -> ScoreOutcome:
        time.sleep(PART_SECONDS)
        names = call.inputs["input1"].to_arrow().column("name")
        if len(names):
            os.write(noted, f"{names[0].as_py()}\n".encode())
        return doubled(call)

    host = HostDouble()
    for name in SERVICES:
        host.add(name, score, inputs={"input1": SAMPLE}, outputs={"output1": RESULT}, row_wise=name == "row-wise")
    return host


def main() -> None:
    """Do jobs until killed, or until a line comes in: then hand back and end."""
    folder = Path(sys.argv[1])
    with Database(folder / "database.sqlite") as database:
        runner = JobRunner(
            database.jobs, ObjectFolder(folder / "objects"), host_of(folder), Folder(folder),
            slots=ScoringSlots(Budget(2, MANY_BYTES)), part_rows=PART_ROWS,
        )  # fmt: skip
        runner.start()
        os.write(1, b"ready\n")
        sys.stdin.readline()
        runner.stop()


if __name__ == "__main__":
    main()
