"""Keys: read from the Authorization header alone, and checked by the host.

A key in an address would lie in histories and logs, so none is looked for there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.service import KeyScope
from estudio.errors import AccessDenied
from estudio.server.exchange import exchange_of

if TYPE_CHECKING:
    from starlette.types import Scope

    from estudio.core.service import Endpoint, ServiceKey
    from estudio.server.context import ServerContext

MAX_KEY_CHARACTERS = 512
"""A key of ours has 44; of the old system 88. A longer text is not even hashed."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of that lower-case name."""
    for known, value in scope["headers"]:
        if known == name:
            return bytes(value)
    return None


def bearer_token(scope: Scope) -> str:
    """The key of the Authorization header; the word Bearer in any case, as old clients send it.

    Raises:
        AccessDenied: there is none, or it is not a bearer key.
    """
    value = header(scope, b"authorization")
    if value is None:
        raise AccessDenied(
            "This address needs a key: send the header `Authorization: Bearer KEY` with a key of the endpoint."
        )
    scheme, _, token = value.strip().partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token or len(token) > MAX_KEY_CHARACTERS or not token.isascii():
        raise AccessDenied("The Authorization header holds no bearer key; send `Authorization: Bearer KEY`.")
    return token.decode("ascii")


def authorize(context: ServerContext, scope: Scope, endpoint: Endpoint) -> ServiceKey:
    """The key of a call, if it allows calls of this endpoint. Raises AccessDenied, RateLimited."""
    key = context.host.authorize(bearer_token(scope), KeyScope.CALL, endpoint)
    exchange_of(scope).key_id = key.id
    return key


def authorize_manager(context: ServerContext, scope: Scope, token: str | None = None) -> ServiceKey:
    """The management key of a request, or of the token where it came in another header. Raises AccessDenied."""
    key = context.host.authorize(bearer_token(scope) if token is None else token, KeyScope.MANAGE)
    exchange_of(scope).key_id = key.id
    return key
