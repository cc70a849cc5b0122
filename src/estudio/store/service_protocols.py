"""What the store promises for web services and their jobs; the double and the database pass one contract suite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from estudio.core.job import Job, JobResult, JobState
    from estudio.core.run import Owner
    from estudio.core.service import CallCounts, CallRecord, Endpoint, Service, ServiceKey, ServiceVersion


class ServiceRepository(Protocol):
    """Services, versions, endpoints and keys. Any thread and process may use it. Raises subclasses of `StoreFailed`."""

    def workspace_id(self) -> str:
        """32 hexadecimal digits, drawn when it is first asked for, the same ever after."""
        ...

    def generation(self) -> int:
        """A number that rises with every change of services, versions, endpoints or keys, by whatever process.

        Cheap: a server asks before calls.
        """
        ...

    def add_version(
        self, service: Service, version: ServiceVersion, endpoint: Endpoint, keys: Sequence[ServiceKey]
    ) -> ServiceVersion:
        """Add a version with the next number of its service, in one transaction; `version.number` is ignored.

        Where there is no service of that name yet, the service, this endpoint and its keys are added too, and the
        version is its current one. Otherwise service, endpoint and keys are ignored, and nothing is promoted.
        """
        ...

    def promote(self, service_id: str, number: int) -> Service:
        """Make a version the current one; the one before becomes `previous`. Raises ServiceNotFound, VersionNotFound.

        Promoting the current one changes nothing.
        """
        ...

    def list_services(self) -> list[Service]:
        """All, by name."""
        ...

    def get_service(self, name_or_id: str) -> Service:
        """Raises ServiceNotFound."""
        ...

    def rename_service(self, service_id: str, name: str) -> Service:
        """Raises ServiceNotFound; StateConflict where another service has that name."""
        ...

    def remove_service(self, service_id: str) -> None:
        """With all that is its. Raises ServiceNotFound; StateConflict where jobs go on."""
        ...

    def list_versions(self, service_id: str) -> list[ServiceVersion]:
        """The newest first. Raises ServiceNotFound."""
        ...

    def get_version(self, service_id: str, number: int) -> ServiceVersion:
        """Raises VersionNotFound."""
        ...

    def remove_version(self, service_id: str, number: int) -> None:
        """Raises VersionNotFound; StateConflict where it is current, an endpoint is pinned to it, or jobs go on."""
        ...

    def add_endpoint(self, endpoint: Endpoint, keys: Sequence[ServiceKey]) -> None:
        """Raises StateConflict where the service has one of that name, ServiceNotFound, VersionNotFound."""
        ...

    def change_endpoint(self, endpoint: Endpoint) -> None:
        """Replace all but id, service and time. Raises EndpointNotFound, VersionNotFound, StateConflict."""
        ...

    def remove_endpoint(self, endpoint_id: str) -> None:
        """With its keys and jobs. Raises EndpointNotFound; StateConflict for the default one, or where jobs go on."""
        ...

    def list_endpoints(self, service_id: str | None = None) -> list[Endpoint]:
        """Of a service or of all, the default one first, then by name."""
        ...

    def get_endpoint(self, endpoint_id: str) -> Endpoint:
        """Raises EndpointNotFound."""
        ...

    def add_key(self, key: ServiceKey) -> None:
        """Raises EndpointNotFound, and StateConflict where the digest is there already."""
        ...

    def replace_key(self, key: ServiceKey, old_expires_at: float | None) -> None:
        """Put a key in a slot; the one that is there expires at that time (rotated without downtime), or now.

        One transaction. Raises EndpointNotFound.
        """
        ...

    def remove_key(self, key_id: str) -> None:
        """Raises KeyNotFound."""
        ...

    def list_keys(self, endpoint_id: str | None = None, *, manage: bool = False) -> list[ServiceKey]:
        """Keys of an endpoint, or the management keys, or all; expired ones are among them until they are removed."""
        ...

    def find_keys(self, beginning: str) -> list[ServiceKey]:
        """Keys whose digest begins so. Whoever asks compares whole digests in constant time."""
        ...

    def add_counts(self, counts: Iterable[CallCounts]) -> None:
        """Add to what is counted already, in one transaction."""
        ...

    def list_counts(self, endpoint_id: str, since_minute: int) -> list[CallCounts]:
        """In order of time, then version."""
        ...

    def add_calls(self, records: Iterable[CallRecord], keep: int) -> None:
        """Keep them, and of each of these endpoints only the newest `keep`."""
        ...

    def list_calls(self, endpoint_id: str, limit: int, *, failed_only: bool = False) -> list[CallRecord]:
        """The newest first."""
        ...

    def referenced_digests(self) -> set[str]:
        """Objects that versions refer to directly (manifest, samples), and endpoints' resources.

        What a manifest names in turn is known by `services.frozen_version`.
        """
        ...


class JobRepository(Protocol):
    """Jobs. Any thread and process may use it; each change is one durable transaction. Raises like the others."""

    def add_job(self, job: Job) -> Job:
        """Add it; where the endpoint has a job of the same idempotency key, nothing is added and that one returned.

        Raises EndpointNotFound, and StateConflict for an id that is taken or a state in which no job begins.
        """
        ...

    def get_job(self, job_id: str) -> Job:
        """Raises JobNotFound."""
        ...

    def list_jobs(self, endpoint_id: str | None = None, limit: int | None = None) -> list[Job]:
        """The newest first."""
        ...

    def move_job(self, job_id: str, state: JobState, at: float, *, by: Owner | None = None, **changes: object) -> Job:
        """Move it to a state, with these fields of `Job` changed. Raises JobNotFound, StateConflict.

        Where `by` is given, only its owner may do so. What is to be cancelled becomes cancelled in place of queued.
        What was kept of its parts is forgotten with its end.
        """
        ...

    def claim_job(self, owner: Owner, at: float, per_endpoint: int) -> Job | None:
        """Make the oldest queued job running and mine, `attempts` raised; None where there is none to take.

        Jobs of an endpoint that has `per_endpoint` running ones wait.
        """
        ...

    def progress(self, job_id: str, owner: Owner, rows_done: int, rows_total: int | None) -> bool:
        """Note how far it is; whether it is still this owner's to go on with: False when it is to be cancelled.

        False too where the job is gone or another's.
        """
        ...

    def ask_cancel(self, job_id: str, at: float) -> Job:
        """A job that has not begun is cancelled; one that runs is marked; an ended one stays. Raises JobNotFound."""
        ...

    def add_part(self, job_id: str, owner: Owner, part: int, results: dict[str, JobResult]) -> None:
        """Keep what a part of a job gave; a second time is nothing. Raises JobNotFound; StateConflict where not mine.

        `attempts` becomes 1 again: a job that gets on is not what ends its processes.
        """
        ...

    def list_parts(self, job_id: str) -> dict[int, dict[str, JobResult]]:
        """What parts have been kept."""
        ...

    def repair(self, is_alive: Callable[[Owner], bool], at: float) -> list[Job]:
        """Queue running jobs whose owner is gone, or fail those that were begun MAX_ATTEMPTS times; returns them."""
        ...

    def remove_expired(self, now: float) -> list[Job]:
        """Forget jobs that have expired and have ended, or were never started; returns them."""
        ...

    def referenced_digests(self) -> set[str]:
        """Objects that jobs read or gave."""
        ...
