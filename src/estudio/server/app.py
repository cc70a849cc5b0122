"""Puts the route groups together into one application; what is around every request lies in `server.outermost`.

A group with a wire of its own (the old system's) renders its own errors; what it lets through becomes a problem.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from estudio.errors import EstudioError
from estudio.server.exchange import exchange_of
from estudio.server.outermost import Outermost
from estudio.server.problems import MEDIA_TYPE, ROUTING, Refused, problem_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from estudio.server.context import ServerContext

GROUPS = ("score", "jobs", "classic", "studio_api", "openapi", "pages", "problem_pages", "health", "metrics")
"""Modules of `estudio.server` with `routes(context)`, the busiest first: routes are tried in this order."""


def create_app(context: ServerContext, groups: Sequence[str] = GROUPS) -> Starlette:
    """The application with these route groups."""
    routes: list[BaseRoute] = []
    for group in groups:
        routes += importlib.import_module(f"estudio.server.{group}").routes(context)
    middleware = [Middleware(Outermost, context=context)]
    origins = context.settings.allowed_origins
    if origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(origins),
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Prefer", "X-Request-Id"],
                expose_headers=["X-Request-Id", "Retry-After", "Location", "Preference-Applied"],
            )
        )
    handlers = {HTTPException: _answer_http_exception, EstudioError: _answer_error, Refused: _answer_error}
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=handlers)  # type: ignore[arg-type]
    app.state.context = context
    app.state.settings = context.settings
    app.router.redirect_slashes = False
    return app


def problem_response(request: Request, error: Exception) -> Response:
    """The answer for an error of the tree or a `Refused`."""
    exchange = exchange_of(request.scope)
    prefix = request.app.state.settings.public_url.rstrip("/")
    problem = problem_of(error, exchange.request_id, prefix)
    exchange.code, exchange.message = problem.kind.code, problem.detail
    headers = {name.decode(): value.decode() for name, value in problem.headers}
    return Response(problem.body, problem.kind.status, headers, MEDIA_TYPE)


async def _answer_error(request: Request, error: Exception) -> Response:
    return problem_response(request, error)


async def _answer_http_exception(request: Request, error: HTTPException) -> Response:
    headers = dict(error.headers or {})
    if error.status_code == 405 and request.method == "OPTIONS":
        return Response(None, 204, headers)
    status = error.status_code if error.status_code in ROUTING else 400
    words = {404: f"There is nothing at {request.url.path[:200]}.", 405: f"{request.method} is not taken here."}
    return problem_response(request, Refused(status, words.get(status, error.detail), headers))
