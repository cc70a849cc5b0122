"""Uploads of the old clients: one call that begins it (or brings the whole file), then numbered blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.errors import InvalidCall
from estudio.server.bodies import read_body, spool_body
from estudio.server.studio_api.answers import json_answer
from estudio.server.studio_api.calls import StudioCall, studio_route
from estudio.workspace.studio_uploads import MAX_BLOCK_BYTES

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from estudio.server.context import ServerContext
    from estudio.workspace.studio_objects import StudioObjects

COPY_BYTES = 1 << 20
MAX_NUMBER_CHARACTERS = 9


async def begin_upload(call: StudioCall) -> Response:
    """A new upload; with a body, the body is the whole file (the R client and PowerShell)."""
    uploads = call.studio.uploads
    spool = await spool_body(call.request, call.context.settings.max_upload_bytes)
    with spool:
        upload = await call.context.run(uploads.begin)
        first = await call.context.run(spool.read, 1)
        if first:
            spool.seek(0)
            await call.context.run(uploads.put_whole, upload, iter(lambda: spool.read(COPY_BYTES), b""))
    return json_answer({"Id": upload, "DataTypeId": call.query("dataTypeId")})


async def put_block(call: StudioCall) -> Response:
    """One block of an upload."""
    count, number = _number(call, "numberOfBlocks"), _number(call, "blockId")
    content = await read_body(call.request, MAX_BLOCK_BYTES)
    await call.context.run(call.studio.uploads.put_block, call.query("uploadId"), count, number, content)
    return json_answer({"UploadId": call.query("uploadId"), "BlockId": number})


def _number(call: StudioCall, name: str) -> int:
    text = call.query(name)
    if not (text.isascii() and text.isdigit()) or len(text) > MAX_NUMBER_CHARACTERS:
        raise InvalidCall(f"The address must have a whole number {name}.")
    return int(text)


def routes(context: ServerContext, studio: StudioObjects) -> list[BaseRoute]:
    """Routes of uploads."""
    return [
        *studio_route("/api/resourceuploads/workspaces/{ws}", {"POST": begin_upload}, context, studio),
        *studio_route("/api/blobuploads/workspaces/{ws}", {"POST": put_block}, context, studio),
    ]
