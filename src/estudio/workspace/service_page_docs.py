"""The API reference of a service: its OpenAPI document as a page, without anything loaded from anywhere.

It shows what our own documents hold, not all that OpenAPI allows; whatever else there is stands in the document itself,
to which the page links.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from estudio.workspace.call_literals import JSON, literal
from estudio.workspace.page_pictures import escaped
from estudio.workspace.service_page_frame import copyable, page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from estudio.core.module_kind import Value

Document = dict[str, Any]
_CODE = re.compile(r"`([^`]{1,200})`")
METHODS = ("get", "post", "put", "patch", "delete")
MAX_EXAMPLE_CHARACTERS = 20_000
"""Of one example or schema; a wide table's is cut."""


def docs_page(document: Mapping[str, Any], path: str, root: str = "") -> str:
    """The whole page.

    Args:
        document: OpenAPI 3.1.
        path: of the service's page.
        root: the path before `/services`.
    """
    info = document["info"]
    title = str(info["title"])
    head = (
        f'<h1>API of <bdi>{escaped(title)}</bdi> <span class="chip now">version {escaped(str(info["version"]))}</span>'
        f'</h1><p class="lead">{escaped(str(info.get("description", "")))}</p><ul class="links">'
        f'<li><a href="{escaped(path)}/openapi.json">OpenAPI document</a></li></ul>'
        "<p>Each call needs the header <code>Authorization: Bearer KEY</code>.</p>"
    )
    parts = [head, *_operations(document), _schemas(document)]
    trail = [(f"{root}/", "Web services"), (path, title)]
    return page(f"API of {title}", [part for part in parts if part], trail=trail, scripts=["service"])


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    for address, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield _operation(address, method, methods[method], document)


def _operation(address: str, method: str, operation: Document, document: Mapping[str, Any]) -> str:
    words = escaped(str(operation.get("summary", "")))
    about = f'<p class="lead">{escaped(operation["description"])}</p>' if operation.get("description") else ""
    identity = str(operation.get("operationId", method))
    return (
        f'<section class="panel"><h2><span class="method">{method.upper()}</span><code>{escaped(address)}</code></h2>'
        f"<p>{words}</p>{about}{_parameters(operation.get('parameters', []))}"
        f"{_request(identity, operation.get('requestBody'))}{_responses(identity, operation['responses'], document)}"
        "</section>"
    )


def _parameters(parameters: list[Document]) -> str:
    rows = "".join(
        f"<tr><th scope=row><code>{escaped(each['name'])}</code></th><td>{escaped(each['in'])}</td>"
        f"<td>{_schema_words(each.get('schema', {}))}</td><td>{escaped(each.get('description', ''))}</td></tr>"
        for each in parameters
        if "name" in each
    )
    return _table(("name", "in", "value", "meaning"), rows, "Parameters") if rows else ""


def _schema_words(schema: Document) -> str:
    if "enum" in schema:
        return escaped(", ".join(map(str, schema["enum"])))
    kind = schema.get("type", "any")
    return escaped(" or ".join(kind) if isinstance(kind, list) else str(kind))


def _request(identity: str, body: Document | None) -> str:
    return f"<h3>Body</h3>{_content(f'{identity}-body', body['content'])}" if body else ""


def _responses(identity: str, responses: Document, document: Mapping[str, Any]) -> str:
    rows, contents = "", ""
    for status, response in responses.items():
        found = _resolved(response, document)
        rows += f"<tr><th scope=row>{escaped(status)}</th><td>{_words(found)}</td></tr>"
        if status.startswith("2") and found.get("content"):
            contents += f"<h3>Answer</h3>{_content(f'{identity}-{status}', found['content'])}"
    return contents + _table(("status", "meaning"), rows, "Statuses")


def _words(described: Document) -> str:
    """The description, with what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", escaped(described.get("description", "")))


def _resolved(response: Document, document: Mapping[str, Any]) -> Document:
    """What a `$ref` into the document's components stands for."""
    name = str(response.get("$ref", "")).rpartition("/")[2]
    found: Document = document.get("components", {}).get("responses", {}).get(name, response) if name else response
    return found


def _content(identity: str, content: Document) -> str:
    kinds = ", ".join(f"<code>{escaped(kind)}</code>" for kind in content)
    examples = "".join(
        f"<p>{escaped(name)}:</p>{_json(f'{identity}-{place}-{number}', example)}"
        for place, described in enumerate(content.values())
        for number, (name, example) in enumerate(_examples(described))
    )
    return f"<p>{kinds}</p>{examples}"


def _examples(described: Document) -> Iterator[tuple[str, Any]]:
    if "example" in described:
        yield "for example", described["example"]
    for name, example in described.get("examples", {}).items():
        yield name, example.get("value")


def _schemas(document: Mapping[str, Any]) -> str:
    schemas = document.get("components", {}).get("schemas", {})
    items = "".join(
        f"<details><summary><code>{escaped(name)}</code></summary>{_json(f'schema-{number}', schema)}</details>"
        for number, (name, schema) in enumerate(schemas.items())
    )
    return f"<section><h2>Schemas</h2>{items}</section>" if items else ""


def _json(identity: str, value: object) -> str:
    text = literal(cast("Value", value), JSON)
    cut = text if len(text) <= MAX_EXAMPLE_CHARACTERS else f"{text[:MAX_EXAMPLE_CHARACTERS]}\n…"
    return copyable("".join(char if char.isalnum() else "-" for char in identity), cut)


def _table(headings: tuple[str, ...], rows: str, words: str) -> str:
    head = "".join(f"<th scope=col>{heading}</th>" for heading in headings)
    return (
        f'<h3>{words}</h3><div class="scroll"><table class="plain"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
