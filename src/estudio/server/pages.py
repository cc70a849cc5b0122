"""Pages for people: the list of services, a service's own page, its test form, its API reference.

They show names, columns and the sample, so they follow `public_descriptions` like OpenAPI does. The figures of calls
need a key always.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from estudio.core.service import DEFAULT_URL
from estudio.server.access import authorize, authorize_manager
from estudio.server.exchange import exchange_of
from estudio.server.service_document import service_document
from estudio.workspace.call_addresses import call_addresses
from estudio.workspace.call_samples import call_samples
from estudio.workspace.call_statistics import summarise_calls
from estudio.workspace.service_page import ServicePage, list_page, service_page
from estudio.workspace.service_page_docs import docs_page
from estudio.workspace.service_page_frame import content_security_policy
from estudio.workspace.service_page_test import test_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from estudio.server.context import ServerContext

HOST = re.compile(r"[A-Za-z0-9.\[\]:_-]{1,255}", re.ASCII)
"""What of a Host header is repeated in addresses on a page."""


def routes(context: ServerContext) -> list[BaseRoute]:
    """The routes of pages."""
    pages = Pages(context)
    return [
        Route("/", pages.list),
        Route("/services/{name}", pages.service),
        Route("/services/{name}/test", pages.test),
        Route("/services/{name}/docs", pages.docs),
        Route("/services/{name}/statistics", pages.statistics),
    ]


class Pages:
    """The pages of one server."""

    def __init__(self, context: ServerContext) -> None:
        self._context = context

    async def list(self, request: Request) -> Response:
        """All services."""
        self._check_public(request)
        return html(await self._context.run(self._list_page))

    async def service(self, request: Request) -> Response:
        """One service."""
        return await self._page(request, service_page)

    async def test(self, request: Request) -> Response:
        """Its test form."""
        return await self._page(request, test_page)

    async def docs(self, request: Request) -> Response:
        """Its API reference."""
        self._check_public(request)
        live = self._context.host.find(request.path_params["name"])
        url = self._context.settings.public_url.rstrip("/")
        document = await self._context.run(service_document, live, pinned=False, server_url=url)
        return html(docs_page(document, f"{self._root()}/services/{live.service.name}", self._root()))

    async def statistics(self, request: Request) -> Response:
        """Figures of the last hour's calls of the default endpoint, for a key of it."""
        live = self._context.host.find(request.path_params["name"])
        exchange_of(request.scope).is_about(live)
        authorize(self._context, request.scope, live.endpoint)
        counts = await self._context.run(self._context.host.statistics, live.endpoint.id)
        found = summarise_calls(counts)
        return JSONResponse(
            {
                "calls": found.calls,
                "failed": found.failed,
                "throttled": found.throttled,
                "p50_seconds": _finite(found.p50_seconds),
                "p99_seconds": _finite(found.p99_seconds),
            }
        )

    async def _page(self, request: Request, build: Callable[[ServicePage], str]) -> Response:
        self._check_public(request)
        name = request.path_params["name"]
        base_url = self._base_url(request)
        return html(await self._context.run(lambda: build(self._content(name, base_url))))

    def _check_public(self, request: Request) -> None:
        """Raises AccessDenied where descriptions are not public and no management key came."""
        if not self._context.settings.public_descriptions:
            authorize_manager(self._context, request.scope)

    def _list_page(self) -> str:
        host = self._context.host
        found = [(service, host.find(service.name).version) for service in host.services()]
        return list_page(found, self._root())

    def _content(self, name: str, base_url: str) -> ServicePage:
        host = self._context.host
        live = host.find(name)
        version = live.version
        tables = {port.name: live.sample(port.name) for port in (*version.inputs, *version.outputs)}
        addresses = call_addresses(live.service, version, live.endpoint, base_url, host.workspace_id)
        samples = call_samples(version, addresses, tables)
        return ServicePage(live.service, version, host.versions(name), addresses, samples, tables, self._root())

    def _root(self) -> str:
        """The path of the public address."""
        _, _, rest = self._context.settings.public_url.partition("://")
        _, slash, path = rest.partition("/")
        return (slash + path).rstrip("/")

    def _base_url(self, request: Request) -> str:
        """How callers reach the server: as was set, else as this request did."""
        if self._context.settings.public_url:
            return self._context.settings.public_url
        host = request.headers.get("host", "")
        return f"{request.url.scheme}://{host}" if HOST.fullmatch(host) else DEFAULT_URL


def html(text: str) -> Response:
    """A page under the policy that lets nothing but its own scripts run."""
    return HTMLResponse(text, headers={"content-security-policy": content_security_policy()})


def _finite(seconds: float | None) -> float | None:
    return None if seconds == float("inf") else seconds
