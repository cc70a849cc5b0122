"""Ready guests for one kind of zygote: forked and confined ahead of time, so that a call waits for neither.

A zygote is replaced after a number of forks, because its children share its address layout and hash seed.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from estudio.errors import EstudioError, SandboxBroken
from estudio.sandbox.policy import GuestProfile
from estudio.sandbox.zygotes import Zygote

if TYPE_CHECKING:
    from estudio.core.limits import Limits
    from estudio.sandbox.cgroups import Cgroups
    from estudio.sandbox.guests import Guest
    from estudio.sandbox.policy import ZygoteSpec

ROTATE_AFTER_FORKS = 2_000
"""An attacker who learns the layout from one call has at most this many others to use it on."""


class GuestPool:
    """Hands out guests. Any thread may call it."""

    def __init__(
        self,
        spec: ZygoteSpec,
        limits: Limits,
        *,
        cgroups: Cgroups,
        ahead: int,
        rotate_after: int = ROTATE_AFTER_FORKS,
    ) -> None:
        self.spec = spec
        self.profile = GuestProfile(limits.disk_bytes)
        self._limits = limits
        self._cgroups = cgroups
        self._ahead = ahead
        self._rotate_after = rotate_after
        self._grace = 0
        self._lock = threading.Lock()
        self._asked: deque[tuple[Zygote, int]] = deque()
        self._retired: list[Zygote] = []
        self._successor: threading.Thread | None = None
        self._closed = False
        self._zygote = self._new_zygote()
        self._started = False
        self._failed = False

    def _new_zygote(self) -> Zygote:
        return Zygote(self.spec, self._limits, self._cgroups)

    def start(self) -> None:
        """Wait until the first zygote is ready and ask for the first guests. Raises as `Zygote.wait_ready`."""
        with self._lock:
            if not self._started:
                self._start_first()
            self._refill()

    def _start_first(self) -> None:
        if self._failed:
            self._zygote = self._new_zygote()
        self._failed = True
        self._zygote.wait_ready()
        self._started, self._failed = True, False

    def take(self, profile: GuestProfile, folder: str | None = None) -> Guest:
        """A guest that is ready for one call.

        Args:
            profile: what it must be confined with; guests of the pool's own profile are ready ahead of time.
            folder: its working folder, where no wall gives it a private one.

        Raises:
            SandboxBroken: no guest can be had, even from a fresh zygote.
        """
        try:
            self.start()
            return self._take_once(profile, folder)
        except SandboxBroken:
            fresh = self._new_zygote()
            fresh.wait_ready()
            self._succeed(fresh)
            return self._take_once(profile, folder)

    def _take_once(self, profile: GuestProfile, folder: str | None) -> Guest:
        with self._lock:
            if profile == self.profile and folder is None and self._asked:
                zygote, number = self._asked.popleft()
            else:
                zygote, number = self._zygote, self._zygote.ask(profile, folder)
            if not self._asked:
                self._refill()
            self._rotate()
        guest = zygote.take(number)
        try:
            guest.wait_ready()
        except SandboxBroken:
            guest.kill()
            guest.close()
            raise
        return guest

    def refill(self) -> None:
        """Make guests ready for later calls, now that one has ended: beside it they would cost it its processor.

        Raises:
            SandboxBroken: the zygote is gone.
        """
        with self._lock:
            if self._started and not self._closed:
                self._refill()

    def _refill(self) -> None:
        while self._ahead and "mount" in self.spec.walls and len(self._asked) < self._ahead:
            self._asked.append((self._zygote, self._zygote.ask(self.profile)))

    def _rotate(self) -> None:
        """Start a successor in the background when the zygote is old; end old ones that have no more work."""
        if self._zygote.forks >= self._rotate_after + self._grace and self._successor is None:
            self._successor = threading.Thread(target=self._bring_up_successor, name="estudio-zygote-successor")
            self._successor.start()
        for zygote in [zygote for zygote in self._retired if not zygote.busy]:
            self._retired.remove(zygote)
            zygote.close()

    def _bring_up_successor(self) -> None:
        try:
            fresh = self._new_zygote()
            fresh.wait_ready()
        except EstudioError:  # the old one still serves; it is tried again as many forks later
            with self._lock:
                self._successor = None
                self._grace += self._rotate_after
        else:
            self._succeed(fresh)

    def _succeed(self, fresh: Zygote) -> None:
        with self._lock:
            self._retired.append(self._zygote)
            self._zygote = fresh
            self._started = True
            self._asked.clear()
            self._successor = None
            self._grace = 0
            if self._closed:
                fresh.close()

    def close(self) -> None:
        """End all zygotes and guests."""
        successor = self._successor
        if successor is not None:
            successor.join()
        with self._lock:
            self._closed = True
            for zygote in (self._zygote, *self._retired):
                zygote.close()
