"""Services, endpoints, keys, calls and jobs for the store's tests, with all that each can hold."""

from __future__ import annotations

import hashlib
from typing import Any

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

ME = Owner(4711, "123456", "b007")
OTHER = Owner(4712, "123457", "b007")
RESULT = JobResult("0a" * 32, "csv", 100, 7)


def ident(name: str) -> str:
    """32 hexadecimal digits."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def service(name: str = "pima") -> Service:
    return Service(ident(name), name, 1000.5, 1)


def version(name: str = "pima", number: int = 0, **fields: Any) -> ServiceVersion:
    given: dict[str, Any] = {
        "experiment": "pima",
        "title": "Pima",
        "description": "Größe, in cm",
        "manifest": "aa" * 32,
        "inputs": (ServicePort("input1", "in", (Column("age", "int64", 0), Column("Größe", "float64", 2)), "bb" * 32),),
        "outputs": (ServicePort("output1", "out", (Column("score", "float64", 0),), "cc" * 32),),
        "parameters": (
            Parameter("trees", ParameterType.INTEGER, "How many.", default=5, minimum=1),
            Parameter("kind", ParameterType.CHOICE, required=True, choices=("a", "b")),
        ),
        "isolation": ServiceIsolation.WORKER,
        "row_wise": True,
        "facts": {"python": "3.13.0"},
    }
    return ServiceVersion(ident(name), number, 1001.0, **{**given, **fields})


def endpoint(name: str = "pima", endpoint_name: str = "default", **fields: Any) -> Endpoint:
    return Endpoint(ident(f"{name}/{endpoint_name}"), ident(name), endpoint_name, 1002.0, **fields)


def full_endpoint(name: str = "pima", endpoint_name: str = "fast") -> Endpoint:
    """With nothing left at its default."""
    return endpoint(
        name,
        endpoint_name,
        version=1,
        description="for some",
        max_concurrent_calls=7,
        timeout_seconds=1.5,
        memory_bytes=1 << 30,
        diagnostics=Diagnostics.ALL,
        prevent_update=True,
        resources=(EndpointResource("model", "dd" * 32),),
    )


def key(token: str, at: Endpoint | None = None, slot: KeySlot | None = KeySlot.PRIMARY, **fields: Any) -> ServiceKey:
    digest = hashlib.sha256(token.encode()).hexdigest()
    scope, endpoint_id = (KeyScope.MANAGE, None) if at is None else (KeyScope.CALL, at.id)
    given: dict[str, Any] = {"created_at": 1003.0, "endpoint_id": endpoint_id, "slot": slot if at else None}
    return ServiceKey(digest[:16], digest, scope, **{**given, **fields})


def call(at: Endpoint, number: int = 1, **fields: Any) -> CallRecord:
    given: dict[str, Any] = {
        "version": 1,
        "at": 2000.0 + number,
        "seconds": 0.25,
        "queue_seconds": 0.05,
        "status": 200,
        "log": "half a pair: \ud800",
    }
    return CallRecord(at.id, request_id=f"request-{number}", **{**given, **fields})


def counts(at: Endpoint, minute: int = 100, **fields: Any) -> CallCounts:
    given: dict[str, Any] = {"version": 1, "calls": 3, "failed": 1, "throttled": 1, "latencies": (1, 2)}
    return CallCounts(at.id, minute=minute, **{**given, **fields})


def job(at: Endpoint, name: str = "job", state: JobState = JobState.QUEUED, **fields: Any) -> Job:
    request = JobRequest(
        {"input1": JobFile(JobFileKind.OBJECT, "ee" * 32, "csv")},
        {"output1": JobFile(JobFileKind.WORKSPACE, "data/out.parquet", "parquet")},
        {"trees": 5, "names": ["a"]},
    )
    given: dict[str, Any] = {"request": request, "created_at": 3000.0}
    return Job(ident(name), at.service_id, at.id, fields.pop("version", 1), state, **{**given, **fields})
