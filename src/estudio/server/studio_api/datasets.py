"""Datasets of the old client library: list, get, create from an upload, remove a family, and download.

A download's address holds its own credential: the client sends no key there.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from estudio.errors import EstudioError, InvalidCall
from estudio.server.classic.blob_tokens import READ, BlobPlace, check_token, make_token
from estudio.server.studio_api.answers import date, json_answer, ticks
from estudio.server.studio_api.calls import StudioCall, noted_error, studio_route, text_field
from estudio.workspace.studio_datasets import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_OWNER_CHARACTERS,
    MAX_TYPE_CHARACTERS,
    NewDataset,
    family_id,
    is_packed,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from estudio.core.dataset import Dataset
    from estudio.server.context import ServerContext
    from estudio.workspace.studio_objects import StudioObjects

DOWNLOADS = "downloads"
DATASETS = "datasets"
MAX_NAME_CHARACTERS = 1_000
"""Read so far; whether it is a name is decided by `check_dataset_name`, whose words are better."""
ENDPOINT_TYPE = "AzureBlob"


async def list_datasets(call: StudioCall) -> Response:
    """The latest version of each dataset."""
    found = await call.context.run(call.studio.datasets.list)
    secret = await call.context.run(call.studio.blobs.secret)
    return json_answer([_metadata(call, dataset, secret) for dataset in found])


async def get_dataset(call: StudioCall) -> Response:
    """One dataset."""
    dataset = await call.context.run(call.studio.datasets.get, call.path("id"))
    return json_answer(_metadata(call, dataset, await call.context.run(call.studio.blobs.secret)))


async def create_dataset(call: StudioCall) -> Response:
    """A new dataset, or a new version; answers with its id."""
    body = await call.json()
    source = body.get("DataSource")
    if not isinstance(source, dict):
        raise InvalidCall("The body must have an object DataSource, beside UploadId.")
    new = NewDataset(
        text_field(source, "Name", most=MAX_NAME_CHARACTERS),
        text_field(source, "DataTypeId", most=MAX_TYPE_CHARACTERS),
        text_field(source, "Description", most=MAX_DESCRIPTION_CHARACTERS),
        text_field(source, "FamilyId", most=MAX_TYPE_CHARACTERS) or None,
        text_field(source, "Owner", most=MAX_OWNER_CHARACTERS),
        text_field(body, "UploadedFromFileName", most=MAX_NAME_CHARACTERS),
    )
    upload = text_field(body, "UploadId", most=MAX_TYPE_CHARACTERS)
    saved = await call.context.run(call.studio.datasets.create, new, upload)
    return json_answer(call.studio.datasets.id_of(saved))


async def remove_family(call: StudioCall) -> Response:
    """Remove all versions of a dataset."""
    await call.context.run(call.studio.datasets.remove_family, call.path("family"))
    return json_answer({})


async def download(request: Request, context: ServerContext, studio: StudioObjects) -> Response:
    """The file as it was uploaded; the address is its credential."""
    dataset_id = str(request.path_params["id"])
    try:
        secret = await context.run(studio.blobs.secret)
        check_token(secret, request.query_params, _place(studio, dataset_id), READ, time.time())
        dataset = await context.run(studio.datasets.get, dataset_id)
        parts = studio.datasets.content(dataset)
        first = await context.run(next, parts, b"")
    except EstudioError as error:
        return noted_error(request, error)
    headers = {"cache-control": "private, no-store"}
    if not is_packed(dataset):
        headers["content-length"] = str(dataset.size_bytes)
    return StreamingResponse(_parts(context, first, parts), 200, headers, "application/octet-stream")


async def _parts(context: ServerContext, first: bytes, rest: Iterator[bytes]) -> AsyncIterator[bytes]:
    part = first
    while part:
        yield part
        part = await context.run(next, rest, b"")


def _metadata(call: StudioCall, dataset: Dataset, secret: bytes) -> dict[str, Any]:
    """All that the client's `SourceDataset` reads, in the old system's types."""
    facts = dataset.facts
    problem = facts.get("problem")
    return {
        "Id": call.studio.datasets.id_of(dataset),
        "Name": dataset.family,
        "DataTypeId": dataset.type,
        "Description": facts.get("description") or "",
        "FamilyId": family_id(dataset.family),
        "ResourceUploadId": dataset.original[:32],
        "Size": dataset.size_bytes,
        "SourceOrigin": "FromResourceUpload",
        "CreatedDate": date(dataset.created_at),
        "Owner": facts.get("owner") or "",
        "ExperimentId": None,
        "ClientVersion": None,
        "PromotedFrom": None,
        "UploadedFromFilename": facts.get("uploaded-from") or "",
        "ServiceVersion": dataset.version,
        "IsLatest": dataset.is_latest,
        "Category": None,
        "DownloadLocation": _location(call, dataset, secret),
        "VisualizeEndPoint": _nowhere("visualization"),
        "SchemaEndPoint": _nowhere("schema"),
        "SchemaStatus": "Failed" if problem else "Complete" if dataset.table else "NotSupported",
        "SchemaDetail": problem,
        "IsDeprecated": False,
        "Culture": None,
        "Batch": None,
        "CreatedDateTicks": ticks(dataset.created_at),
    }


def _location(call: StudioCall, dataset: Dataset, secret: bytes) -> dict[str, Any]:
    dataset_id = call.studio.datasets.id_of(dataset)
    return {
        "BaseUri": f"{call.base_url}/api/",
        "Size": dataset.size_bytes,
        "Name": dataset.file_name,
        "EndpointType": ENDPOINT_TYPE,
        "CredentialContainer": "",
        "AccessCredential": make_token(secret, _place(call.studio, dataset_id), READ, time.time()),
        "Location": f"{DOWNLOADS}/{dataset_id}",
        "FileType": dataset.type,
        "IsAuxiliary": False,
    }


def _place(studio: StudioObjects, dataset_id: str) -> BlobPlace:
    """What a credential is for: no endpoint has the workspace's id, so no upload of a job has such a place."""
    return BlobPlace(studio.workspace_id, DATASETS, dataset_id)


def _nowhere(name: str) -> dict[str, Any]:
    """A place of the old system that has nothing here, with all of its keys."""
    return {
        "BaseUri": "",
        "Size": 0,
        "Name": name,
        "EndpointType": ENDPOINT_TYPE,
        "CredentialContainer": "",
        "AccessCredential": "",
        "Location": "",
        "FileType": "",
        "IsAuxiliary": True,
    }


def routes(context: ServerContext, studio: StudioObjects) -> list[BaseRoute]:
    """Routes of datasets."""

    async def answer_download(request: Request) -> Response:
        return await download(request, context, studio)

    place = "/api/workspaces/{ws}/datasources"
    return [
        Route(f"/api/{DOWNLOADS}/{{id}}", answer_download, methods=["GET"]),
        *studio_route(place, {"GET": list_datasets, "POST": create_dataset}, context, studio),
        *studio_route(place + "/family/{family}", {"DELETE": remove_family}, context, studio),
        *studio_route(place + "/{id}", {"GET": get_dataset}, context, studio),
    ]
