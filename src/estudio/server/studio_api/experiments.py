"""Experiments of the old client library: the list, one with its graph, and intermediate results of ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from starlette.responses import Response

from estudio.server.studio_api.answers import date, json_answer
from estudio.server.studio_api.calls import StudioCall, studio_route

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from estudio.server.context import ServerContext
    from estudio.workspace.studio_experiments import StudioExperiment
    from estudio.workspace.studio_objects import StudioObjects

TSV = "text/tab-separated-values"


async def list_experiments(call: StudioCall) -> Response:
    """All experiments."""
    found = await call.context.run(call.studio.experiments.list)
    return json_answer([_metadata(experiment) for experiment in found])


async def get_experiment(call: StudioCall) -> Response:
    """One experiment, with its graph."""
    experiments = call.studio.experiments
    found = await call.context.run(experiments.get, call.path("id"))
    graph = await call.context.run(experiments.graph, found.summary.name)
    return json_answer({**_metadata(found), "Graph": None if graph is None else _graph(graph)})


async def get_output(call: StudioCall) -> Response:
    """What a port gave, as CSV with names in the first line; as TSV where the caller accepts that alone."""
    as_tsv = call.request.headers.get("accept", "").split(";")[0].strip().lower() == TSV
    content = await call.context.run(
        call.studio.experiments.output,
        call.path("id"),
        call.path("node"),
        unquote(call.path("port")),
        "tsv" if as_tsv else "csv",
    )
    return Response(content, media_type=TSV if as_tsv else "text/csv; charset=utf-8")


async def get_workspace(call: StudioCall) -> Response:
    """The workspace; its keys are shown to nobody."""
    return json_answer(
        {
            "WorkspaceId": call.studio.workspace_id,
            "FriendlyName": call.studio.name,
            "Description": "",
            "WorkspaceType": "Production",
            "WorkspaceState": "Enabled",
            "EditorLink": call.base_url,
            "AuthorizationToken": {"PrimaryToken": "", "SecondaryToken": ""},
            "Region": "",
            "OwnerEmail": "",
            "UserStorage": "",
            "SubscriptionId": "",
        }
    )


def _metadata(experiment: StudioExperiment) -> dict[str, Any]:
    summary, run = experiment.summary, experiment.summary.last_run
    created = date(experiment.created_at)
    return {
        "ExperimentId": experiment.id,
        "RunId": None if run is None else run.id,
        "ParentExperimentId": None,
        "OriginalExperimentDocumentationLink": None,
        "Summary": summary.problem,
        "Description": summary.title or summary.name,
        "Creator": "",
        "JobId": None if run is None else run.id,
        "VersionId": experiment.etag,
        "Etag": experiment.etag,
        "IsArchived": False,
        "IsLeaf": True,
        "Category": "user",
        "Tags": [],
        "Status": {
            "StatusCode": experiment.status_code,
            "StatusDetail": None if run is None else run.state.value,
            "CreationTime": created,
            "StartTime": None if run is None else created,
            "EndTime": None if run is None or run.ended_at is None else date(run.ended_at),
            "Metadata": None,
        },
    }


def _graph(experiment: dict[str, Any]) -> dict[str, Any]:
    """The graph with the old system's keys; modules and ports have our names."""
    modules = experiment["modules"].items()
    return {
        "ModuleNodes": [
            {
                "Id": name,
                "ModuleId": module["kind"],
                "Comment": module["comment"],
                "ModuleParameters": [
                    {"Name": key, "Value": value}
                    for key, value in {**module["settings"], **module["parameters"]}.items()
                ],
            }
            for name, module in modules
        ],
        "EdgesInternal": [
            {
                "SourceOutputPortId": source.replace(".", ":", 1),
                "DestinationInputPortId": f"{name}:{port}",
            }
            for name, module in modules
            for port, source in module["connections"].items()
        ],
    }


def routes(context: ServerContext, studio: StudioObjects) -> list[BaseRoute]:
    """Routes of experiments and of the workspace itself."""
    place = "/api/workspaces/{ws}/experiments"
    return [
        *studio_route(place, {"GET": list_experiments}, context, studio),
        *studio_route(place + "/{id}", {"GET": get_experiment}, context, studio),
        *studio_route(place + "/{id}/outputdata/{node}/{port:path}", {"GET": get_output}, context, studio),
        *studio_route("/api/workspaces/{ws}", {"GET": get_workspace}, context, studio),
    ]
