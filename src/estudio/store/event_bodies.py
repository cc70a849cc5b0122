"""The stored form of events: small JSON-able bodies, enough to tell the story of a run without its records.

Key parts and column lists are left out on purpose: they are in the module's record, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.core.run import ModuleRun, RunRecord


def run_changed(run: RunRecord, modules: Sequence[str] = ()) -> dict[str, object]:
    """A run began (with the names of all its modules) or ended."""
    body: dict[str, object] = {
        "event": "run-changed",
        "run": run.id,
        "experiment": run.experiment,
        "state": run.state.value,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
    }
    if modules:
        body["modules"] = list(modules)
    return body


def module_changed(run_id: str, module: ModuleRun) -> dict[str, object]:
    """A module moved to another state."""
    body: dict[str, object] = {
        "event": "module-changed",
        "run": run_id,
        "module": module.module,
        "state": module.state.value,
        "started_at": module.started_at,
        "ended_at": module.ended_at,
    }
    if module.reason:
        body["reason"] = module.reason.code.value
        body["changes"] = list(module.reason.changes)
    if module.outputs:
        body["outputs"] = [
            {"port": output.port, "digest": output.digest, "rows": output.row_count, "columns": len(output.columns)}
            for output in module.outputs
        ]
    if module.error:
        body["error"] = {name: module.error.get(name) for name in ("code", "message")}
    return body
