"""The old system's wire: request-response, jobs, swagger.json and help pages under the addresses that old clients know.

Its rules are the old system's, also where ours would be better: the modern routes are `estudio.server`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.server.classic import blobs, help_routes, jobs, rrs, swagger

if TYPE_CHECKING:
    from starlette.routing import Route

    from estudio.server.context import ServerContext


def routes(context: ServerContext) -> list[Route]:
    """All addresses of the old system, the busiest first."""
    return [each for part in (rrs, jobs, blobs, swagger, help_routes) for each in part.routes(context)]
