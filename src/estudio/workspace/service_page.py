"""A web service's page: what it takes and gives, where it is called, and programs that call it; and the list of all.

The page is whole without scripts: tabs, copy buttons and live figures are added by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from estudio.core.counted_words import counted
from estudio.core.service import CallLanguage
from estudio.tables.preview import preview
from estudio.workspace.call_programs import KEY_VARIABLE, LANGUAGE_WORDS
from estudio.workspace.page_pictures import escaped
from estudio.workspace.service_page_frame import copyable, page
from estudio.workspace.type_words import type_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estudio.core.module_kind import Parameter
    from estudio.core.service import Service, ServicePort, ServiceVersion
    from estudio.tables.table import Table
    from estudio.workspace.call_addresses import CallAddresses
    from estudio.workspace.call_samples import CallSamples

SAMPLE_ROWS = 3
MAX_COLUMNS = 500
"""Of a port on a page: more make one that nobody scrolls through."""
MAX_VERSIONS = 50


@dataclass(frozen=True, slots=True)
class ServicePage:
    """All that the pages of one service show.

    Attributes:
        service: which.
        version: that its default endpoint stands for.
        versions: all, the newest first.
        addresses: of the default endpoint.
        samples: programs.
        tables: the design-time sample of each input and output.
        root: the path before `/services`; "" where the server has its host for itself.
    """

    service: Service
    version: ServiceVersion
    versions: Sequence[ServiceVersion]
    addresses: CallAddresses
    samples: CallSamples
    tables: Mapping[str, Table]
    root: str = ""

    @property
    def path(self) -> str:
        """The page's own."""
        return f"{self.root}/services/{self.service.name}"


def list_page(services: Sequence[tuple[Service, ServiceVersion]], root: str = "") -> str:
    """The page of all services."""
    items = "".join(_item(service, version, root) for service, version in services)
    body = f'<ul class="services">{items}</ul>'
    if not services:
        body = "<p>Nothing is published yet. <code>estudio publish EXPERIMENT</code> makes a service.</p>"
    return page("Web services", [f"<h1>Web services</h1>{body}"])


def _item(service: Service, version: ServiceVersion, root: str) -> str:
    path = escape(f"{root}/services/{service.name}")
    words = f'<p class="lead">{escaped(version.description)}</p>' if version.description else ""
    return (
        f'<li class="panel"><h2><a href="{path}"><bdi>{escaped(version.title)}</bdi></a> '
        f'<span class="chip">{escaped(service.name)}</span> <span class="chip">version {service.current}</span></h2>'
        f'{words}<ul class="links"><li><a href="{path}/test">Test it</a></li><li><a href="{path}/docs">API reference'
        f"</a></li></ul></li>"
    )


def service_page(shown: ServicePage) -> str:
    """The page of one service."""
    parts = [_head(shown), _addresses(shown.addresses), *_ports(shown), _parameters(shown.version.parameters)]
    parts += [_programs(shown.samples), _figures(shown), _versions(shown)]
    trail = [(f"{shown.root}/", "Web services")]
    return page(shown.version.title, [part for part in parts if part], trail=trail, scripts=["service"])


def _head(shown: ServicePage) -> str:
    version, path = shown.version, escape(shown.path)
    words = f'<p class="lead">{escaped(version.description)}</p>' if version.description else ""
    return (
        f'<h1><bdi>{escaped(version.title)}</bdi> <span class="chip">{escaped(shown.service.name)}</span> '
        f'<span class="chip now">version {version.number}</span></h1>{words}<ul class="links">'
        f'<li><a href="{path}/test">Test it in the browser</a></li><li><a href="{path}/docs">API reference</a></li>'
        f'<li><a href="{path}/openapi.json">OpenAPI</a></li></ul>'
    )


def _addresses(addresses: CallAddresses) -> str:
    rows = (
        ("score", "Latest version", addresses.score),
        ("pinned", "This version", addresses.pinned),
        ("jobs", "Batches", addresses.jobs),
        ("classic", "Old wire", addresses.classic),
    )
    entries = "".join(
        f"<dt>{words}</dt><dd>{copyable(f'address-{name}', address).replace('copyable', 'copyable line', 1)}</dd>"
        for name, words, address in rows
    )
    return (
        f'<section><h2>Addresses</h2><dl class="address">{entries}</dl><p>All take <code>POST</code> and a key: '
        "<code>Authorization: Bearer KEY</code>.</p></section>"
    )


def _ports(shown: ServicePage) -> list[str]:
    groups = (("Input", shown.version.inputs), ("Output", shown.version.outputs))
    return [_port(words, port, shown.tables.get(port.name)) for words, ports in groups for port in ports]


def _port(words: str, port: ServicePort, table: Table | None) -> str:
    samples = _sample_words(table)
    rows = "".join(
        f"<tr><th scope=row><bdi>{escaped(column.name)}</bdi></th><td>{type_words(column.type)}</td>"
        f"<td><bdi>{samples.get(column.name, '')}</bdi></td></tr>"
        for column in port.columns[:MAX_COLUMNS]
    )
    more = len(port.columns) - MAX_COLUMNS
    rest = f"<p>… {counted(more, 'more column')}</p>" if more > 0 else ""
    return (
        f'<section><h2>{words} <code>{escaped(port.name)}</code></h2><div class="scroll"><table class="plain"><thead>'
        f"<tr><th scope=col>column</th><th scope=col>type</th><th scope=col>for example</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{rest}</section>"
    )


def _sample_words(table: Table | None) -> dict[str, str]:
    if table is None:
        return {}
    seen = preview(table, SAMPLE_ROWS, MAX_COLUMNS)
    return {
        column.name: ", ".join(escape(row[place] or "missing") for row in seen.rows)
        for place, column in enumerate(seen.columns)
    }


def _parameters(parameters: Sequence[Parameter]) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><th scope=row><code>{escaped(each.name)}</code></th><td>{each.type.value}{_bounds(each)}</td>"
        f"<td>{_default(each)}</td><td>{escaped(each.words)}</td></tr>"
        for each in parameters
    )
    return (
        '<section><h2>Parameters</h2><div class="scroll"><table class="plain"><thead><tr><th scope=col>name</th>'
        "<th scope=col>type</th><th scope=col>unless given</th><th scope=col>meaning</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _default(parameter: Parameter) -> str:
    return (
        "<strong>required</strong>" if parameter.default is None else f"<code>{escaped(str(parameter.default))}</code>"
    )


def _bounds(parameter: Parameter) -> str:
    if parameter.choices:
        return f": {escaped(', '.join(parameter.choices))}"
    bounds = [
        f"{words} {bound:g}"
        for words, bound in (("from", parameter.minimum), ("to", parameter.maximum))
        if bound is not None
    ]
    return f" {' '.join(bounds)}" if bounds else ""


def _programs(samples: CallSamples) -> str:
    tabs = "".join(
        f'<button type="button" role="tab" id="tab-{language}" aria-controls="panel-{language}">{words}</button>'
        for language, words in LANGUAGE_WORDS.items()
    )
    panels = "".join(_panel(language, samples) for language in CallLanguage)
    return (
        f"<section><h2>Call it</h2><p>The programs read the key from the environment variable <code>{KEY_VARIABLE}"
        f'</code>.</p><div role="tablist" aria-label="Languages" hidden>{tabs}</div>{panels}</section>'
    )


def _panel(language: CallLanguage, samples: CallSamples) -> str:
    words = LANGUAGE_WORDS[language]
    return (
        f'<div role="tabpanel" id="panel-{language}" aria-labelledby="tab-{language}"><h3>{words}</h3>'
        f"{copyable(f'program-{language}', samples.modern[language])}"
        "<details><summary>The same on the wire of the old system</summary>"
        f"{copyable(f'classic-{language}', samples.classic[language])}</details></div>"
    )


def _figures(shown: ServicePage) -> str:
    figures = (
        ("calls", "calls"),
        ("failed", "failed"),
        ("throttled", "throttled"),
        ("p50_seconds", "half within"),
        ("p99_seconds", "99 % within"),
    )
    boxes = "".join(f'<div><dt>{words}</dt><dd data-figure="{name}">-</dd></div>' for name, words in figures)
    path = escape(shown.path)
    return (
        f'<section><h2>The last hour</h2><dl class="figures" id="figures" data-address="{path}/statistics">'
        f'{boxes}</dl><p id="figures-hint">Figures show once the <a href="{path}/test">test page</a> of '
        "this tab knows a key.</p></section>"
    )


def _versions(shown: ServicePage) -> str:
    rows = "".join(
        f"<tr><th scope=row>{version.number}</th><td><bdi>{escaped(version.title)}</bdi></td>"
        f"<td>{version.isolation.value}</td><td>{_mark(shown.service, version)}</td></tr>"
        for version in shown.versions[:MAX_VERSIONS]
    )
    return (
        '<section><h2>Versions</h2><div class="scroll"><table class="plain"><thead><tr><th scope=col>version</th>'
        "<th scope=col>title</th><th scope=col>isolation</th><th scope=col>state</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _mark(service: Service, version: ServiceVersion) -> str:
    if version.number == service.current:
        return '<span class="chip now">current</span>'
    return '<span class="chip">previous</span>' if version.number == service.previous else ""
