"""The help pages of an endpoint as plain HTML: addresses, headers, samples, parameters, errors, programs.

Nothing is loaded from anywhere and no script runs. The R client cuts its program out of the page by the text
`code-snippet-r` and expects a line break behind it, so that section keeps its shape and stands last.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from estudio.server.classic.catalogue import CATALOGUE
from estudio.server.classic.job_answers import STATE_NUMBERS
from estudio.workspace.page_style import STYLE
from estudio.workspace.service_page_frame import policy_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estudio.core.module_kind import Parameter
    from estudio.core.service import ServicePort

PAGE_STYLE = (
    STYLE
    + """
body{max-width:60rem}
nav a{margin-right:1rem}
a{color:var(--bar)}
code{overflow-wrap:anywhere}
summary{cursor:pointer;padding:.5rem 0}
"""
)
POLICY = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src {policy_digest(PAGE_STYLE)}"
)
"""For the Content-Security-Policy of these pages: their own style sheet, and nothing else."""
R = "R"


@dataclass(frozen=True, slots=True)
class HelpFacts:
    """What a page tells.

    Attributes:
        title: of the service.
        description: its words.
        endpoint: the endpoint's name.
        address: of the endpoint, without `/execute`.
        files: the address of its files.
        inputs: ports.
        outputs: ports.
        parameters: of the service.
        request: a sample body of request-response, from the service's own data.
        answer: a sample of what comes back.
        programs: by language, R among them.
    """

    title: str
    description: str
    endpoint: str
    address: str
    files: str
    inputs: Sequence[ServicePort]
    outputs: Sequence[ServicePort]
    parameters: Sequence[Parameter]
    request: object
    answer: object
    programs: Mapping[str, str]


def score_page(facts: HelpFacts) -> str:
    """The page of request-response."""
    address = f"{facts.address}/execute?api-version=2.0"
    return _page(
        facts,
        "Request-response",
        _section("Request", _table(("Method", "Address"), (
            ("POST", f"{address}&details=true"), ("POST", f"{address}&format=swagger"))),
            "<p>With <code>details=true</code> the answer has column types. With <code>format=swagger</code> rows are "
            "objects, in the request and in the answer.</p>"),
        _headers(),
        _section("Sample request", _json(facts.request)),
        _ports("Inputs", facts.inputs), _parameters(facts.parameters),
        _section("Sample answer", "<p>Status 200; cells are text.</p>", _json(facts.answer)),
        _ports("Outputs", facts.outputs),
        _errors(),
        _programs(facts.programs),
    )  # fmt: skip


def jobs_page(facts: HelpFacts) -> str:
    """The page of batch calls."""
    address = f"{facts.address}/jobs"
    calls = (
        ("POST", f"{address}?api-version=2.0", "Make a job. The answer is its id, a JSON string."),
        ("POST", f"{address}/{{id}}/start?api-version=2.0", "Start it."),
        ("GET", f"{address}/{{id}}?api-version=2.0", "Ask for its state and, when it has finished, its results."),
        ("DELETE", f"{address}/{{id}}?api-version=2.0", "Cancel it."),
        ("PUT", f"{facts.files}{{container}}/{{name}}", "Upload an input, with the header x-ms-blob-type: BlockBlob."),
    )
    reference = {"RelativeLocation": "container/input1data.csv"}
    request = {
        "Inputs": {port.name: reference for port in facts.inputs},
        "Outputs": {port.name: {"RelativeLocation": f"container/{port.name}results.csv"} for port in facts.outputs},
        "GlobalParameters": {each.name: _text(each.default) for each in facts.parameters},
    }
    location = {
        "BaseLocation": facts.files,
        "RelativeLocation": "results/…/output1results.csv",
        "SasBlobToken": "?sv=…",
    }
    answer = {"StatusCode": "Finished", "Results": {p.name: location for p in facts.outputs}, "Details": ""}
    states = ", ".join(f"{word} ({number})" for word, number in STATE_NUMBERS.items())
    return _page(
        facts,
        "Batch execution",
        _section("Requests", _table(("Method", "Address", "What it does"), calls)),
        _headers(),
        _section("Sample request", _json(request)),
        _ports("Inputs", facts.inputs), _parameters(facts.parameters),
        _section("Sample answer", f"<p>StatusCode is one of {escape(states)}. A result is read, without a key, from "
                 "BaseLocation + RelativeLocation + SasBlobToken.</p>", _json(answer)),
        _errors(),
    )  # fmt: skip


def _page(facts: HelpFacts, title: str, *sections: str) -> str:
    name = escape(facts.title)
    description = f"<p>{escape(facts.description)}</p>" if facts.description else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}: {name}</title>\n<style>{PAGE_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(title)}: {name}</h1>{description}<p>Endpoint {escape(facts.endpoint)}</p></header>\n"
        f'<nav><a href="score">Request-response</a><a href="jobs">Batch execution</a>'
        f'<a href="{escape(facts.address)}/swagger.json">swagger.json</a></nav>\n'
        f"<main>\n{''.join(each for each in sections if each)}</main>\n</body>\n</html>\n"
    )


def _section(title: str, *parts: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{''.join(parts)}\n</section>\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"
    return f'<div class="scroll" tabindex="0">{table}</div>'


def _json(document: object) -> str:
    return f"<pre>{escape(json.dumps(document, indent=2, ensure_ascii=False))}</pre>"


def _headers() -> str:
    rows = (("Authorization", "Bearer and a key of the endpoint"), ("Content-Type", "application/json"))
    return _section("Headers", _table(("Header", "Value"), rows))


def _ports(title: str, ports: Sequence[ServicePort]) -> str:
    rows = [(port.name, column.name, column.type) for port in ports for column in port.columns]
    return _section(title, _table(("Port", "Column", "Type"), rows)) if rows else ""


def _parameters(parameters: Sequence[Parameter]) -> str:
    rows = [
        (each.name, each.type.value, "required" if each.required else _text(each.default) or "none", each.words)
        for each in parameters
    ]
    if not rows:
        return ""
    return _section("Global parameters", _table(("Name", "Type", "Default", "What it is"), rows))


def _errors() -> str:
    rows = [
        (str(kind.status), kind.code, code, sentence or kind.message)
        for kind in CATALOGUE
        for code, sentence in (kind.sentences or {"": ""}).items()
    ]
    shape = {"error": {"code": "…", "message": "…", "details": [{"code": "…", "target": "…", "message": "…"}]}}
    table = _table(("Status", "Code", "Detail", "Message"), rows)
    return _section("Errors", _json(shape), f"<details><summary>All of them</summary>{table}</details>")


def _programs(programs: Mapping[str, str]) -> str:
    if not programs:
        return ""
    others = "".join(
        f"<h3>{escape(name)}</h3>\n<pre>{escape(text)}</pre>\n" for name, text in programs.items() if name != R
    )
    last = f'<h3>R</h3>\n<pre id="code-snippet-r">\n{escape(programs[R])}</pre>\n' if R in programs else ""
    return _section("Sample programs", others, last)


def _text(value: object) -> str:
    return "" if value is None else str(value)
