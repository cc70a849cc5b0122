"""One request and what becomes known of it while it is answered: for its log line, its metrics and its answer.

Route groups write into it (`exchange_of(request.scope)`); it is the outermost layer that reads it in the end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

    from estudio.server.body_room import BodyRoom
    from estudio.services.calling import LiveEndpoint

SCOPE_KEY = "estudio.exchange"


@dataclass(slots=True)
class Exchange:
    """Facts about one request.

    Attributes:
        request_id: the caller's own, or made here; every answer has it as X-Request-Id.
        trace_id: of the caller's W3C traceparent, or "".
        began: `time.monotonic()` when its headers were there.
        wall: seconds since the epoch, alike.
        service: its name, once it is found.
        version: that answers.
        endpoint: its name.
        endpoint_id: its id, in metrics.
        key_id: of the key; never the key.
        queue_seconds: waiting for a place, of a call.
        status: of the answer; 0 before it is sent, 499 where the caller left.
        code: of the error, or "".
        message: of the error, bounded; kept where diagnostics ask for it, never logged.
        script_log: what scripts printed, kept alike.
        bytes_in: of the body, as it came.
        bytes_out: of the answer's body.
        is_call: a score call, which is counted and kept as one.
        held_bytes: of its body, in memory; counted in `room`.
        room: what all bodies in memory may take.
        has_whole_body: the body was read to its end, or there is none.
    """

    request_id: str
    trace_id: str = ""
    began: float = field(default_factory=time.monotonic)
    wall: float = field(default_factory=time.time)
    service: str = ""
    version: int = 0
    endpoint: str = ""
    endpoint_id: str = ""
    key_id: str = ""
    queue_seconds: float = 0.0
    status: int = 0
    code: str = ""
    message: str = ""
    script_log: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    is_call: bool = False
    has_whole_body: bool = False
    held_bytes: int = 0
    room: BodyRoom | None = None

    def hold(self, size_bytes: int) -> None:
        """So many bytes of its body are in memory now. Raises ServiceBusy where all bodies have too many."""
        if self.room is not None:
            self.room.hold(self, size_bytes)

    def is_about(self, live: LiveEndpoint) -> None:
        """Note which service, version and endpoint it is about."""
        self.service = live.service.name
        self.version = live.version.number
        self.endpoint = live.endpoint.name
        self.endpoint_id = live.endpoint.id


def exchange_of(scope: Scope) -> Exchange:
    """The exchange of this request."""
    return cast("Mapping[str, Exchange]", scope)[SCOPE_KEY]
