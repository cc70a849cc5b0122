"""The tables of the newest schema and the statements on them, built once and compiled once.

The schema itself is made by `store.migrations`; a test holds both together. Lists of names and keys go in as one JSON
value, so that a statement for thousands is the same as for one and meets no bound on variables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    Float,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    true,
    union,
    update,
)
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from estudio.core.run import RunState
from estudio.store import rows
from estudio.store.moves import REUSABLE, UNFINISHED

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

metadata = MetaData()

_REALS = {"started_at", "ended_at", "created_at", "computed_at", "at"}
_INTEGERS = {
    *("number", "run", "partial", "owner_pid"),
    *("version", "last_version", "size_bytes", "row_count"),
}


def _table(name: str, keys: tuple[str, ...], others: tuple[str, ...]) -> Table:
    columns = []
    for column in (*keys, *others):
        kind = Float if column in _REALS else Integer if column in _INTEGERS else Text
        columns.append(Column(column, kind, primary_key=column in keys))
    return Table(name, metadata, *columns)


runs = _table("runs", ("number",), rows.RUN_COLUMNS)
module_runs = _table("module_runs", ("number",), ("run", "experiment", *rows.MODULE_COLUMNS))
events = _table("events", ("run", "number"), ("at", "body"))
dataset_families = _table("dataset_families", ("family",), ("last_version",))
datasets = _table("datasets", ("family", "version"), tuple(rows.DATASET_COLUMNS[2:]))
file_digests = _table("file_digests", ("path",), ("stamp", "computed_at", "digest"))

run_columns = [runs.c[name] for name in rows.RUN_COLUMNS]
module_columns = [module_runs.c[name] for name in rows.MODULE_COLUMNS]
dataset_columns = [datasets.c[name] for name in rows.DATASET_COLUMNS]

_wanted = func.json_each(bindparam("wanted", type_=Text)).table_valued("value", name="wanted")
_candidate = module_runs.alias("candidate")
# Written out, not bound: only then does SQLite see that the partial indexes serve.
_reusable = _candidate.c.state.in_([literal_column(f"'{state.value}'") for state in REUSABLE])

insert_run = insert(runs)
insert_modules = insert(module_runs)
insert_events = insert(events)
_last_event = (
    select(func.coalesce(func.max(events.c.number), 0)).where(events.c.run == runs.c.number).correlate(runs)
).scalar_subquery()
select_run = select(*run_columns, runs.c.number, _last_event).where(runs.c.id == bindparam("run_id"))
ids_beginning = (
    select(runs.c.id)
    .where(runs.c.id >= bindparam("beginning"), runs.c.id < bindparam("beyond"))
    .order_by(runs.c.id)
    .limit(bindparam("most"))
)
select_running = (
    select(*run_columns, runs.c.number)
    .where(runs.c.state == literal_column(f"'{RunState.RUNNING.value}'"))
    .order_by(runs.c.number)
)
end_run = (
    update(runs)
    .where(runs.c.number == bindparam("run_number"))
    .values(state=bindparam("new_state"), ended_at=bindparam("new_ended_at"))
)
delete_run = delete(runs).where(runs.c.number == bindparam("run_number"))
select_modules = (
    select(*module_columns).where(module_runs.c.run == bindparam("run_number")).order_by(module_runs.c.number)
)
select_unfinished = (
    select(*module_columns, module_runs.c.number)
    .where(
        module_runs.c.run == bindparam("run_number"),
        module_runs.c.state.in_(sorted(state.value for state in UNFINISHED)),
    )
    .order_by(module_runs.c.number)
)
select_states = (
    select(runs.c.state, runs.c.number, _last_event, module_runs.c.module, module_runs.c.state, module_runs.c.number)
    .select_from(runs)
    .outerjoin(_wanted, true())
    .outerjoin(module_runs, and_(module_runs.c.run == runs.c.number, module_runs.c.module == _wanted.c.value))
    .where(runs.c.id == bindparam("run_id"))
)
update_module = (
    update(module_runs)
    .where(module_runs.c.number == bindparam("module_number"))
    .values({name: bindparam(f"new_{name}") for name in rows.MODULE_COLUMNS if name != "module"})
)
select_events = (
    select(events.c.number, events.c.at, events.c.body)
    .where(events.c.run == bindparam("run_number"), events.c.number > bindparam("after"))
    .order_by(events.c.number)
)


runs_of_all = select(*run_columns).order_by(runs.c.number.desc()).limit(bindparam("most"))
runs_of_one = runs_of_all.where(runs.c.experiment == bindparam("of"))
_outputs = func.json_each(module_runs.c.outputs).table_valued("value", name="outputs_of")
digests_of_runs = union(
    select(runs.c.snapshot),
    select(module_runs.c.log).where(module_runs.c.log.is_not(None)),
    select(func.json_extract(_outputs.c.value, "$.digest")).select_from(module_runs).join(_outputs, true()),
)


def _newest(condition: ColumnElement[bool], *order: ColumnElement[object]) -> Select[tuple[object, ...]]:
    """The best candidate for each wanted value, with the id of its run."""
    best = select(_candidate.c.number).where(condition, _reusable).order_by(*order).limit(1).correlate(_wanted)
    return (
        select(_wanted.c.value, runs.c.id, *module_columns)
        .select_from(_wanted)
        .join(module_runs, module_runs.c.number == best.scalar_subquery())
        .join(runs, runs.c.number == module_runs.c.run)
    )


# "finished" sorts before "reused": what made a result comes before what reused it.
newest_of_keys = _newest(_candidate.c.key == _wanted.c.value, _candidate.c.state, _candidate.c.run.desc())
newest_of_names = _newest(
    and_(_candidate.c.experiment == bindparam("of"), _candidate.c.module == _wanted.c.value),
    _candidate.c.run.desc(),
)

_families_insert = sqlite_insert(dataset_families).values(family=bindparam("family"), last_version=1)
count_version = _families_insert.on_conflict_do_update(
    index_elements=["family"], set_={"last_version": dataset_families.c.last_version + 1}
).returning(dataset_families.c.last_version)
insert_dataset = insert(datasets)
datasets_of_all = select(*dataset_columns).order_by(datasets.c.family, datasets.c.version.desc())
datasets_of_one = datasets_of_all.where(datasets.c.family == bindparam("of"))
delete_dataset = delete(datasets).where(
    datasets.c.family == bindparam("of"), datasets.c.version == bindparam("version_number")
)
digests_of_datasets = union(
    select(datasets.c.original), select(datasets.c.table_digest).where(datasets.c.table_digest.is_not(None))
)

select_stamps = (
    select(file_digests.c.path, file_digests.c.stamp, file_digests.c.computed_at, file_digests.c.digest)
    .select_from(_wanted)
    .join(file_digests, file_digests.c.path == _wanted.c.value)
)
replace_stamps = sqlite_insert(file_digests).prefix_with("OR REPLACE")
