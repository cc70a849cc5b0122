"""What the old system had and this one has not: each is answered in words, so that a script's author knows why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.server.problems import Refused
from estudio.server.studio_api.calls import StudioCall, studio_route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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


EXPERIMENTS = (
    "Experiments are not made, saved, run, copied or removed by this interface: they are documents of the workspace; "
    "`estudio experiment run` runs one."
)
DEFINITION = "The definition of a web service is its experiment's document; `estudio experiment export` writes it."


def routes(context: ServerContext, studio: StudioObjects) -> list[BaseRoute]:
    """Routes that say what is not there."""
    place = "/api/workspaces/{ws}"
    made: list[BaseRoute] = []
    for name, words in MISSING.items():
        for path in (f"{place}/{name}", f"{place}/{name}/{{rest:path}}"):
            made += studio_route(path, dict.fromkeys(METHODS, refusing(words)), context, studio)
    one = place + "/experiments/{id}"
    return [
        *made,
        *studio_route(place + "/experiments", {"POST": refusing(EXPERIMENTS)}, context, studio),
        *studio_route(one, dict.fromkeys(("POST", "DELETE"), refusing(EXPERIMENTS)), context, studio),
        *studio_route(one + "/webservicedefinition", {"GET": refusing(DEFINITION)}, context, studio),
    ]


def refusing(words: str) -> Callable[[StudioCall], Awaitable[Response]]:
    """A handler that answers with these words."""

    async def refuse(call: StudioCall) -> Response:
        raise Refused(501, f"{call.request.method} {call.request.url.path[:200]} is not there. {words}")

    return refuse
