"""What is counted, and /metrics, where Prometheus reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from estudio.server.context import ServerContext
    from estudio.server.exchange import Exchange


class ServerMetrics:
    """Counters of one worker process."""

    def note(self, exchange: Exchange, seconds: float) -> None:
        """Count an exchange that has ended."""


def routes(context: ServerContext) -> list[BaseRoute]:
    """The route of /metrics."""
    del context
    return []
