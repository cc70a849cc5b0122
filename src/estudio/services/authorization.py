"""Which key a token is, and whether it allows what is asked: from memory, for as long as nothing changed in the store.

Expiry is judged at each call; rotation and removal raise the store's generation, and then everything is forgotten.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from estudio.services.keys import MAX_TOKEN_CHARACTERS, check_key, digest_of_token, find_key
from estudio.services.rate_limits import RateLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.core.service import Endpoint, KeyScope, ServiceKey
    from estudio.store.service_protocols import ServiceRepository

REMEMBERED_KEYS = 4_096
"""Tokens of callers, right and wrong ones, so that guessing costs the store little."""


class Authorizer:
    """Knows keys by their tokens. Any thread may call it.

    Args:
        repository: where keys are.
        clock: seconds since the epoch.
        processes: how many server processes share each key's calls of a minute.
    """

    def __init__(
        self, repository: ServiceRepository, clock: Callable[[], float] = time.time, processes: int = 1
    ) -> None:
        self._repository = repository
        self._clock = clock
        self._limits = RateLimits(processes)
        self._lock = threading.Lock()
        self._known: dict[str, ServiceKey | None] = {}

    def forget(self) -> None:
        """Ask the store anew: keys may have been rotated or removed."""
        with self._lock:
            self._known = {}

    def authorize(self, token: str, scope: KeyScope, endpoint: Endpoint | None = None) -> ServiceKey:
        """The key that this token is, if it allows that; a management key allows all.

        Raises:
            AccessDenied: no such key, another endpoint's, expired, or one that does not allow this.
            RateLimited: its calls of this minute are used up.
            StoreFailed: keys cannot be looked up.
        """
        found = self._find(token) if len(token) <= MAX_TOKEN_CHARACTERS else None
        key = check_key(found, scope, endpoint, self._clock())
        if key.calls_per_minute is not None:
            self._limits.take(key, time.monotonic())
        return key

    def _find(self, token: str) -> ServiceKey | None:
        """A token is remembered by its digest: the table of a dictionary tells nobody how much of a guess was right."""
        digest = digest_of_token(token)
        known = self._known
        if digest in known:
            return known[digest]
        found = find_key(self._repository, token)
        with self._lock:
            if len(known) >= REMEMBERED_KEYS:
                known.clear()
            known[digest] = found
        return found
