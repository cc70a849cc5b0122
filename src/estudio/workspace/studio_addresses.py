"""Addresses that hold their own credential: signed, and good for a while, for clients that send no key along.

The secret lies in the workspace's state folder, so that all processes of a server, and the next server, know it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from estudio.errors import AccessDenied
from estudio.store.failures import failure_of_os

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET_BYTES = 32
SIGNING_NAME = "address.key"
CREDENTIAL_SECONDS = 24 * 3600.0
"""A day: a notebook keeps its list of datasets for as long as somebody works in it."""


@dataclass(frozen=True, slots=True)
class AddressSigner:
    """Signs places of one workspace. Any thread and process may use it."""

    state: Path
    """The workspace's state folder."""
    clock: Callable[[], float] = field(default=time.time)

    def credential(self, place: str) -> str:
        """`?se=EXPIRY&sig=…` for a place. Raises StoreFailed."""
        expires = int(self.clock() + CREDENTIAL_SECONDS)
        return f"?se={expires}&sig={self._signature(place, expires)}"

    def check(self, place: str, expires: str, signature: str) -> None:
        """Raise AccessDenied unless the credential is of this place and still good."""
        wanted = self._signature(place, int(expires)) if expires.isdecimal() and len(expires) < 16 else ""
        if not wanted or not hmac.compare_digest(wanted, signature[: len(wanted) + 1]):
            raise AccessDenied("The credential in this address is wrong. Ask for the address again.")
        if int(expires) < self.clock():
            raise AccessDenied("The credential in this address has expired. Ask for the address again.")

    def _signature(self, place: str, expires: int) -> str:
        text = f"{expires}\n{place}".encode()
        return hmac.new(_secret(self.state), text, hashlib.sha256).hexdigest()


def _secret(state: Path) -> bytes:
    """The workspace's secret, drawn once: of two processes that draw one, the first that names its file wins."""
    target = state / SIGNING_NAME
    try:
        if not target.exists():
            state.mkdir(parents=True, exist_ok=True)
            beside = state / f"{SIGNING_NAME}.{secrets.token_hex(8)}"
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(SECRET_BYTES))
            with suppress(FileExistsError):
                os.link(beside, target)
            beside.unlink()
        return target.read_bytes()
    except OSError as error:
        raise failure_of_os(error, target) from error
