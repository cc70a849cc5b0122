"""Web services on screen: as a list, one with its ports and addresses, versions, endpoints, keys, calls, figures.

Everything from documents, callers and scripts is neutralised here, before it enters a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from estudio.cli.history_report import local_time
from estudio.cli.module_lines import seconds_words
from estudio.cli.untrusted_text import neutralise_line, neutralise_lines
from estudio.cli.values import size_words
from estudio.core.service import LATENCY_SECONDS
from estudio.workspace.type_words import type_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from estudio.core.module_kind import Parameter
    from estudio.core.service import CallRecord, Endpoint, Service, ServiceKey, ServicePort, ServiceVersion
    from estudio.workspace.call_addresses import CallAddresses
    from estudio.workspace.call_statistics import CallSummary

MAX_SHOWN_COLUMNS = 60
"""Of a port on screen; `--json` has all."""
_RIGHT = {
    "versions",
    "calls at once",
    "timeout",
    "memory",
    "calls",
    "failed",
    "throttled",
    "half within",
    "99 % within",
}


def services_table(services: Sequence[tuple[Service, Sequence[ServiceVersion]]]) -> RenderableType:
    """Services, one for each line."""
    if not services:
        return Text("There are no services yet; `estudio publish EXPERIMENT` makes one.")
    table = _table("service", "version", "versions", "title", "published")
    for service, versions in services:
        current = next((version for version in versions if version.number == service.current), None)
        table.add_row(
            _text(service.name),
            str(service.current),
            f"{len(versions):,}",
            _text("" if current is None else current.title),
            "" if current is None else local_time(current.created_at),
        )
    return table


def service_parts(
    service: Service, version: ServiceVersion, endpoints: Sequence[Endpoint], addresses: CallAddresses
) -> tuple[RenderableType, ...]:
    """One service: words, ports, parameters, addresses, endpoints."""
    head = f"{service.name}, version {version.number}: {version.title}"
    parts: list[RenderableType] = [Text(neutralise_line(head), style="bold")]
    if version.description:
        parts.append(_text(version.description))
    parts += [_text(line) for line in _port_lines("in", version.inputs)]
    parts += [_text(line) for line in _port_lines("out", version.outputs)]
    parts += [_text(f"parameter {parameter_words(parameter)}") for parameter in version.parameters]
    rows = "row by row" if version.row_wise else "as a whole"
    parts.append(Text(f"isolation {version.isolation.value}; jobs score their input {rows}", style="dim"))
    parts += [Text(line, no_wrap=True, overflow="ignore") for line in address_lines(addresses)]
    return (*parts, Text(""), endpoints_table(endpoints))


def address_lines(addresses: CallAddresses) -> tuple[str, ...]:
    """The addresses with what each is for."""
    return (
        f"score    {addresses.score}",
        f"pinned   {addresses.pinned}",
        f"classic  {addresses.classic}",
        f"test     {addresses.test}",
    )


def _port_lines(direction: str, ports: Sequence[ServicePort]) -> Iterator[str]:
    for port in ports:
        shown = ", ".join(f"{column.name} ({type_words(column.type)})" for column in port.columns[:MAX_SHOWN_COLUMNS])
        more = len(port.columns) - MAX_SHOWN_COLUMNS
        yield f"{direction:<3} {port.name}: {shown}{f' and {more:,} more' if more > 0 else ''}"


def parameter_words(parameter: Parameter) -> str:
    """`trees: integer, 250 unless it is given`."""
    default = "required" if parameter.default is None else f"{parameter.default} unless it is given"
    choices = f" ({', '.join(parameter.choices)})" if parameter.choices else ""
    return f"{parameter.name}: {parameter.type.value}{choices}, {default}"


def versions_table(service: Service, versions: Sequence[ServiceVersion]) -> RenderableType:
    """Versions, the newest first; a word marks the one that is called and the one to go back to."""
    table = _table("version", "published", "experiment", "title", "isolation", "")
    for version in versions:
        is_previous = version.number == service.previous
        word = "current" if version.number == service.current else "previous" if is_previous else ""
        table.add_row(
            str(version.number),
            local_time(version.created_at),
            _text(version.experiment),
            _text(version.title),
            version.isolation.value,
            Text(word, style="green" if word == "current" else "dim"),
        )
    return table


def endpoints_table(endpoints: Sequence[Endpoint]) -> RenderableType:
    """Endpoints with their limits."""
    table = _table("endpoint", "version", "calls at once", "timeout", "memory", "diagnostics", "description")
    for endpoint in endpoints:
        table.add_row(
            _text(endpoint.name),
            "current" if endpoint.version is None else str(endpoint.version),
            str(endpoint.max_concurrent_calls),
            f"{endpoint.timeout_seconds:g} s",
            "" if endpoint.memory_bytes is None else size_words(endpoint.memory_bytes),
            endpoint.diagnostics.value,
            _text(endpoint.description),
        )
    return table


def keys_table(keys: Sequence[ServiceKey], now: float) -> RenderableType:
    """Keys by their ids; the keys themselves are not kept."""
    if not keys:
        return Text("There are no keys.")
    table = _table("id", "allows", "slot", "made", "ends")
    for key in keys:
        ends = Text("never", style="dim")
        if key.expires_at is not None:
            ends = Text(local_time(key.expires_at), style="yellow")
            if key.expires_at <= now:
                ends.append(" (ended)")
        slot = "" if key.slot is None else key.slot.value
        table.add_row(key.id, key.scope.value, slot, local_time(key.created_at), ends)
    return table


def call_lines(record: CallRecord) -> str:
    """One call that was kept: a line, then what its scripts printed."""
    took = seconds_words(record.seconds)
    line = f"{local_time(record.at)}  {record.status}  {took:>8}  version {record.version}  {record.request_id}"
    if record.code:
        line += f"  {record.code}: {record.message}"
    printed = "".join(f"\n    {each}" for each in neutralise_lines(record.log).rstrip("\n").split("\n") if record.log)
    return neutralise_line(line) + printed


def statistics_table(summaries: Mapping[int, CallSummary], total: CallSummary) -> RenderableType:
    """Figures of calls by version, and of all."""
    table = _table("version", "calls", "failed", "throttled", "half within", "99 % within")
    for name, summary in (*((str(number), each) for number, each in summaries.items()), ("all", total)):
        table.add_row(
            name,
            f"{summary.calls:,}",
            f"{summary.failed:,}",
            f"{summary.throttled:,}",
            bound_words(summary.p50_seconds),
            bound_words(summary.p99_seconds),
        )
    return table


def bound_words(seconds: float | None) -> str:
    """The bound of a percentile: `20 ms`, or more than the largest."""
    if seconds is None:
        return ""
    if seconds == float("inf"):
        return f"over {seconds_words(LATENCY_SECONDS[-1])}"
    return seconds_words(seconds) if seconds >= 1 else f"{seconds * 1000:g} ms"


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in _RIGHT else "left")
    return table


def _text(words: str) -> Text:
    return Text(neutralise_line(words))
