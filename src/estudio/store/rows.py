"""Records as rows and back: what is nested becomes JSON text.

All JSON is ASCII: a traceback may hold half a surrogate pair, which SQLite's text cannot keep.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from collections.abc import Sequence

_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().decode


def to_json(value: object) -> str:
    """Compact ASCII JSON."""
    return _encode(value)


def from_json(text: str) -> Any:  # noqa: ANN401 - what was stored; the callers know its shape
    """What `to_json` wrote. Raises ValueError."""
    return _decode(text)


def run_row(run: RunRecord) -> dict[str, Any]:
    """The columns of a run, without its number."""
    return {
        "id": run.id,
        "experiment": run.experiment,
        "snapshot": run.snapshot,
        "state": run.state.value,
        "partial": int(run.partial),
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "owner_pid": run.owner.pid,
        "owner_started": run.owner.started,
        "owner_boot": run.owner.boot,
        "facts": to_json(dict(run.facts)),
    }


RUN_COLUMNS = (
    "id",
    "experiment",
    "snapshot",
    "state",
    "partial",
    "started_at",
    "ended_at",
    "owner_pid",
    "owner_started",
    "owner_boot",
    "facts",
)


def run_of(row: Sequence[Any]) -> RunRecord:
    """The run of a row of RUN_COLUMNS. Raises ValueError, TypeError or LookupError for a damaged one."""
    return RunRecord(
        id=row[0],
        experiment=row[1],
        snapshot=row[2],
        state=RunState(row[3]),
        partial=bool(row[4]),
        started_at=row[5],
        ended_at=row[6],
        owner=Owner(row[7], row[8], row[9]),
        facts=from_json(row[10]),
    )


def module_row(module: ModuleRun) -> dict[str, Any]:
    """The columns of a module's record, without its run."""
    reason, parts = module.reason, module.key_parts
    return {
        "module": module.module,
        "kind": module.kind,
        "state": module.state.value,
        "reason": None if reason is None else to_json([reason.code.value, reason.changes, reason.run_id]),
        "key": module.key,
        "key_parts": None if parts is None else to_json([dict(parts.parts), dict(parts.schemas)]),
        "outputs": to_json([_output_fields(output) for output in module.outputs]),
        "log": module.log,
        "error": None if module.error is None else to_json(dict(module.error)),
        "started_at": module.started_at,
        "ended_at": module.ended_at,
        "facts": to_json(dict(module.facts)),
    }


MODULE_COLUMNS = (
    "module",
    "kind",
    "state",
    "reason",
    "key",
    "key_parts",
    "outputs",
    "log",
    "error",
    "started_at",
    "ended_at",
    "facts",
)


def module_of(row: Sequence[Any]) -> ModuleRun:
    """The module's record of a row of MODULE_COLUMNS. Raises ValueError, TypeError or LookupError for a damaged one."""
    return ModuleRun(
        module=row[0],
        kind=row[1],
        state=ModuleState(row[2]),
        reason=_reason_of(row[3]),
        key=row[4],
        key_parts=_key_parts_of(row[5]),
        outputs=tuple(_output_of(fields) for fields in from_json(row[6])),
        log=row[7],
        error=None if row[8] is None else from_json(row[8]),
        started_at=row[9],
        ended_at=row[10],
        facts=from_json(row[11]),
    )


def _reason_of(text: str | None) -> Reason | None:
    if text is None:
        return None
    code, changes, run_id = from_json(text)
    return Reason(ReasonCode(code), tuple(changes), run_id)


def _key_parts_of(text: str | None) -> KeyParts | None:
    if text is None:
        return None
    parts, schemas = from_json(text)
    return KeyParts(parts, {name: _pairs(schema) for name, schema in schemas.items()})


def _output_fields(output: StoredOutput) -> dict[str, Any]:
    return {
        "port": output.port,
        "type": output.type,
        "digest": output.digest,
        "size_bytes": output.size_bytes,
        "row_count": output.row_count,
        "columns": output.columns,
    }


def _output_of(fields: dict[str, Any]) -> StoredOutput:
    return StoredOutput(**{**fields, "columns": _pairs(fields["columns"])})


def _pairs(lists: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, kind) for name, kind in lists)


def dataset_row(dataset: Dataset) -> dict[str, Any]:
    """The columns of a dataset."""
    return {
        "family": dataset.family,
        "version": dataset.version,
        "original": dataset.original,
        "table_digest": dataset.table,
        "file_name": dataset.file_name,
        "type": dataset.type,
        "size_bytes": dataset.size_bytes,
        "created_at": dataset.created_at,
        "row_count": dataset.row_count,
        "columns": to_json(dataset.columns),
        "facts": to_json(dict(dataset.facts)),
    }


DATASET_COLUMNS = (
    "family",
    "version",
    "original",
    "table_digest",
    "file_name",
    "type",
    "size_bytes",
    "created_at",
    "row_count",
    "columns",
    "facts",
)


def dataset_of(row: Sequence[Any], *, is_latest: bool) -> Dataset:
    """The dataset of a row of DATASET_COLUMNS. Raises ValueError, TypeError or LookupError for a damaged one."""
    return Dataset(
        family=row[0],
        version=row[1],
        original=row[2],
        table=row[3],
        file_name=row[4],
        type=row[5],
        size_bytes=row[6],
        created_at=row[7],
        row_count=row[8],
        columns=_pairs(from_json(row[9])),
        facts=from_json(row[10]),
        is_latest=is_latest,
    )
