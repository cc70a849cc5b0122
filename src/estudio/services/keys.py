"""Keys of web services: made from 256 random bits, kept as digests, compared in constant time, wrapped for old clients.

A key begins with `esk_` (to call) or `esm_` (to manage), so that scanners for secrets in sources find it; only what
follows is random. What is kept is the SHA-256 of the whole: guessing 256 random bits is hopeless, so a slow digest
would add nothing but a way to keep the server busy.

**Why keys can be wrapped.** The old system's management API shows the keys of an endpoint to whoever manages it, again
and again. We keep none. So a key that was made under a management token is kept wrapped: XORed with a pad of its own
length, which HKDF-SHA256 (RFC 5869) derives from that token, with the key's id as the salt. This is a one-time pad from
a key derivation function, and sound under three conditions, all of which hold here: the token is uniformly random with
256 bits, so the pad cannot be told from random bits without it; each key has an id of its own, so no pad is used twice;
and what comes out is believed only when its SHA-256 is the stored digest, so a changed wrapping is seen. Whoever
steals the database has neither the token (it is kept as a digest, too) nor the keys.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.service import KeyScope, KeySlot, ServiceKey
from estudio.errors import AccessDenied

if TYPE_CHECKING:
    from estudio.core.service import Endpoint
    from estudio.store.service_protocols import ServiceRepository

TOKEN_BYTES = 32
"""256 random bits in each key."""
PREFIXES = {KeyScope.CALL: "esk_", KeyScope.MANAGE: "esm_"}
MAX_TOKEN_CHARACTERS = 256
"""Of what a caller presents: five times our keys; longer ones are wrong without a look at them."""
LOOKED_UP_CHARACTERS = 8
"""Of the digest: enough that the database finds one key, and nothing whose time of comparing would help anybody."""
WRAP_PURPOSE = b"estudio key wrap 1"
_HASH_BYTES = 32
_TOKEN = re.compile(r"[!-~]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. `token` is shown once and kept nowhere."""

    key: ServiceKey
    token: str


def new_key(  # noqa: PLR0913 -- what a key has
    scope: KeyScope,
    at: float,
    *,
    endpoint_id: str | None = None,
    slot: KeySlot | None = None,
    expires_at: float | None = None,
    calls_per_minute: int | None = None,
    management_token: str | None = None,
) -> NewKey:
    """Make a key.

    Args:
        scope: what it allows.
        at: now, in seconds since the epoch.
        endpoint_id: of a key to call.
        slot: of a key to call.
        expires_at: None for never.
        calls_per_minute: its rate limit.
        management_token: the key is kept wrapped for whoever presents that one again; None keeps it not at all.
    """
    token = PREFIXES[scope] + secrets.token_urlsafe(TOKEN_BYTES)
    key_id = secrets.token_hex(8)
    wrapped = "" if management_token is None else wrap_key(token, management_token, key_id)
    key = ServiceKey(
        key_id, digest_of_token(token), scope, at, endpoint_id, slot, expires_at, calls_per_minute, wrapped
    )  # fmt: skip
    return NewKey(key, token)


def digest_of_token(token: str) -> str:
    """The SHA-256 of a key, hexadecimal."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def find_key(repository: ServiceRepository, token: str) -> ServiceKey | None:
    """The key that a caller presents, whatever it allows and whether or not it has expired.

    The database is asked by the beginning of the digest; whole digests are compared in constant time.
    """
    if len(token) > MAX_TOKEN_CHARACTERS or not _TOKEN.fullmatch(token):
        return None
    digest = digest_of_token(token)
    found = None
    for key in repository.find_keys(digest[:LOOKED_UP_CHARACTERS]):
        if hmac.compare_digest(key.digest, digest):
            found = key
    return found


def check_key(key: ServiceKey | None, scope: KeyScope, endpoint: Endpoint | None, now: float) -> ServiceKey:
    """The key, if it allows that now. A management key allows everything.

    Args:
        key: as found; None is refused.
        scope: what it is to allow.
        endpoint: that is to be called.
        now: in seconds since the epoch.

    Raises:
        AccessDenied: without telling apart a key that does not exist and one of another endpoint.
    """
    if key is None or (key.scope is KeyScope.CALL and scope is KeyScope.CALL and not _is_of(key, endpoint)):
        raise AccessDenied("The key is not one of this endpoint. Send it as `Authorization: Bearer KEY`.")
    if key.expires_at is not None and key.expires_at <= now:
        raise AccessDenied(
            f"The key {key.id} has expired. Use the endpoint's other key, or make a new one: "
            "`estudio service keys rotate`.",
            key=key.id,
        )
    if scope is KeyScope.MANAGE and key.scope is not KeyScope.MANAGE:
        raise AccessDenied("This needs a management key; the key that was sent is one to call a service.", key=key.id)
    return key


def _is_of(key: ServiceKey, endpoint: Endpoint | None) -> bool:
    return endpoint is not None and key.endpoint_id == endpoint.id


def newest_of_slot(keys: list[ServiceKey], slot: KeySlot) -> ServiceKey | None:
    """The key that was put into a slot last: rotated ones that live on for a while are older."""
    of_slot = [key for key in keys if key.slot is slot]
    return max(of_slot, key=lambda key: (key.created_at, key.expires_at is None), default=None)


def wrap_key(token: str, management_token: str, key_id: str) -> str:
    """The key, readable with the management token alone; see the module for why. Base64 of URLs."""
    content = token.encode("ascii")
    return base64.urlsafe_b64encode(_xor(content, _pad(management_token, key_id, len(content)))).decode("ascii")


def unwrap_key(key: ServiceKey, management_token: str) -> str | None:
    """The key itself; None where it is kept not at all, or was made under another token."""
    try:
        content = base64.b64decode(key.wrapped.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if not content or len(content) > MAX_TOKEN_CHARACTERS:
        return None
    token = _xor(content, _pad(management_token, key.id, len(content)))
    if not hmac.compare_digest(hashlib.sha256(token).hexdigest(), key.digest):
        return None
    return token.decode("ascii")


def hkdf_sha256(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256 (RFC 5869): `length` bytes, at most 8160, that only who has the secret can know."""
    if length > 255 * _HASH_BYTES:
        raise ValueError(length)
    extracted = hmac.digest(salt or bytes(_HASH_BYTES), secret, "sha256")
    output, block = b"", b""
    for number in range(1, math.ceil(length / _HASH_BYTES) + 1):
        block = hmac.digest(extracted, block + info + bytes([number]), "sha256")
        output += block
    return output[:length]


def _pad(management_token: str, key_id: str, length: int) -> bytes:
    return hkdf_sha256(management_token.encode("utf-8", "surrogatepass"), key_id.encode(), WRAP_PURPOSE, length)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
