"""The events of one run, written down: one module of each fate."""

from __future__ import annotations

from dataclasses import replace

from estudio.core.events import Event, ModuleChanged, ModuleOutput, RunChanged
from estudio.core.run import (
    ModuleRun,
    ModuleState,
    Owner,
    Reason,
    ReasonCode,
    RunRecord,
    RunState,
    StoredOutput,
)

RUN_ID = "20261122-140509-k3f9"
STARTED = RunRecord(RUN_ID, "pima", "5" * 64, RunState.RUNNING, False, 1000.0, Owner(1, "1", "b"))
FAILED = replace(STARTED, state=RunState.FAILED, ended_at=1002.5)
TABLE = StoredOutput("results", "table", "a" * 64, 4096, 768, (("Age", "int64"), ("BMI", "float64")))
TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "rank.py", line 3, in azureml_main\n'
    "    return table['ñ']\n"
    "KeyError: 'ñ'\n"
)
ERROR: dict[str, str | int | None] = {
    "code": "script-raised",
    "message": "The script raised KeyError: 'ñ'.",
    "traceback": TRACEBACK,
    "line": 3,
    "classic_text": "Error 0085\r\nx",
}
DATA = ModuleRun(
    "data",
    "dataset",
    ModuleState.REUSED,
    Reason(ReasonCode.REUSED, (), "20261121-090000-aaaa"),
    outputs=(replace(TABLE, port="dataset"),),
)
SPLIT = ModuleRun(
    "split",
    "split-rows",
    ModuleState.FINISHED,
    Reason(ReasonCode.CHANGED, ("parameter fraction changed from 0.5 to 0.7", "seed changed", "kind changed")),
    outputs=(replace(TABLE, port="results1", row_count=537), replace(TABLE, port="results2", row_count=1)),
    started_at=1000.25,
    ended_at=1000.275,
)
RANK = ModuleRun(
    "rank",
    "execute-python-script",
    ModuleState.FAILED,
    Reason(ReasonCode.FIRST),
    error=ERROR,
    started_at=1000.5,
    ended_at=1002.25,
    facts={"seed": 0},
)
PLOT = ModuleRun(
    "plot", "execute-python-script", ModuleState.BLOCKED, error={"code": "blocked", "message": "rank failed"}
)


def running(module: ModuleRun) -> ModuleRun:
    """The same module when it had begun."""
    return replace(module, state=ModuleState.RUNNING, outputs=(), error=None, ended_at=None)


EVENTS: tuple[Event, ...] = (
    RunChanged(STARTED, ("data", "split", "rank", "plot")),
    ModuleChanged(RUN_ID, DATA),
    ModuleChanged(RUN_ID, running(SPLIT)),
    ModuleChanged(RUN_ID, SPLIT),
    ModuleChanged(RUN_ID, running(RANK)),
    ModuleOutput(RUN_ID, "rank", "Reading 768 rows\n10 %\r20 %\r"),
    ModuleOutput(RUN_ID, "rank", "30 %\nnow \x1b[2Jhalf"),
    ModuleChanged(RUN_ID, RANK),
    ModuleChanged(RUN_ID, PLOT),
    RunChanged(FAILED),
)
