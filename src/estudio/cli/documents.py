"""The JSON documents of `--json`, field by field.

They are an interface: fields are added, never renamed or removed. `docs/reference/cli.md` lists them, and a test
compares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from estudio.core.outcome import Image, ScriptError, Timings
    from estudio.core.schema import TableSchema
    from estudio.workspace.environments import EnvironmentSummary
    from estudio.workspace.machine import MachineReport
    from estudio.workspace.script_runs import FinishedRun, WrittenFiles

Document = dict[str, Any]


def run_document(finished: FinishedRun, exit_code: int) -> Document:
    """The outcome of `estudio run`."""
    outcome = finished.outcome
    tables = [table for table in (outcome.table, outcome.table2) if table is not None]
    return {
        "state": outcome.state.value,
        "exit_code": int(exit_code),
        "timings": _timings(outcome.timings),
        "tables": [_table(table.schema, table.row_count) for table in tables],
        "log": outcome.log,
        "figures": _figures(outcome.visualization.images, finished.written),
        "isolation": {
            "level": outcome.isolation.level.value,
            "walls": list(outcome.isolation.walls),
            "missing": list(outcome.isolation.missing),
        },
        "error": None if outcome.error is None else _error(outcome.error),
        "environment": {
            "name": finished.environment.name,
            "digest": finished.environment.digest,
            "python": finished.environment.python,
        },
        "written": {
            "output": _path(finished.written.output),
            "output2": _path(finished.written.output2),
            "figures": [str(path) for path in finished.written.figures],
        },
    }


def _timings(timings: Timings) -> Document:
    return {
        "queue": timings.queue_seconds,
        "start": timings.start_seconds,
        "hand_over": timings.hand_over_seconds,
        "script": timings.script_seconds,
        "result": timings.result_seconds,
        "total": timings.total_seconds,
    }


def _table(schema: TableSchema, rows: int) -> Document:
    columns = [{"name": column.name, "type": column.type, "missing": column.missing} for column in schema.columns]
    return {"rows": rows, "columns": columns}


def _figures(images: tuple[Image, ...], written: WrittenFiles) -> list[Document]:
    paths: list[str | None] = [str(path) for path in written.figures]
    paths += [None] * (len(images) - len(paths))
    return [
        {"name": image.name, "width": image.width, "height": image.height, "bytes": len(image.png), "path": path}
        for image, path in zip(images, paths, strict=False)
    ]


def _error(error: ScriptError) -> Document:
    return {
        "code": error.code,
        "message": error.message,
        "traceback": error.traceback,
        "line": error.line,
        "classic_text": error.classic_text,
    }


def environment_document(environment: EnvironmentSummary) -> Document:
    """One environment of `estudio environment …`."""
    return {
        "name": environment.name,
        "digest": environment.digest,
        "python": environment.python,
        "packages": [{"name": name, "version": version} for name, version in environment.packages],
        "folder": _path(environment.folder),
        "size_bytes": environment.size_bytes,
        "source": environment.source,
        "built": environment.folder is not None,
    }


def machine_document(report: MachineReport) -> Document:
    """What `estudio doctor` found."""
    return {
        "level": None if report.level is None else report.level.value,
        "walls": [
            {
                "name": wall.name,
                "what": wall.what,
                "stands": wall.stands,
                "required": wall.required,
                "reason": wall.reason,
                "remedy": wall.remedy,
            }
            for wall in report.walls
        ],
        "kernel": report.kernel,
        "machine": report.machine,
        "estudio": report.estudio,
    }


def _path(path: object) -> str | None:
    return None if path is None else str(path)
