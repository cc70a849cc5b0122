"""What stands at a problem's type: a page for people, one for each code, without a key."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from estudio.server.problems import ProblemKind, Refused, all_kinds

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from estudio.server.context import ServerContext

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code{font-family:ui-monospace,monospace}"
)


def routes(context: ServerContext) -> list[BaseRoute]:
    """The pages of problems and their index."""
    del context
    kinds = all_kinds()

    async def page(request: Request) -> Response:
        kind = kinds.get(request.path_params["code"])
        if kind is None:
            raise Refused(404, "There is no problem of that code; /problems lists them.")
        return _html(f"{kind.title} ({kind.status})", _words(kind))

    async def index(request: Request) -> Response:
        del request
        lines = (
            f'<li><a href="problems/{code}"><code>{code}</code></a> {escape(kind.title)}'
            for code, kind in kinds.items()
        )
        return _html("Problems", f"<ul>{''.join(lines)}</ul>")

    return [Route("/problems/{code}", page, methods=["GET"]), Route("/problems", index, methods=["GET"])]


def _words(kind: ProblemKind) -> str:
    return f"<p><code>{kind.code}</code>, HTTP status {kind.status}.</p><p>{escape(kind.advice)}</p>"


def _html(title: str, body: str) -> Response:
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
    )
    return Response(text, headers={"content-security-policy": POLICY}, media_type="text/html; charset=utf-8")
