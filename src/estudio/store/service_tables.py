"""The tables of web services and jobs, and the statements on them.

The schema itself is made by `store.migrations`; a test holds both together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, Float, Integer, Table, Text, and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy import literal_column as written
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from estudio.core.job import JobState
from estudio.store.tables import metadata

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_REALS = {"created_at", "started_at", "ended_at", "expires_at"}
_INTEGERS = {
    *("number", "current", "previous", "last_version", "version", "row_wise", "calls_per_minute", "minute", "calls"),
    *("failed", "throttled", "status", "owner_pid", "attempts", "rows_done", "rows_total", "is_cancelling", "job"),
    "part",
}


def _table(name: str, keys: tuple[str, ...], *others: str) -> Table:
    columns = []
    for column in (*keys, *others):
        kind = Float if column in _REALS else Integer if column in _INTEGERS else Text
        columns.append(Column(column, kind, primary_key=column in keys))
    return Table(name, metadata, *columns)


workspace_values = _table("workspace_values", ("name",), "value")
services = _table("services", ("id",), "name", "created_at", "current", "previous", "last_version")
service_versions = _table(
    "service_versions", ("service_id", "number"),
    "created_at", "experiment", "manifest", "isolation", "row_wise", "body",
)  # fmt: skip
endpoints = _table("endpoints", ("id",), "service_id", "name", "created_at", "version", "body")
service_keys = _table(
    "service_keys", ("id",),
    "digest", "scope", "created_at", "endpoint_id", "slot", "expires_at", "calls_per_minute", "wrapped",
)  # fmt: skip
call_counts = _table(
    "call_counts", ("endpoint_id", "minute", "version"), "calls", "failed", "throttled", "latencies"
)  # fmt: skip
call_records = _table("call_records", ("number",), "endpoint_id", "status", "body")
jobs = _table(
    "jobs", ("number",),
    "id", "service_id", "endpoint_id", "version", "state", "request", "created_at", "started_at", "ended_at",
    "owner_pid", "owner_started", "owner_boot", "attempts", "rows_done", "rows_total", "results", "error",
    "is_cancelling", "idempotency_key", "expires_at",
)  # fmt: skip
job_parts = _table("job_parts", ("job", "part"), "results")

_QUEUED: ColumnElement[str] = written(f"'{JobState.QUEUED.value}'")
_RUNNING: ColumnElement[str] = written(f"'{JobState.RUNNING.value}'")
# Written out, not bound: only then does SQLite see that the partial indexes serve.

GENERATION, WORKSPACE_ID = "generation", "id"
select_value = select(workspace_values.c.value).where(workspace_values.c.name == bindparam("wanted"))
insert_value = sqlite_insert(workspace_values).on_conflict_do_nothing()
raise_generation = (
    update(workspace_values)
    .where(workspace_values.c.name == GENERATION)
    .values(value=workspace_values.c.value.op("+")(written("1")))
)

select_services = select(services).order_by(services.c.name)
select_service = select(services).where(
    or_(services.c.name == bindparam("wanted"), services.c.id == bindparam("wanted"))
)
update_service = (
    update(services)
    .where(services.c.id == bindparam("of"))
    .values({name: bindparam(f"new_{name}") for name in ("name", "current", "previous", "last_version")})
)
delete_service = delete(services).where(services.c.id == bindparam("of"))

_of_service = service_versions.c.service_id == bindparam("of")
select_versions = select(service_versions).where(_of_service).order_by(service_versions.c.number.desc())
select_all_versions = select(service_versions)
select_version = select(service_versions).where(_of_service, service_versions.c.number == bindparam("wanted"))
delete_version = delete(service_versions).where(_of_service, service_versions.c.number == bindparam("wanted"))

select_endpoint = select(endpoints).where(endpoints.c.id == bindparam("of"))
select_all_endpoints = select(endpoints)
select_endpoints = select_all_endpoints.where(endpoints.c.service_id == bindparam("of"))
update_endpoint = (
    update(endpoints)
    .where(endpoints.c.id == bindparam("of"))
    .values({name: bindparam(f"new_{name}") for name in ("name", "version", "body")})
)
delete_endpoint = delete(endpoints).where(endpoints.c.id == bindparam("of"))

select_keys = select(service_keys).order_by(service_keys.c.created_at, service_keys.c.id)
select_keys_of = select_keys.where(service_keys.c.endpoint_id == bindparam("of"))
select_manage_keys = select_keys.where(service_keys.c.endpoint_id.is_(None))
select_keys_beginning = select_keys.where(
    service_keys.c.digest >= bindparam("beginning"), service_keys.c.digest < bindparam("beyond")
)
insert_key = insert(service_keys)
delete_key = delete(service_keys).where(service_keys.c.id == bindparam("of"))
expire_key = update(service_keys).where(service_keys.c.id == bindparam("of")).values(expires_at=bindparam("at"))

_counts_insert = sqlite_insert(call_counts)
select_count = select(call_counts).where(
    call_counts.c.endpoint_id == bindparam("of"),
    call_counts.c.minute == bindparam("in_minute"),
    call_counts.c.version == bindparam("for_version"),
)
replace_count = _counts_insert.prefix_with("OR REPLACE")
delete_counts = delete(call_counts).where(
    call_counts.c.endpoint_id == bindparam("of"), call_counts.c.minute < bindparam("before")
)
select_counts = (
    select(call_counts)
    .where(call_counts.c.endpoint_id == bindparam("of"), call_counts.c.minute >= bindparam("since"))
    .order_by(call_counts.c.minute, call_counts.c.version)
)
insert_call = insert(call_records)
_calls_of = call_records.c.endpoint_id == bindparam("of")
_last_kept = (
    select(call_records.c.number)
    .where(_calls_of)
    .order_by(call_records.c.number.desc())
    .limit(1)
    .offset(bindparam("keep"))
)
delete_calls = delete(call_records).where(_calls_of, call_records.c.number <= _last_kept.scalar_subquery())
select_calls = (
    select(call_records.c.body).where(_calls_of).order_by(call_records.c.number.desc()).limit(bindparam("most"))
)
select_failed_calls = select_calls.where(call_records.c.status >= bindparam("failing"))

select_job = select(jobs).where(jobs.c.id == bindparam("wanted"))
select_job_of_key = select(jobs).where(
    jobs.c.endpoint_id == bindparam("of"), jobs.c.idempotency_key == bindparam("key"), jobs.c.idempotency_key != ""
)
select_all_jobs = select(jobs).order_by(jobs.c.number.desc()).limit(bindparam("most"))
select_jobs_of = select_all_jobs.where(jobs.c.endpoint_id == bindparam("of"))
select_running_jobs = select(jobs).where(jobs.c.state == _RUNNING).order_by(jobs.c.endpoint_id, jobs.c.number)
_other = jobs.alias("other")
_running_beside = (
    select(func.count())
    .select_from(_other)
    .where(_other.c.state == _RUNNING, _other.c.endpoint_id == jobs.c.endpoint_id)
    .correlate(jobs)
    .scalar_subquery()
)
select_claimable = (
    select(jobs)
    .where(jobs.c.state == _QUEUED, _running_beside < bindparam("per_endpoint"))
    .order_by(jobs.c.number)
    .limit(1)
)
has_claimable = select_claimable.with_only_columns(jobs.c.number)
select_expired_jobs = select(jobs).where(
    jobs.c.expires_at.is_not(None),
    jobs.c.expires_at <= bindparam("now"),
    or_(jobs.c.ended_at.is_not(None), jobs.c.state == JobState.NOT_STARTED.value),
)
_goes_on = jobs.c.state.in_([_QUEUED, _RUNNING])
jobs_of_service = select(jobs.c.id).where(_goes_on, jobs.c.service_id == bindparam("of")).limit(1)
jobs_of_endpoint = select(jobs.c.id).where(_goes_on, jobs.c.endpoint_id == bindparam("of")).limit(1)
jobs_of_version = (
    select(jobs.c.id)
    .where(_goes_on, and_(jobs.c.service_id == bindparam("of"), jobs.c.version == bindparam("wanted")))
    .limit(1)
)
insert_job = insert(jobs)
_CHANGING = tuple(column.name for column in jobs.columns if column.name != "number")
update_job = (
    update(jobs)
    .where(jobs.c.number == bindparam("job_number"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGING})
)
delete_job = delete(jobs).where(jobs.c.number == bindparam("job_number"))
insert_part = sqlite_insert(job_parts).on_conflict_do_nothing()
select_parts = (
    select(job_parts.c.part, job_parts.c.results)
    .where(job_parts.c.job == bindparam("job_number"))
    .order_by(job_parts.c.part)
)
select_all_parts = select(job_parts.c.results)
delete_parts = delete(job_parts).where(job_parts.c.job == bindparam("job_number"))
