"""Services whose answers are written beforehand, in place of `Workspace.services` and `Workspace.jobs`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from estudio.core.job import Job, JobFile, JobFileKind, JobRequest, JobResult, JobState
from estudio.core.module_kind import Parameter, ParameterType
from estudio.core.service import (
    LATENCY_SECONDS,
    CallCounts,
    CallRecord,
    Diagnostics,
    Endpoint,
    KeyScope,
    KeySlot,
    Service,
    ServiceIsolation,
    ServiceKey,
    ServicePort,
    ServiceVersion,
)
from estudio.errors import EndpointNotFound, JobNotFound, ServiceNotFound
from estudio.tables.table import Table

from .scripted_door import ScriptedDoor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from estudio.server.settings import ServerSettings

SERVICE_ID, ENDPOINT_ID, WORKSPACE_ID = "5" * 32, "e" * 32, "a" * 32
SAMPLE = Table(pa.table({"name": pa.array(["Anna", "José"], pa.large_string()), "age": [34, None]}))
ANSWER = Table(pa.table({"name": pa.array(["Anna", "José"], pa.large_string()), "older": [True, False]}))
VERSION = ServiceVersion(
    SERVICE_ID, 1, 1.7e9, "people", "Older people", "Says who is older.\x1b[2J", "m",
    (ServicePort("input1", "calls", SAMPLE.schema.columns, ""),),
    (ServicePort("output1", "answers", ANSWER.schema.columns, ""),),
    (
        Parameter("age", ParameterType.INTEGER, "from which age on", default=60),
        Parameter("method", ParameterType.CHOICE, "how", required=True, choices=("strict", "lax")),
    ),
    facts={"estudio": "0.1.0"},
)  # fmt: skip
KEYS = {KeySlot.PRIMARY: "primary-key-itself", KeySlot.SECONDARY: "secondary-key-itself"}
CALLS = [
    CallRecord(ENDPOINT_ID, 1, "r-2", 1.7e9 + 2, 0.25, 0.01, 400, "script-raised", "ZeroDivisionError: x", "ouch\n"),
    CallRecord(ENDPOINT_ID, 1, "r-1", 1.7e9 + 1, 0.012, 0.0, 200, log="a line\nanother \x1b[31m\n"),
]


def counts(version: int, calls: int, failed: int, place: int) -> CallCounts:
    """Calls that all ended within one bucket."""
    latencies = tuple(calls if each == place else 0 for each in range(len(LATENCY_SECONDS) + 1))
    return CallCounts(ENDPOINT_ID, version, 28_333_333, calls, failed, 2, latencies)


@dataclass
class StandIn:
    """The use cases that commands about services ask, for one service `people`; remembers what was asked."""

    asked: list[Any] = field(default_factory=list)
    service: Service = field(default_factory=lambda: Service(SERVICE_ID, "people", 1.7e9, 2, 1))
    found: list[Endpoint] = field(default_factory=lambda: [Endpoint(ENDPOINT_ID, SERVICE_ID, "default", 1.7e9)])
    records: list[CallRecord] = field(default_factory=lambda: list(CALLS))
    is_empty: bool = False
    is_new: bool = True
    workspace_id: str = WORKSPACE_ID

    def list(self) -> Sequence[Service]:
        return [] if self.is_empty else [self.service]

    def get(self, name: str) -> Service:
        if name != self.service.name:
            raise ServiceNotFound(f"There is no service {name!r}; did you mean {self.service.name!r}?", name=name)
        return self.service

    def versions(self, name: str) -> Sequence[ServiceVersion]:
        self.get(name)
        return [
            replace(VERSION, number=2, isolation=ServiceIsolation.WORKER, row_wise=True, created_at=1.7e9 + 60),
            VERSION,
        ]

    def publish(self, experiment: str, **options: Any) -> SimpleNamespace:
        self.asked.append((experiment, options))
        options["on_progress"]("building the environment default")
        service = self.service if options["promote"] else replace(self.service, current=1)
        keys = KEYS if self.is_new else {}
        return SimpleNamespace(
            service=service,
            version=self.versions("people")[0],
            endpoint=self.found[0],
            keys=dict(keys),
            is_new=self.is_new,
        )

    def promote(self, name: str, number: int) -> Service:
        return replace(self.get(name), current=number, previous=2)

    def rollback(self, name: str) -> Service:
        return replace(self.get(name), current=1, previous=2)

    def remove(self, name: str) -> None:
        self.asked.append(("remove", name))

    def remove_version(self, name: str, number: int) -> None:
        self.asked.append(("remove", name, number))

    def endpoints(self, name: str) -> Sequence[Endpoint]:
        self.get(name)
        return self.found

    def endpoint(self, name: str, endpoint: str = "default") -> Endpoint:
        for each in self.endpoints(name):
            if each.name == endpoint:
                return each
        raise EndpointNotFound(f"{name} has no endpoint {endpoint!r}; it has default.", endpoint=endpoint)

    def add_endpoint(self, name: str, endpoint: str, **limits: Any) -> SimpleNamespace:
        self.asked.append((name, endpoint, limits))
        return SimpleNamespace(endpoint=replace(self.found[0], name=endpoint, **limits), keys=dict(KEYS))

    def change_endpoint(self, name: str, endpoint: str, **changes: Any) -> Endpoint:
        self.asked.append((name, endpoint, changes))
        return replace(self.endpoint(name, endpoint), **changes)

    def remove_endpoint(self, name: str, endpoint: str) -> None:
        self.asked.append(("remove", name, endpoint))

    def keys(self, name: str, endpoint: str = "default") -> Sequence[ServiceKey]:
        endpoint_id = self.endpoint(name, endpoint).id
        return [
            ServiceKey("1" * 16, "d", KeyScope.CALL, 1.7e9, endpoint_id, KeySlot.PRIMARY),
            ServiceKey("2" * 16, "d", KeyScope.CALL, 1.7e9, endpoint_id, KeySlot.SECONDARY, expires_at=1.7e9 + 9),
        ]

    def manage_keys(self) -> Sequence[ServiceKey]:
        return [] if self.is_empty else [ServiceKey("3" * 16, "d", KeyScope.MANAGE, 1.7e9)]

    def rotate_key(
        self, name: str, endpoint: str, slot: KeySlot, grace_seconds: float, expires_in_seconds: float | None
    ) -> str:
        self.asked.append((name, endpoint, slot, grace_seconds, expires_in_seconds))
        return "rotated-key-itself"

    def create_manage_key(self, expires_in_seconds: float | None = None) -> SimpleNamespace:
        self.asked.append(expires_in_seconds)
        return SimpleNamespace(key=ServiceKey("3" * 16, "d", KeyScope.MANAGE, 1.7e9), token="manage-key-itself")

    def remove_key(self, key_id: str) -> None:
        self.asked.append(("remove", key_id))

    def calls(self, name: str, endpoint: str, limit: int, *, failed_only: bool = False) -> Sequence[CallRecord]:
        self.endpoint(name, endpoint)
        return [each for each in self.records if each.code or not failed_only][:limit]

    def statistics(self, name: str, endpoint: str, minutes: int) -> Sequence[CallCounts]:
        self.endpoint(name, endpoint)
        self.asked.append(minutes)
        return [] if self.is_empty else [counts(1, 5, 1, 99), counts(2, 100, 0, 5), counts(2, 1, 0, 24)]

    def samples(self, name: str, version: int | None = None) -> dict[str, Table]:
        self.asked.append((name, version))
        return {"input1": SAMPLE, "output1": ANSWER}


RUNNING = Job(
    "0" * 32, SERVICE_ID, ENDPOINT_ID, 2, JobState.RUNNING,
    JobRequest({"input1": JobFile(JobFileKind.OBJECT, "d", "csv")}, {}, {"age": 60}),
    1.7e9, started_at=1.7e9 + 1, attempts=2, rows_done=250_000, rows_total=1_000_000,
)  # fmt: skip
FINISHED = replace(
    RUNNING, id="1" * 32, state=JobState.FINISHED, attempts=1, rows_done=1_000_000, ended_at=1.7e9 + 11,
    results={"output1": JobResult("d", "csv", 12_345_678, 1_000_000)},
)  # fmt: skip
FAILED = replace(
    RUNNING, id="2" * 32, state=JobState.FAILED, attempts=1, rows_done=0, rows_total=None, ended_at=1.7e9 + 2,
    error={"code": "script-raised", "message": "The script raised \x1b[2JValueError.", "module": "score"},
)  # fmt: skip


@dataclass
class JobsStandIn:
    """Three jobs."""

    jobs: tuple[Job, ...] = (FAILED, FINISHED, RUNNING)

    def list(self, endpoint_id: str) -> Sequence[Job]:
        return [job for job in self.jobs if job.endpoint_id == endpoint_id]

    def get(self, job_id: str) -> Job:
        for job in self.jobs:
            if job.id == job_id:
                return job
        raise JobNotFound(f"There is no job {job_id!r}.", job=job_id)

    def cancel(self, job_id: str) -> Job:
        return replace(self.get(job_id), is_cancelling=True)


@dataclass
class WorkspaceStandIn:
    """A workspace that has nothing but services and jobs."""

    services: StandIn = field(default_factory=StandIn)
    jobs: JobsStandIn = field(default_factory=JobsStandIn)
    repaired: tuple[object, ...] = ()
    folder: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(root=Path("ws")))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@dataclass
class ServiceDoor(ScriptedDoor):
    """A door to the stand-in."""

    stand_in: WorkspaceStandIn = field(default_factory=WorkspaceStandIn)
    served: list[tuple[Path, ServerSettings]] = field(default_factory=list)

    def serve(self, folder: Path, settings: ServerSettings, on_ready: Callable[[str], None]) -> None:
        self.served.append((folder, settings))
        on_ready("http://127.0.0.1:8080")

    def open_workspace(self, folder: Path | None) -> Any:  # noqa: ARG002 -- the protocol's
        return self.stand_in


__all__ = ["Diagnostics", "ServiceDoor", "StandIn", "WorkspaceStandIn"]
