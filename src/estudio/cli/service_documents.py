"""Web services as the JSON documents of `--json`, field by field.

They are an interface: fields are added, never renamed or removed. A key is in a document only when it was just made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estudio.core.module_kind import Parameter
    from estudio.core.service import CallRecord, Endpoint, KeySlot, Service, ServiceKey, ServicePort, ServiceVersion
    from estudio.workspace.call_addresses import CallAddresses
    from estudio.workspace.call_statistics import CallSummary

Document = dict[str, Any]


def service_document(service: Service) -> Document:
    """A service."""
    return {
        "name": service.name,
        "id": service.id,
        "current": service.current,
        "previous": service.previous,
        "created_at": service.created_at,
    }


def version_document(version: ServiceVersion) -> Document:
    """One version."""
    return {
        "number": version.number,
        "experiment": version.experiment,
        "title": version.title,
        "description": version.description,
        "created_at": version.created_at,
        "isolation": version.isolation.value,
        "row_wise": version.row_wise,
        "inputs": [_port(port) for port in version.inputs],
        "outputs": [_port(port) for port in version.outputs],
        "parameters": [_parameter(parameter) for parameter in version.parameters],
        "facts": dict(version.facts),
    }


def _port(port: ServicePort) -> Document:
    return {
        "name": port.name,
        "module": port.module,
        "columns": [{"name": column.name, "type": column.type} for column in port.columns],
    }


def _parameter(parameter: Parameter) -> Document:
    return {
        "name": parameter.name,
        "type": parameter.type.value,
        "default": parameter.default,
        "required": parameter.required,
        "choices": list(parameter.choices),
        "minimum": parameter.minimum,
        "maximum": parameter.maximum,
        "words": parameter.words,
    }


def endpoint_document(endpoint: Endpoint) -> Document:
    """An endpoint with its limits."""
    return {
        "name": endpoint.name,
        "id": endpoint.id,
        "version": endpoint.version,
        "description": endpoint.description,
        "max_concurrent_calls": endpoint.max_concurrent_calls,
        "timeout_seconds": endpoint.timeout_seconds,
        "memory_bytes": endpoint.memory_bytes,
        "diagnostics": endpoint.diagnostics.value,
        "prevent_update": endpoint.prevent_update,
        "resources": [{"name": resource.name, "digest": resource.digest} for resource in endpoint.resources],
        "created_at": endpoint.created_at,
    }


def addresses_document(addresses: CallAddresses) -> Document:
    """Where an endpoint is called."""
    return {
        "score": addresses.score,
        "pinned": addresses.pinned,
        "jobs": addresses.jobs,
        "classic": addresses.classic,
        "page": addresses.page,
        "test": addresses.test,
    }


def key_document(key: ServiceKey) -> Document:
    """A key, never the key itself."""
    return {
        "id": key.id,
        "scope": key.scope.value,
        "slot": None if key.slot is None else key.slot.value,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "calls_per_minute": key.calls_per_minute,
    }


def plain_keys_document(keys: Mapping[KeySlot, str]) -> Document:
    """The keys themselves, where they were just made."""
    return {slot.value: key for slot, key in keys.items()}


def call_document(record: CallRecord) -> Document:
    """One call that was kept."""
    return {
        "at": record.at,
        "request_id": record.request_id,
        "version": record.version,
        "status": record.status,
        "seconds": record.seconds,
        "queue_seconds": record.queue_seconds,
        "code": record.code or None,
        "message": record.message or None,
        "log": record.log or None,
    }


def summary_document(summary: CallSummary) -> Document:
    """Figures of calls; a percentile above the largest bucket is null, like that of no calls."""
    return {
        "calls": summary.calls,
        "failed": summary.failed,
        "throttled": summary.throttled,
        "p50_seconds": _finite(summary.p50_seconds),
        "p99_seconds": _finite(summary.p99_seconds),
    }


def _finite(seconds: float | None) -> float | None:
    return None if seconds == float("inf") else seconds


def versions_document(versions: Sequence[ServiceVersion]) -> list[Document]:
    """Versions, the newest first."""
    return [version_document(version) for version in versions]
