"""When a change of services, endpoints and keys is refused, and in which words; shared by all repositories."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from estudio.core.service import DEFAULT_ENDPOINT
from estudio.errors import EndpointNotFound, KeyNotFound, ServiceNotFound, StateConflict, VersionNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from estudio.core.service import CallCounts, Endpoint, Service, ServiceKey, ServiceVersion

KEPT_MINUTES = 30 * 24 * 60
"""Counts of calls are kept for 30 days: enough for a month's look, and a bound for the database."""
FIRST_FAILING_STATUS = 400


def service_missing(name_or_id: str) -> ServiceNotFound:
    """The error for a name or id that no service has."""
    return ServiceNotFound(
        f"There is no web service “{name_or_id[:100]}”. `estudio service list` shows all.", service=name_or_id
    )


def version_missing(service: str, number: int) -> VersionNotFound:
    """The error for a number that no version has."""
    return VersionNotFound(
        f"The web service {service} has no version {number}. `estudio service versions` shows all.",
        service=service,
        version=number,
    )


def endpoint_missing(endpoint_id: str | None) -> EndpointNotFound:
    """The error for an id that no endpoint has."""
    return EndpointNotFound(f"There is no endpoint {(endpoint_id or '')[:64]!r}.", endpoint=endpoint_id)


def key_missing(key_id: str) -> KeyNotFound:
    """The error for an id that no key has."""
    return KeyNotFound(f"There is no key {key_id[:64]!r}.", key=key_id)


def refuse_second_key(key: ServiceKey) -> StateConflict:
    """The error for a key that is there already."""
    return StateConflict(f"Key {key.id} cannot be added: it is there already. This is a defect.", key=key.id)


def refuse_taken_name(kind: str, name: str) -> StateConflict:
    """The error for a name that another one has; `kind` is `web service` or `endpoint`."""
    return StateConflict(f"There is a {kind} of the name {name!r} already; choose another name.", name=name)


def refuse_while_used(what: str, job_id: str) -> StateConflict:
    """The error where jobs go on."""
    return StateConflict(f"{what} cannot be removed: job {job_id} goes on. Cancel it, or wait for its end.", job=job_id)


def check_removable_version(service: Service, number: int, endpoints: Sequence[Endpoint]) -> None:
    """Raise StateConflict where callers would lose it."""
    if service.current == number:
        raise StateConflict(
            f"Version {number} of {service.name} is the current one; promote another one first.",
            service=service.name,
            version=number,
        )
    pinned = next((endpoint for endpoint in endpoints if endpoint.version == number), None)
    if pinned is not None:
        raise StateConflict(
            f"The endpoint {pinned.name} of {service.name} is pinned to version {number}; change or remove it first.",
            service=service.name,
            version=number,
            endpoint=pinned.name,
        )


def check_removable_endpoint(endpoint: Endpoint) -> None:
    """Raise StateConflict for the default one."""
    if endpoint.name == DEFAULT_ENDPOINT:
        raise StateConflict("The default endpoint is removed only with its service.", endpoint=endpoint.id)


def changed_endpoint(before: Endpoint, after: Endpoint) -> Endpoint:
    """What replaces an endpoint. Raises StateConflict where the default one would get another name."""
    if before.name == DEFAULT_ENDPOINT != after.name:
        raise StateConflict("The default endpoint keeps its name.", endpoint=before.id)
    return replace(after, service_id=before.service_id, created_at=before.created_at)


def promoted(service: Service, number: int) -> Service:
    """The service with another current version."""
    return service if service.current == number else replace(service, current=number, previous=service.current)


def without_version(service: Service, number: int) -> Service:
    """The service when a version is gone."""
    return replace(service, previous=None) if service.previous == number else service


def endpoint_order(endpoint: Endpoint) -> tuple[str, bool, str]:
    """Sorts endpoints: by service, the default one first, then by name."""
    return endpoint.service_id, endpoint.name != DEFAULT_ENDPOINT, endpoint.name


def in_slot(keys: Iterable[ServiceKey], key: ServiceKey) -> list[ServiceKey]:
    """Keys that were put into the slot before this one."""
    return [each for each in keys if key.slot is not None and each.slot is key.slot]


def retired(old: ServiceKey, at: float, old_expires_at: float | None) -> ServiceKey | None:
    """An old key of a slot that gets a new one at this time; None where it is of no use any more."""
    if old_expires_at is None or (old.expires_at is not None and old.expires_at <= at):
        return None
    sooner = old_expires_at if old.expires_at is None else min(old.expires_at, old_expires_at)
    return replace(old, expires_at=sooner)


def added_counts(before: CallCounts | None, more: CallCounts) -> CallCounts:
    """Both together."""
    if before is None:
        return more
    longest = max(len(before.latencies), len(more.latencies))
    first, second = (each.latencies + (0,) * (longest - len(each.latencies)) for each in (before, more))
    return replace(
        before,
        calls=before.calls + more.calls,
        failed=before.failed + more.failed,
        throttled=before.throttled + more.throttled,
        latencies=tuple(map(sum, zip(first, second, strict=True))),
    )


def direct_digests(versions: Iterable[ServiceVersion], endpoints: Iterable[Endpoint]) -> set[str]:
    """Objects that these refer to directly."""
    found = {resource.digest for endpoint in endpoints for resource in endpoint.resources}
    for version in versions:
        found |= {version.manifest} | {port.sample for port in (*version.inputs, *version.outputs) if port.sample}
    return found
