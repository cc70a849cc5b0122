"""What every route of the old wire does alike: find the endpoint, check key and version, answer errors the old way.

Keys come before bodies: whoever has none learns nothing and costs nothing. Only descriptions need no key.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from estudio.errors import EndpointNotFound, EstudioError
from estudio.server.access import authorize
from estudio.server.classic import catalogue as old
from estudio.server.classic.errors import ClassicError, ClassicRefusal, answer_to, classic_error, refuse
from estudio.server.exchange import exchange_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from estudio.server.context import ServerContext
    from estudio.services.calling import LiveEndpoint

    Handler = Callable[[ServerContext, Request], Awaitable[Response]]

JSON = "application/json; charset=utf-8"
"""The old system's media type of every answer but files and pages."""
CURRENT_VERSION = "2.0"
"""The only `api-version` of request-response calls."""
OLDEST_VERSION = "1.0"
"""Of jobs before there was an `api-version`: one input, states as numbers."""
_MAX_SHOWN = 40
"""Characters of a wrong value that a sentence repeats."""

logger = logging.getLogger("estudio.server.classic")


@dataclass(frozen=True, slots=True)
class Answer:
    """Every answer has the headers that old clients print with an error: `x-ms-request-id`; the server adds `date`."""

    body: bytes
    status: int = 200
    media_type: str = JSON

    def response(self, request: Request, extra: dict[str, str] | None = None) -> Response:
        """For Starlette."""
        headers = {"x-ms-request-id": exchange_of(request.scope).request_id, **(extra or {})}
        response = Response(self.body, self.status, headers)
        response.headers["content-type"] = self.media_type
        return response


def classic_route(context: ServerContext, path: str, handler: Handler, method: str) -> Route:
    """A route whose errors are answered as the old system did, also those that nobody foresaw."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(context, request)
        except (EstudioError, ClassicRefusal) as error:
            return answer_error(request, error)
        except ClientDisconnect:
            raise
        except Exception:
            logger.exception("request %s failed", exchange_of(request.scope).request_id)
            return respond_error(request, classic_error(old.INTERNAL_ERROR, "UnknownError"))

    return Route(path, answered, methods=[method])


def answer_error(request: Request, error: EstudioError | ClassicRefusal) -> Response:
    """The old answer for an error, noted for logs and diagnostics."""
    live: LiveEndpoint | None = getattr(request.state, "live", None)
    answer = answer_to(error, None if live is None else live.endpoint)
    if answer.status >= 500 and not answer.headers:
        logger.error("request %s failed", exchange_of(request.scope).request_id, exc_info=error)
    if isinstance(error, EstudioError):
        return respond_error(request, answer, error.code, error.message)
    return respond_error(request, answer)


def respond_error(request: Request, answer: ClassicError, code: str = "", message: str = "") -> Response:
    """Send it, and note it: by our own code and words where there are any, since logs are read by one table of codes.

    401 names the scheme, as HTTP wants.
    """
    exchange = exchange_of(request.scope)
    exchange.code = code or (answer.details[0].code if answer.details else answer.kind.code)
    exchange.message = message or (answer.details[0].message if answer.details else answer.kind.message)
    headers = dict(answer.headers)
    if answer.status == 401:
        headers["www-authenticate"] = 'Bearer realm="estudio"'
    return Answer(answer.body(), answer.status).response(request, headers)


def find_live(context: ServerContext, request: Request) -> LiveEndpoint:
    """The endpoint of an address with `{workspace}` or `{subscription}`, and `{endpoint}`.

    Ids are taken in any case, subscriptions also with the hyphens of a GUID: the workspace stands in for both.

    Raises:
        ClassicRefusal: WorkspaceNotFound, WebServiceNotFound, WebServiceIdNotFoundInWorkspace, BadSubscriptionId.
    """
    params = request.path_params
    owner = str(params.get("workspace", params.get("subscription", ""))).lower()
    is_ours = context.host.workspace_id in (owner, owner.replace("-", ""))
    try:
        live = context.host.find_by_id(str(params["endpoint"]).lower())
    except EndpointNotFound:
        raise refuse(old.NOT_FOUND, "WebServiceNotFound" if is_ours else "WorkspaceNotFound") from None
    if not is_ours:
        if "subscription" in params:
            raise refuse(old.BAD_ARGUMENT, "BadSubscriptionId")
        raise refuse(old.NOT_FOUND, "WebServiceIdNotFoundInWorkspace")
    request.state.live = live
    exchange_of(request.scope).is_about(live)
    return live


def open_door(context: ServerContext, request: Request) -> LiveEndpoint:
    """The endpoint of an address, for whoever has one of its keys. Raises ClassicRefusal, AccessDenied, RateLimited."""
    live = find_live(context, request)
    authorize(context, request.scope, live.endpoint)
    return live


def check_version(request: Request) -> None:
    """Raises ClassicRefusal: BadVersionCall."""
    version = request.query_params.get("api-version", "")
    if version != CURRENT_VERSION:
        raise refuse(old.BAD_ARGUMENT, "BadVersionCall", version[:_MAX_SHOWN] or "none")


def job_version(request: Request) -> str:
    """The version of a job call; without one it is the oldest. Raises ClassicRefusal: BadVersionCall."""
    version = request.query_params.get("api-version", OLDEST_VERSION)
    if version not in (CURRENT_VERSION, OLDEST_VERSION):
        raise refuse(old.BAD_ARGUMENT, "BadVersionCall", version[:_MAX_SHOWN] or "none")
    return version


def query_flag(request: Request, name: str) -> bool:
    """`true` or `false` in any case; false where it is not there. Raises ClassicRefusal: InvalidQueryParameter."""
    value = request.query_params.get(name, "false").strip().lower()
    if value not in ("true", "false", ""):
        raise refuse(old.BAD_ARGUMENT, "InvalidQueryParameter", name, "Give true or false.")
    return value == "true"


def wants_swagger(request: Request) -> bool:
    """Whether row objects are exchanged. Raises ClassicRefusal: InvalidQueryParameter."""
    value = request.query_params.get("format", "").strip().lower()
    if value not in ("", "swagger"):
        raise refuse(old.BAD_ARGUMENT, "InvalidQueryParameter", "format", "Give swagger, or leave it out.")
    return value == "swagger"
