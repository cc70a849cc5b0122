"""A web service's test page: a form made of its schema and filled with its sample, and the answer below it.

The form is built by a script, which gets everything as data. Nothing is sent anywhere but to this server, and the key
stays in the tab.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from estudio.core.module_kind import ParameterType
from estudio.workspace.call_samples import sample_rows, sample_value
from estudio.workspace.page_pictures import escaped
from estudio.workspace.service_page_frame import data_block, page
from estudio.workspace.type_words import type_words

if TYPE_CHECKING:
    from estudio.core.module_kind import Parameter
    from estudio.core.schema import Column
    from estudio.core.service import ServicePort
    from estudio.workspace.service_page import ServicePage

FORM_ROWS = 10
"""Of the sample: as many as fit a screen."""
MAX_COLUMNS = 2_000
"""Of an input in the form; wider tables are called by programs."""
_KINDS = {"whole number": "number", "number": "number", "decimal": "number", "true/false": "boolean", "list": "list"}
_PARAMETER_KINDS = {
    ParameterType.INTEGER: "number",
    ParameterType.NUMBER: "number",
    ParameterType.BOOLEAN: "boolean",
    ParameterType.COLUMNS: "list",
    ParameterType.MAPPING: "list",
}


def test_page(shown: ServicePage) -> str:
    """The whole page."""
    version = shown.version
    inputs = "".join(map(_input, version.inputs))
    parameters = "".join(map(_parameter, version.parameters))
    if parameters:
        parameters = (
            f'<fieldset class="panel"><legend>Parameters</legend><div class="fields">{parameters}</div></fieldset>'
        )
    head = (
        f'<h1>Test <bdi>{escaped(version.title)}</bdi> <span class="chip now">version {version.number}</span></h1>'
        '<p class="lead">Fill in, call, read the answer. An empty field means that the value is missing.</p>'
        "<noscript><p>The form needs JavaScript; the service's page has programs that call it.</p></noscript>"
    )
    form = (
        f'<form id="call" autocomplete="off" novalidate hidden>{_key()}{inputs}{parameters}'
        '<div class="send"><button type="submit" class="main" id="send">Call</button>'
        '<p id="status" role="status" aria-live="polite"></p></div></form>'
        '<div id="answer" aria-label="Answer" role="region"></div>'
    )
    trail = [(f"{shown.root}/", "Web services"), (shown.path, version.title)]
    return page(
        f"Test {version.title}", [head, form, data_block("page", page_data(shown))], trail=trail, scripts=["test"]
    )


test_page.__test__ = False  # type: ignore[attr-defined] # pytest takes its name for a test's


def page_data(shown: ServicePage) -> dict[str, Any]:
    """What the script is given."""
    version = shown.version
    return {
        "address": f"{shown.path}/score?orient=split&visualizations=true",
        "inputs": [_port_data(port, shown) for port in version.inputs],
        "parameters": [_parameter_data(parameter) for parameter in version.parameters],
    }


def _port_data(port: ServicePort, shown: ServicePage) -> dict[str, Any]:
    columns = port.columns[:MAX_COLUMNS]
    table = shown.tables.get(port.name)
    rows = [] if table is None else sample_rows(table, FORM_ROWS)
    return {
        "name": port.name,
        "columns": [_column_data(column) for column in columns],
        "rows": [[row.get(column.name) for column in columns] for row in rows],
    }


def _column_data(column: Column) -> dict[str, Any]:
    words = type_words(column.type)
    return {"name": column.name, "words": words, "kind": _KINDS.get(words, "text")}


def _parameter_data(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "kind": _PARAMETER_KINDS.get(parameter.type, "text"),
        "choices": list(parameter.choices) or None,
        "default": parameter.default,
        "required": parameter.default is None and parameter.required,
        "example": sample_value(parameter),
    }


def _key() -> str:
    return (
        '<div class="panel key"><label for="key">Key of the service</label><input id="key" type="password" '
        'autocomplete="off" spellcheck="false" aria-describedby="about-key"><p class="hint" id="about-key">'
        "Shown once when the service was published. It stays in this tab and is forgotten with it.</p></div>"
    )


def _input(port: ServicePort) -> str:
    name = escaped(port.name)
    return (
        f'<fieldset class="panel" id="input-{name}"><legend>Input <code>{name}</code></legend><div class="bar-of">'
        '<button type="button" class="as-fields" aria-pressed="true">One row</button>'
        '<button type="button" class="as-grid" aria-pressed="false">Several rows</button>'
        '<span class="counter" aria-live="polite"></span></div><div class="rows"></div>'
        f'<details><summary>Paste CSV</summary><label class="unseen" for="csv-{name}">CSV of {name}</label>'
        f'<textarea class="csv" id="csv-{name}" rows="5" spellcheck="false" placeholder="The first line names the '
        'columns."></textarea><div class="bar-of"><button type="button" class="take-csv">Take these rows</button>'
        '<span class="csv-words" aria-live="polite"></span></div></details></fieldset>'
    )


def _parameter(parameter: Parameter) -> str:
    name = escaped(parameter.name)
    words = escaped(parameter.words) if parameter.words else ""
    kind = f"{parameter.type.value}{' (required)' if parameter.default is None else ''}"
    return (
        f'<div class="field"><label for="parameter-{name}">{name} <small>{kind}</small></label>'
        f'<span id="place-{name}"></span><p class="hint" id="about-{name}">{words}</p></div>'
    )
