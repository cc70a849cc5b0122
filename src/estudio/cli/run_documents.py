"""Runs, modules of runs and their events as JSON: what `--json` and `--json-lines` print.

They are an interface: fields are added, never renamed or removed. `docs/reference/cli.md` lists them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from estudio.core.events import ModuleChanged, ModuleOutput, RunChanged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.core.events import Event
    from estudio.core.run import ModuleRun, Reason, RunRecord, StoredOutput

Document = dict[str, Any]


def event_document(event: Event) -> Document:
    """One line of `--json-lines`. `event` is `run`, `module` or `output`."""
    match event:
        case RunChanged(run, modules):
            document: Document = {"event": "run", "run": record_document(run)}
            return {**document, "modules": list(modules)} if modules else document
        case ModuleChanged(run_id, module):
            return {"event": "module", "run_id": run_id, "module": module_document(module)}
        case ModuleOutput(run_id, name, text):
            return {"event": "output", "run_id": run_id, "module": name, "text": text}


def run_document(run: RunRecord, modules: Sequence[ModuleRun]) -> Document:
    """A run with its modules."""
    return {**record_document(run), "modules": [module_document(module) for module in modules]}


def record_document(run: RunRecord) -> Document:
    """A run without its modules. Times are seconds since the epoch."""
    return {
        "id": run.id,
        "experiment": run.experiment,
        "state": run.state.value,
        "partial": run.partial,
        "snapshot": run.snapshot,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "facts": dict(run.facts),
    }


def module_document(module: ModuleRun) -> Document:
    """What became of one module."""
    return {
        "name": module.module,
        "kind": module.kind,
        "state": module.state.value,
        "reason": None if module.reason is None else reason_document(module.reason),
        "outputs": [_output(output) for output in module.outputs],
        "error": None if module.error is None else dict(module.error),
        "started_at": module.started_at,
        "ended_at": module.ended_at,
        "facts": dict(module.facts),
    }


def reason_document(reason: Reason) -> Document:
    """Why a module ran or was reused."""
    return {"code": reason.code.value, "changes": list(reason.changes), "run_id": reason.run_id}


def _output(output: StoredOutput) -> Document:
    return {
        "port": output.port,
        "type": output.type,
        "digest": output.digest,
        "bytes": output.size_bytes,
        "rows": output.row_count,
        "columns": [{"name": name, "type": kind} for name, kind in output.columns],
    }
