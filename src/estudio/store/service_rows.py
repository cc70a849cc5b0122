"""Services, endpoints, keys and jobs as rows and back: what nothing is looked up by is one JSON text, `body`.

Rows are read by the names of their columns. All JSON is ASCII, see `store.rows`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from estudio.core.job import Job, JobFile, JobFileKind, JobRequest, JobResult, JobState
from estudio.core.module_kind import Parameter, ParameterType
from estudio.core.run import Owner
from estudio.core.schema import Column
from estudio.core.service import (
    CallCounts,
    CallRecord,
    Diagnostics,
    Endpoint,
    EndpointResource,
    KeyScope,
    KeySlot,
    Service,
    ServiceIsolation,
    ServiceKey,
    ServicePort,
    ServiceVersion,
)
from estudio.store.rows import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row


def service_of(row: Row[Any]) -> Service:
    """The service of a row of `services`."""
    return Service(row.id, row.name, row.created_at, row.current, row.previous)


def version_row(version: ServiceVersion) -> dict[str, Any]:
    """The columns of a version."""
    body = {
        "title": version.title,
        "description": version.description,
        "inputs": [asdict(port) for port in version.inputs],
        "outputs": [asdict(port) for port in version.outputs],
        "parameters": [asdict(parameter) for parameter in version.parameters],
        "facts": dict(version.facts),
    }
    return {
        "service_id": version.service_id,
        "number": version.number,
        "created_at": version.created_at,
        "experiment": version.experiment,
        "manifest": version.manifest,
        "isolation": version.isolation.value,
        "row_wise": int(version.row_wise),
        "body": to_json(body),
    }


def version_of(row: Row[Any]) -> ServiceVersion:
    """The version of a row. Raises ValueError, TypeError or LookupError for a damaged one, as all here."""
    body = from_json(row.body)
    return ServiceVersion(
        service_id=row.service_id,
        number=row.number,
        created_at=row.created_at,
        experiment=row.experiment,
        title=body["title"],
        description=body["description"],
        manifest=row.manifest,
        inputs=tuple(map(_port_of, body["inputs"])),
        outputs=tuple(map(_port_of, body["outputs"])),
        parameters=tuple(map(_parameter_of, body["parameters"])),
        isolation=ServiceIsolation(row.isolation),
        row_wise=bool(row.row_wise),
        facts=body["facts"],
    )


def _port_of(fields: dict[str, Any]) -> ServicePort:
    columns = tuple(Column(**column) for column in fields["columns"])
    return ServicePort(fields["name"], fields["module"], columns, fields["sample"])


def _parameter_of(fields: dict[str, Any]) -> Parameter:
    return Parameter(**{**fields, "type": ParameterType(fields["type"]), "choices": tuple(fields["choices"])})


def endpoint_row(endpoint: Endpoint) -> dict[str, Any]:
    """The columns of an endpoint."""
    body = {
        "description": endpoint.description,
        "max_concurrent_calls": endpoint.max_concurrent_calls,
        "timeout_seconds": endpoint.timeout_seconds,
        "memory_bytes": endpoint.memory_bytes,
        "diagnostics": endpoint.diagnostics.value,
        "prevent_update": endpoint.prevent_update,
        "resources": [[resource.name, resource.digest] for resource in endpoint.resources],
    }
    return {
        "id": endpoint.id,
        "service_id": endpoint.service_id,
        "name": endpoint.name,
        "created_at": endpoint.created_at,
        "version": endpoint.version,
        "body": to_json(body),
    }


def endpoint_of(row: Row[Any]) -> Endpoint:
    """The endpoint of a row."""
    body = from_json(row.body)
    resources = tuple(EndpointResource(name, digest) for name, digest in body.pop("resources"))
    diagnostics = Diagnostics(body.pop("diagnostics"))
    return Endpoint(
        row.id, row.service_id, row.name, row.created_at, row.version,
        diagnostics=diagnostics, resources=resources, **body,
    )  # fmt: skip


def key_row(key: ServiceKey) -> dict[str, Any]:
    """The columns of a key."""
    return {**asdict(key), "scope": key.scope.value, "slot": None if key.slot is None else key.slot.value}


def key_of(row: Row[Any]) -> ServiceKey:
    """The key of a row."""
    fields = row._asdict()
    slot = None if row.slot is None else KeySlot(row.slot)
    return ServiceKey(**{**fields, "scope": KeyScope(row.scope), "slot": slot})


def count_row(counts: CallCounts) -> dict[str, Any]:
    """The columns of the calls of a minute."""
    return {**asdict(counts), "latencies": to_json(counts.latencies)}


def count_of(row: Row[Any]) -> CallCounts:
    """The calls of a minute."""
    return CallCounts(**{**row._asdict(), "latencies": tuple(from_json(row.latencies))})


def call_row(record: CallRecord) -> dict[str, Any]:
    """The columns of the record of a call, without its number."""
    return {"endpoint_id": record.endpoint_id, "status": record.status, "body": to_json(asdict(record))}


def call_of(body: str) -> CallRecord:
    """The record of a call, from its `body`."""
    return CallRecord(**from_json(body))


def job_row(job: Job) -> dict[str, Any]:
    """The columns of a job, without its number."""
    owner = job.owner
    return {
        "id": job.id,
        "service_id": job.service_id,
        "endpoint_id": job.endpoint_id,
        "version": job.version,
        "state": job.state.value,
        "request": to_json(_request_fields(job.request)),
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "owner_pid": None if owner is None else owner.pid,
        "owner_started": None if owner is None else owner.started,
        "owner_boot": None if owner is None else owner.boot,
        "attempts": job.attempts,
        "rows_done": job.rows_done,
        "rows_total": job.rows_total,
        "results": results_text(job.results),
        "error": None if job.error is None else to_json(dict(job.error)),
        "is_cancelling": int(job.is_cancelling),
        "idempotency_key": job.idempotency_key,
        "expires_at": job.expires_at,
    }


def job_of(row: Row[Any]) -> Job:
    """The job of a row."""
    fields = row._asdict()
    for name in ("number", "owner_started", "owner_boot"):
        del fields[name]
    pid = fields.pop("owner_pid")
    changed = {
        "state": JobState(row.state),
        "request": _request_of(from_json(row.request)),
        "owner": None if pid is None else Owner(pid, row.owner_started, row.owner_boot),
        "results": results_of(row.results),
        "error": None if row.error is None else from_json(row.error),
        "is_cancelling": bool(row.is_cancelling),
    }
    return Job(**{**fields, **changed})


def results_text(results: Mapping[str, JobResult]) -> str:
    """Results of a job or part as JSON."""
    return to_json({name: asdict(result) for name, result in results.items()})


def results_of(text: str) -> dict[str, JobResult]:
    """What `results_text` wrote."""
    return {name: JobResult(**fields) for name, fields in from_json(text).items()}


def _request_fields(request: JobRequest) -> dict[str, Any]:
    return {
        "inputs": {name: asdict(file) for name, file in request.inputs.items()},
        "outputs": {name: asdict(file) for name, file in request.outputs.items()},
        "parameters": dict(request.parameters),
    }


def _request_of(fields: dict[str, Any]) -> JobRequest:
    return JobRequest(_files_of(fields["inputs"]), _files_of(fields["outputs"]), fields["parameters"])


def _files_of(fields: dict[str, dict[str, str]]) -> dict[str, JobFile]:
    return {name: JobFile(**{**file, "kind": JobFileKind(file["kind"])}) for name, file in fields.items()}  # type: ignore[arg-type]
