"""Signed, expiring tokens for files, in the shape of the old system's SasBlobToken: a query that begins with `?`.

A token is for one file, or for all uploads of one account (an endpoint's id). It says nothing about keys and is as good
as one for what it names, so it ends after a day.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from estudio.errors import AccessDenied

if TYPE_CHECKING:
    from collections.abc import Mapping

READ = "r"
WRITE = "w"
TOKEN_SECONDS = 24 * 3600
VERSION = "estudio-1"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_MAX_CHARACTERS = 512
"""Of any part of a token; ours have less than a hundred."""


@dataclass(frozen=True, slots=True)
class BlobPlace:
    """A file's place. Without container and name it stands for the whole account."""

    account: str
    container: str = ""
    name: str = ""

    @property
    def path(self) -> str:
        """As it is signed. A container has no `/` in it, so that no two places have the same path."""
        return f"{self.account}/{self.container}/{self.name}" if self.container else self.account


def make_token(secret: bytes, place: BlobPlace, permission: str, now: float) -> str:
    """A token that begins with `?`, for a place and a permission."""
    parts = {
        "sv": VERSION,
        "sr": "b" if place.container else "a",
        "sp": permission,
        "se": datetime.fromtimestamp(int(now) + TOKEN_SECONDS, UTC).strftime(_TIME),
    }
    return "?" + urlencode({**parts, "sig": _sign(secret, place.path, parts)})


def check_token(secret: bytes, query: Mapping[str, str], place: BlobPlace, permission: str, now: float) -> None:
    """Raises AccessDenied where the token is not one of ours, for something else, changed, or over."""
    parts = {name: query.get(name, "")[:_MAX_CHARACTERS] for name in ("sv", "sr", "sp", "se")}
    path = place.path if parts["sr"] == "b" else place.account
    signature = query.get("sig", "")[:_MAX_CHARACTERS]
    if not hmac.compare_digest(_sign(secret, path, parts).encode(), signature.encode("utf-8", "replace")):
        raise AccessDenied("The signature of the address does not fit: take the address whole, as it was given.")
    if parts["sp"] != permission:
        raise AccessDenied("The address was given out for something else.")
    try:
        ends = datetime.strptime(parts["se"], _TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise AccessDenied("The address has no time at which it ends.") from None
    if now >= ends:
        raise AccessDenied(f"The address ended at {parts['se']}; ask for the job again to get a new one.")


def _sign(secret: bytes, path: str, parts: Mapping[str, str]) -> str:
    """No part can hold a line break where it counts: the parts are joined with their lengths."""
    words = [*(f"{name}={parts[name]}" for name in sorted(parts)), path]
    message = "".join(f"{len(word.encode('utf-8', 'replace'))}:{word}\n" for word in words)
    digest = hmac.new(secret, message.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")
