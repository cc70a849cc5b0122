"""The server side of the `azureml` client library and of the management calls of R and PowerShell scripts.

Its rules are the old system's (studio and management host in one). Whoever holds a management key may do all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.server.studio_api import datasets, endpoints, experiments, missing, services, uploads

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from estudio.server.context import ServerContext

__all__ = ["routes"]


def routes(context: ServerContext) -> list[BaseRoute]:
    """All routes of this group; none where there is no workspace."""
    if context.workspace is None:
        return []
    studio = context.workspace.studio(context.host.workspace_id)
    groups = (datasets, uploads, experiments, services, endpoints, missing)
    return [route for group in groups for route in group.routes(context, studio)]
