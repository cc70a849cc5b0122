"""How many bytes of bodies one process keeps in memory at one time, over all requests.

Each body has its own limit, and there is a limit of calls; but all calls with the largest body at once would be many
gigabytes. Only the event loop counts, so there is no lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.errors import ServiceBusy

if TYPE_CHECKING:
    from estudio.server.exchange import Exchange

RETRY_SECONDS = 2
"""When it may be tried again: most calls with a large body have ended by then."""


class BodyRoom:
    """The bytes of bodies in memory of one process."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self.held_bytes = 0

    def hold(self, exchange: Exchange, size_bytes: int) -> None:
        """A request holds so many bytes now, in all.

        Raises:
            ServiceBusy: there is no room for what it needs more; what it held is still counted until it ends.
        """
        more = size_bytes - exchange.held_bytes
        if more <= 0:
            return
        if self.held_bytes + more > self._limit_bytes:
            raise ServiceBusy(
                f"Bodies of other calls take the {self._limit_bytes} bytes that this process keeps of them; try again "
                f"in {RETRY_SECONDS} s, or send less at one time.",
                retry_after_seconds=RETRY_SECONDS,
                limit_bytes=self._limit_bytes,
            )
        self.held_bytes += more
        exchange.held_bytes = size_bytes

    def let_go(self, exchange: Exchange) -> None:
        """The request has ended."""
        self.held_bytes -= exchange.held_bytes
        exchange.held_bytes = 0
