"""What the old system had and this one has not: each is answered in words, so that a script's author knows why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.server.problems import Refused
from estudio.server.studio_api.calls import StudioCall, studio_route

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from estudio.server.context import ServerContext
    from estudio.workspace.studio_objects import StudioObjects

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MISSING = {
    "trainedmodels": "Trained models are files of the workspace or results of scripts here; see the experiment.",
    "transformmodules": "Transforms are scripts here.",
    "modules": "Module kinds are Python files here; see the guide “Write a module kind”.",
    "packages": "Experiments are moved as files here: `estudio experiment export`.",
    "projectcontainers": "Projects are folders here.",
    "notebooks": "Notebooks are not kept here.",
    "gateways": "Data gateways are not needed here: servers read what they reach.",
    "annotations": "Comments stand in the experiment's document here.",
    "users": "Whoever has a management key may do everything; there are no users.",
    "invitations": "Whoever has a management key may do everything; there are no users to invite.",
}
"""By the part of the address after the workspace."""


def routes(context: ServerContext, studio: StudioObjects) -> list[BaseRoute]:
    """Routes that say what is not there."""
    made: list[BaseRoute] = []
    for name, words in MISSING.items():

        async def refuse(call: StudioCall, name: str = name, words: str = words) -> Response:
            raise Refused(501, f"{call.request.method} {name} is not there. {words}")

        for place in (f"/api/workspaces/{{ws}}/{name}", f"/api/workspaces/{{ws}}/{name}/{{rest:path}}"):
            made += studio_route(place, dict.fromkeys(METHODS, refuse), context, studio)
    return made
