"""Files of jobs under `/blobs/{account}/{container}/{name}`: uploads in the shape of Azure's Put Blob, and downloads.

The account is the endpoint's id, so that files of different keys stay apart. Results lie in the container `results`,
which nobody writes to.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import orjson
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from estudio.errors import (
    AccessDenied,
    EstudioError,
    InvalidCall,
    InvalidUsage,
    JobNotFound,
    NotFound,
    ObjectMissing,
    ServiceBusy,
    StoreDiskFull,
)
from estudio.server.access import authorize
from estudio.server.bodies import spool_body
from estudio.server.classic.blob_tokens import READ, WRITE, BlobPlace, check_token, make_token
from estudio.server.classic.door import JSON, Answer, check_version, classic_route, open_door
from estudio.server.exchange import exchange_of
from estudio.workspace.blobs import WorkspaceBlobs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from starlette.requests import Request

    from estudio.server.context import ServerContext

RESULTS = "results"
RESULT_SUFFIX = "results"
"""A result's file is `{output}results.{format}`: output1results.csv."""
CONTAINER = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}")
"""Azure's rule for containers."""
MAX_NAME_CHARACTERS = 1024
"""Azure's bound for blobs."""
BLOB_PATH = "/blobs/{account}/{container}/{name:path}"
STORAGE_PATH = "/workspaces/{workspace}/services/{endpoint}/storage"

_FAILURES: tuple[tuple[type[EstudioError], int, str], ...] = (
    (AccessDenied, 403, "AuthenticationFailed"),
    (NotFound, 404, "BlobNotFound"),
    (ObjectMissing, 404, "BlobNotFound"),
    (StoreDiskFull, 507, "InsufficientStorage"),
    (InvalidUsage, 400, "InvalidInput"),
    (ServiceBusy, 503, "ServerBusy"),
)
"""Azure Storage's codes, which its tools and clients know."""
_BODY_FAILURES = {"too-large": (413, "RequestBodyTooLarge"), "timeout": (408, "OperationTimedOut")}


def routes(context: ServerContext) -> list[Route]:
    """Uploads, downloads and the address to upload to; none where the server has no workspace."""
    if context.workspace is None:
        return []
    blobs = WorkspaceBlobs(context.workspace.folder)

    async def answer_upload(request: Request) -> Response:
        return await _answered(request, lambda: upload(context, blobs, request))

    async def answer_download(request: Request) -> Response:
        return await _answered(request, lambda: download(context, blobs, request))

    async def answer_storage(context: ServerContext, request: Request) -> Response:
        return await storage(context, blobs, request)

    return [
        Route(BLOB_PATH, answer_upload, methods=["PUT"]),
        Route(BLOB_PATH, answer_download, methods=["GET"]),
        classic_route(context, STORAGE_PATH, answer_storage, "GET"),
    ]


async def upload(context: ServerContext, blobs: WorkspaceBlobs, request: Request) -> Response:
    """Put Blob: the whole file in one request, with the endpoint's key or a token of `storage`."""
    place = _place_of(request)
    await _check_access(context, blobs, request, place, WRITE)
    check_upload_place(place)
    if request.headers.get("x-ms-blob-type", "").lower() != "blockblob":
        raise InvalidUsage("Say what is uploaded with the header `x-ms-blob-type: BlockBlob`.")
    if "comp" in request.query_params:
        raise InvalidUsage("Files are uploaded whole, in one request: leave `comp` out.")
    spool = await spool_body(request, context.settings.max_upload_bytes)
    try:
        await context.run(blobs.put, place.account, place.container, place.name, spool)
    finally:
        spool.close()
    return Answer(b"", 201).response(request)


async def download(context: ServerContext, blobs: WorkspaceBlobs, request: Request) -> Response:
    """A result or an upload, for a token alone: old clients send no key with it. Parts (Range) and HEAD work."""
    place = _place_of(request)
    await _check_access(context, blobs, request, place, READ)
    path = await context.run(_find_file, context, blobs, place)
    if path is None:
        raise NotFound(f"There is no file {place.container}/{place.name}.")
    media_type = "text/csv; charset=utf-8" if place.name.endswith(".csv") else "application/octet-stream"
    name = place.name.rsplit("/", 1)[-1]
    headers = {"x-ms-request-id": exchange_of(request.scope).request_id, "x-ms-blob-type": "BlockBlob"}
    return FileResponse(path, headers=headers, media_type=media_type, filename=name)


async def storage(context: ServerContext, blobs: WorkspaceBlobs, request: Request) -> Response:
    """Where to upload to: what an old script needs instead of its storage account. Not of the old system."""
    live = open_door(context, request)
    check_version(request)
    secret = await context.run(blobs.secret)
    place = BlobPlace(live.endpoint.id)
    token = make_token(secret, place, WRITE, time.time())
    base = base_location(context, request, place.account)
    document = {
        "BaseLocation": base,
        "SasBlobToken": token,
        "ConnectionString": f"BlobEndpoint={base.rstrip('/')};SharedAccessSignature={token[1:]}",
    }
    return Answer(orjson.dumps(document), media_type=JSON).response(request)


def base_location(context: ServerContext, request: Request, account: str) -> str:
    """What RelativeLocation is put behind: the address of an account's files, with a `/` at its end."""
    return f"{own_address(context, request)}/blobs/{account}/"


def own_address(context: ServerContext, request: Request) -> str:
    """How the caller reached this server, without a `/` at its end."""
    return (context.settings.public_url or str(request.base_url)).rstrip("/")


def check_upload_place(place: BlobPlace) -> None:
    """Raises InvalidUsage for a container or name that Azure would refuse, or that is ours."""
    if not CONTAINER.fullmatch(place.container) or place.container == RESULTS:
        raise InvalidUsage(
            f"{place.container[:80]!r} is no container to upload to: 3 to 63 lower-case letters, digits and single "
            f"hyphens, but not `{RESULTS}`."
        )
    if not place.name or len(place.name) > MAX_NAME_CHARACTERS or "\0" in place.name:
        raise InvalidUsage(f"A file's name has 1 to {MAX_NAME_CHARACTERS} characters.")


def split_result_name(name: str) -> tuple[str, str] | None:
    """The job and the output of `{job}/{output}results.{format}`; None for anything else."""
    job, slash, file = name.partition("/")
    output, found, suffix = file.rpartition(f"{RESULT_SUFFIX}.")
    return (job, output) if slash and found and output and suffix and "/" not in file else None


def result_name(job: str, output: str, suffix: str) -> str:
    """Where the container `results` has a job's result."""
    return f"{job}/{output}{RESULT_SUFFIX}.{suffix}"


def _find_file(context: ServerContext, blobs: WorkspaceBlobs, place: BlobPlace) -> Path | None:
    if place.container != RESULTS:
        return blobs.find(place.account, place.container, place.name)
    parts = split_result_name(place.name)
    if parts is None or context.jobs is None:
        return None
    job = context.jobs.get(parts[0])
    if job.endpoint_id != place.account or parts[1] not in job.results:
        return None
    if result_name(job.id, parts[1], job.results[parts[1]].format) != place.name:
        return None
    path: Path = context.jobs.result_path(job, parts[1])
    return path


def _place_of(request: Request) -> BlobPlace:
    params = request.path_params
    return BlobPlace(str(params["account"]).lower(), str(params["container"]), str(params["name"]))


async def _check_access(
    context: ServerContext, blobs: WorkspaceBlobs, request: Request, place: BlobPlace, permission: str
) -> None:
    """A token in the address, or the endpoint's key. Raises AccessDenied, also where there is no such account."""
    if "sig" in request.query_params:
        secret = await context.run(blobs.secret)
        check_token(secret, request.query_params, place, permission, time.time())
        return
    await context.run(_check_key, context, request, place.account)


def _check_key(context: ServerContext, request: Request, account: str) -> None:
    try:
        live = context.host.find_by_id(account)
    except NotFound:
        raise AccessDenied("The address needs a token or the endpoint's key.") from None
    authorize(context, request.scope, live.endpoint)


async def _answered(request: Request, handler: Callable[[], Awaitable[Response]]) -> Response:
    try:
        return await handler()
    except JobNotFound:
        return _failure(request, 404, "BlobNotFound", "The job is gone, and its results with it.")
    except ClientDisconnect:
        raise
    except InvalidCall as error:
        status, code = _BODY_FAILURES.get(error.kind, (400, "InvalidInput"))
        return _failure(request, status, code, error.message)
    except EstudioError as error:
        for kind, status, code in _FAILURES:
            if isinstance(error, kind):
                return _failure(request, status, code, error.message)
        raise


def _failure(request: Request, status: int, code: str, message: str) -> Response:
    exchange = exchange_of(request.scope)
    exchange.code, exchange.message = code, message
    body = (
        f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>'
    )
    return Answer(body.encode(), status, "application/xml").response(request, {"x-ms-error-code": code})
