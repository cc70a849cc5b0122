"""Runs and modules for the store's tests."""

from __future__ import annotations

from typing import Any

from estudio.core.dataset import Dataset
from estudio.core.run import (
    KeyParts,
    ModuleRun,
    ModuleState,
    Owner,
    Reason,
    ReasonCode,
    RunRecord,
    RunState,
    StoredOutput,
)

OWNER = Owner(pid=4711, started="123456", boot="b007")
DIGEST = "ab" * 32
COLUMNS = (("age", "int64"), ("Größe, cm", "float64"))


def run(run_id: str = "run-1", **fields: Any) -> RunRecord:
    given = {
        "experiment": "pima",
        "snapshot": DIGEST,
        "state": RunState.RUNNING,
        "partial": False,
        "started_at": 1000.25,
        "owner": OWNER,
        "facts": {"version": "0.1.0", "cores": 2, "seconds": 0.5, "none": None},
    }
    return RunRecord(run_id, **{**given, **fields})


def module(name: str = "rank", state: ModuleState = ModuleState.WAITING, **fields: Any) -> ModuleRun:
    return ModuleRun(name, fields.pop("kind", "execute-python-script"), state, **fields)


def finished(name: str = "rank", key: str | None = "key-1", **fields: Any) -> ModuleRun:
    """A finished module with all that a record can hold."""
    given: dict[str, Any] = {
        "reason": Reason(ReasonCode.CHANGED, ("script changed", "parameter trees: 250 → 500")),
        "key": key,
        "key_parts": KeyParts({"script": "aa" * 32, "parameter trees": "500"}, {"dataset1": COLUMNS}),
        "outputs": (
            StoredOutput("results", "table", "cd" * 32, 3000, 10, COLUMNS),
            StoredOutput("visualization", "visualization", "ef" * 32, 12),
        ),
        "log": "01" * 32,
        "started_at": 1001.0,
        "ended_at": 1002.5,
        "facts": {"isolation": "full", "seed": 7, "call_seconds": 0.25},
    }
    return module(name, fields.pop("state", ModuleState.FINISHED), **{**given, **fields})


def dataset(family: str = "diabetes", original: str = "11" * 32, **fields: Any) -> Dataset:
    given: dict[str, Any] = {
        "table": "22" * 32,
        "file_name": "diabetes.csv",
        "type": "GenericCSV",
        "size_bytes": 23_873,
        "created_at": 1000.0,
        "row_count": 768,
        "columns": COLUMNS,
        "facts": {"encoding": "utf-8"},
    }
    return Dataset(family, original, **{**given, **fields})
