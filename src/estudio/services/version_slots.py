"""Versions in memory: loaded once, in the background or when a call needs one, and closed when nobody holds them.

A version that could not be loaded is tried again after a while; until then its error is told at once.
"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from estudio.errors import EnvironmentFailed, EstudioError, SandboxUnavailable, ServiceBusy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from estudio.core.service import ServiceVersion
    from estudio.services.loading import LoadedGraph

    Load: TypeAlias = Callable[[ServiceVersion], LoadedGraph]

Key: TypeAlias = tuple[str, int]
"""A service's id and a version's number."""
LOADING_THREADS = 2
"""Versions that are loaded at one time: each takes a core while its guests come up."""
RETRY_SECONDS = 5.0
"""A version that could not be loaded is tried again after that: an environment may be built by then."""
KEEP_SECONDS = 60.0
"""A version that nothing refers to stays in memory for that long after its last call."""


@dataclass(slots=True)
class _Slot:
    version: ServiceVersion
    loading: Future[LoadedGraph]
    used_at: float
    holders: int = 0
    failed_at: float | None = field(default=None)

    @property
    def loaded(self) -> LoadedGraph | None:
        """The version, once it is there."""
        if self.loading.done() and not self.loading.cancelled() and self.loading.exception() is None:
            return self.loading.result()
        return None

    @property
    def error(self) -> BaseException | None:
        """Why it could not be loaded."""
        return self.loading.exception() if self.loading.done() and not self.loading.cancelled() else None


class VersionSlots:
    """Keeps versions in memory. Any thread may call it.

    Args:
        load: loads one; may take long.
        on_loaded: told when loading one has ended, well or not, in a thread of its own.
    """

    def __init__(self, load: Load, on_loaded: Callable[[], None], *, keep_seconds: float = KEEP_SECONDS) -> None:
        self._load = load
        self._on_loaded = on_loaded
        self._keep_seconds = keep_seconds
        self._lock = threading.Lock()
        self._slots: dict[Key, _Slot] = {}
        self._threads = ThreadPoolExecutor(LOADING_THREADS, thread_name_prefix="estudio-load")
        self._is_closed = False

    def begin(self, version: ServiceVersion) -> None:
        """Load it in the background, unless it is loaded, being loaded, or failed a moment ago."""
        with self._lock:
            if not self._is_closed:
                self._slot(version)

    def is_loaded(self, version: ServiceVersion) -> bool:
        """Whether a call would be answered now."""
        with self._lock:
            slot = self._slots.get(key_of(version))
            return slot is not None and slot.loaded is not None

    def error_of(self, version: ServiceVersion) -> BaseException | None:
        """Why it could not be loaded the last time."""
        with self._lock:
            slot = self._slots.get(key_of(version))
            return None if slot is None else slot.error

    @contextlib.contextmanager
    def hold(self, version: ServiceVersion, deadline: float) -> Iterator[LoadedGraph]:
        """The version, loaded now where it is not; it is not closed meanwhile.

        Raises:
            ServiceBusy: it is not loaded by the deadline (`time.monotonic()`), or cannot be loaded.
            EnvironmentFailed, SandboxUnavailable: why it cannot be loaded.
        """
        with self._lock:
            if self._is_closed:
                raise ServiceBusy("The server stops.", retry_after_seconds=RETRY_SECONDS)
            slot = self._slot(version)
            slot.holders += 1
        try:
            yield _result(slot, deadline)
        finally:
            with self._lock:
                slot.holders -= 1
                slot.used_at = time.monotonic()

    def close_unused(self, wanted: Collection[Key]) -> None:
        """Close versions that nobody holds, that are not wanted, and were not called for a while."""
        limit = time.monotonic() - self._keep_seconds
        with self._lock:
            unused = [
                self._slots.pop(key)
                for key, slot in list(self._slots.items())
                if key not in wanted and not slot.holders and slot.used_at <= limit and slot.loading.done()
            ]
        for slot in unused:
            if slot.loaded is not None:
                slot.loaded.close()

    def close(self) -> None:
        """Close all, with the calls in flight."""
        with self._lock:
            self._is_closed = True
            slots = list(self._slots.values())
            self._slots.clear()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for slot in slots:
            if slot.loaded is not None:
                slot.loaded.kill()

    def _slot(self, version: ServiceVersion) -> _Slot:
        """Under the lock."""
        key = key_of(version)
        slot, now = self._slots.get(key), time.monotonic()
        if slot is None or (slot.error is not None and now - slot.used_at >= RETRY_SECONDS and not slot.holders):
            loading = self._threads.submit(self._load, version)
            slot = self._slots[key] = _Slot(version, loading, now)
            loading.add_done_callback(lambda _: self._on_loaded())
        return slot


def key_of(version: ServiceVersion) -> Key:
    """What a version is known by."""
    return version.service_id, version.number


def _result(slot: _Slot, deadline: float) -> LoadedGraph:
    what = f"Version {slot.version.number} of {slot.version.experiment}"
    try:
        return slot.loading.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        raise ServiceBusy(
            f"{what} is still being loaded; call again.", retry_after_seconds=1, reason="loading"
        ) from None
    except (EnvironmentFailed, SandboxUnavailable, ServiceBusy):
        raise
    except EstudioError as error:
        raise ServiceBusy(
            f"{what} cannot be loaded: {error.message}", retry_after_seconds=RETRY_SECONDS, cause=error.code
        ) from error
