"""One request of an old client: whose key it has, what it asks of which workspace, and routes that see to both.

The key stands in the Studio's own header or in Authorization; without a management key nothing is answered, not even
whether something exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from starlette.routing import Route

from estudio.errors import AccessDenied, EstudioError, InvalidCall
from estudio.server.access import MAX_KEY_CHARACTERS, authorize_manager, bearer_token, header
from estudio.server.bodies import read_body
from estudio.server.exchange import exchange_of
from estudio.server.problems import Refused, kind_of
from estudio.server.studio_api.answers import error_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from estudio.core.service import ServiceKey
    from estudio.server.context import ServerContext
    from estudio.workspace.studio_objects import StudioObjects

TOKEN_HEADER = b"x-ms-metaanalytics-authorizationtoken"
MAX_JSON_BYTES = 1 << 20
"""Of a description of a dataset or endpoint; bodies with code have a bound of their own."""


@dataclass(frozen=True, slots=True)
class StudioCall:
    """An authorized request.

    Attributes:
        request: as it came.
        context: of the server.
        studio: what it may ask about.
        key: the management key.
        token: the key as it was sent: what was wrapped for it can be shown to it.
    """

    request: Request
    context: ServerContext
    studio: StudioObjects
    key: ServiceKey
    token: str

    def path(self, name: str) -> str:
        """A part of the address."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """A parameter of the address; its name in any case, as the old system's servers took it."""
        return next((value for key, value in self.request.query_params.items() if key.lower() == name.lower()), default)

    @property
    def base_url(self) -> str:
        """Where callers reach this server, without a `/` at the end."""
        return (self.context.settings.public_url or str(self.request.base_url)).rstrip("/")

    async def json(self, limit_bytes: int = MAX_JSON_BYTES) -> dict[str, Any]:
        """The body, which is a JSON object. Raises InvalidCall."""
        content = await read_body(self.request, limit_bytes)
        try:
            body = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise InvalidCall(f"The body is no JSON: {error}.", kind="syntax") from None
        if not isinstance(body, dict):
            raise InvalidCall("The body is JSON, but no object.", kind="syntax")
        return body


def studio_route(
    path: str,
    handlers: Mapping[str, Callable[[StudioCall], Awaitable[Response]]],
    context: ServerContext,
    studio: StudioObjects,
) -> list[Route]:
    """Routes of one address for each method, with and without a `/` at the end."""
    made = []
    for method, handler in handlers.items():

        async def answer(request: Request, handler: Callable[[StudioCall], Awaitable[Response]] = handler) -> Response:
            return await _answered(request, handler, context, studio)

        made += [Route(each, answer, methods=[method]) for each in (path, f"{path}/")]
    return made


async def _answered(
    request: Request,
    handler: Callable[[StudioCall], Awaitable[Response]],
    context: ServerContext,
    studio: StudioObjects,
) -> Response:
    try:
        token = studio_token(request)
        key = await context.run(authorize_manager, context, request.scope, token)
        if request.path_params.get("ws", studio.workspace_id).lower() != studio.workspace_id:
            raise AccessDenied("This key is of another workspace than the one in the address.")
        return await handler(StudioCall(request, context, studio, key, token))
    except (EstudioError, Refused) as error:
        return noted_error(request, error)


def noted_error(request: Request, error: EstudioError | Refused) -> Response:
    """The answer for an error, which is noted for the log."""
    exchange = exchange_of(request.scope)
    exchange.code = error.kind.code if isinstance(error, Refused) else kind_of(error).code
    exchange.message = error.detail if isinstance(error, Refused) else error.message
    return error_answer(error)


def studio_token(request: Request) -> str:
    """The key of the Studio's header, or else of Authorization. Raises AccessDenied."""
    value = header(request.scope, TOKEN_HEADER)
    if value is None:
        return bearer_token(request.scope)
    token = value.strip()
    if not token or len(token) > MAX_KEY_CHARACTERS or not token.isascii():
        raise AccessDenied("The header x-ms-metaanalytics-authorizationtoken holds no key.")
    return token.decode("ascii")


def text_field(body: Mapping[str, Any], name: str, *, most: int, default: str = "") -> str:
    """A text of a JSON object; missing and null are the default. Raises InvalidCall."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, str) or len(value) > most:
        raise InvalidCall(f"{name} must be a text of at most {most} characters.")
    return value


def choice_field(body: Mapping[str, Any], name: str, choices: Sequence[str]) -> str | None:
    """One of these words, in any case; None where it is missing. Raises InvalidCall."""
    value = body.get(name)
    if value is None:
        return None
    found = next((choice for choice in choices if isinstance(value, str) and value.lower() == choice.lower()), None)
    if found is None:
        raise InvalidCall(f"{name} must be one of {', '.join(choices)}.")
    return found
