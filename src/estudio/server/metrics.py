"""What is counted, and /metrics, where Prometheus reads it.

With several workers each counts into files of a shared folder, named by the worker's place, and whichever worker is
asked adds them up: a worker that was restarted goes on with the counts of the one before.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import Response
from starlette.routing import Route

from estudio.core.service import LATENCY_SECONDS
from estudio.server.access import authorize_manager

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from estudio.server.context import ServerContext
    from estudio.server.exchange import Exchange

LABELS = ("service", "version", "endpoint")
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus-client looks for the shared folder."""


class ServerMetrics:
    """Counters of one worker process, or of all where they share a folder. Any thread may read them."""

    def __init__(self, folder: Path | None = None, place: int = 0) -> None:
        self._folder = folder
        if folder is not None:
            os.environ[FOLDER_VARIABLE] = str(folder)
            values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        self._registry = registry
        self._calls = Counter("estudio_calls", "Score calls by status.", (*LABELS, "status"), registry=registry)
        self._throttled = Counter(
            "estudio_calls_throttled", "Score calls refused because too many were in flight.", LABELS, registry=registry
        )
        self._seconds = Histogram(
            "estudio_call_seconds", "Duration of score calls.", LABELS, buckets=LATENCY_SECONDS, registry=registry
        )
        self._queue = Histogram(
            "estudio_call_queue_seconds", "Of these: waiting for a place.", LABELS, buckets=LATENCY_SECONDS,
            registry=registry,
        )  # fmt: skip
        self._flying = Gauge(
            "estudio_calls_in_flight", "Score calls being answered.", LABELS, registry=registry,
            multiprocess_mode="sum",
        )  # fmt: skip
        self._requests = Counter("estudio_http_requests", "All requests by status.", ("status",), registry=registry)
        self._bytes_in = Counter("estudio_http_received_bytes", "Bodies of requests.", registry=registry)
        self._bytes_out = Counter("estudio_http_sent_bytes", "Bodies of answers.", registry=registry)
        self._answered: dict[int, Counter] = {}
        self._ended: dict[tuple[str, int, str, int], tuple[Counter, Histogram, Histogram]] = {}
        self._in_flight: dict[tuple[str, int, str], Gauge] = {}

    def note(self, exchange: Exchange, seconds: float) -> None:
        """Count an exchange that has ended."""
        status = exchange.status
        answered = self._answered.get(status)
        if answered is None:
            answered = self._answered[status] = self._requests.labels(status)
        answered.inc()
        self._bytes_in.inc(exchange.bytes_in)
        self._bytes_out.inc(exchange.bytes_out)
        if exchange.is_call and exchange.service:
            self._note_call(exchange, seconds)

    def _note_call(self, exchange: Exchange, seconds: float) -> None:
        key = (exchange.service, exchange.version, exchange.endpoint, exchange.status)
        found = self._ended.get(key)
        if found is None:
            labels = key[:3]
            found = (self._calls.labels(*key), self._seconds.labels(*labels), self._queue.labels(*labels))
            self._ended[key] = found
        calls, durations, waits = found
        calls.inc()
        durations.observe(seconds)
        waits.observe(exchange.queue_seconds)
        if exchange.code == "service-throttled":
            self._throttled.labels(*key[:3]).inc()

    def begin_call(self, exchange: Exchange) -> None:
        """Count a call that is in flight now; `end_call` must follow."""
        self._gauge(exchange).inc()

    def end_call(self, exchange: Exchange) -> None:
        """See `begin_call`."""
        self._gauge(exchange).dec()

    def _gauge(self, exchange: Exchange) -> Gauge:
        key = (exchange.service, exchange.version, exchange.endpoint)
        gauge = self._in_flight.get(key)
        if gauge is None:
            gauge = self._in_flight[key] = self._flying.labels(*key)
        return gauge

    def page(self) -> bytes:
        """All of it in the text format."""
        if self._folder is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._folder))  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def forget_gauges(folder: Path, place: int) -> None:
    """What a dead worker had in flight is in flight no more."""
    for file in folder.glob(f"gauge_*_{place}.db"):
        file.unlink(missing_ok=True)


def _is_from_here(request: Request) -> bool:
    """Whether the machine itself asks, and no proxy on it asks for somebody else."""
    host = request.client.host if request.client is not None else ""
    is_forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    return host in ("127.0.0.1", "::1") and not is_forwarded


def routes(context: ServerContext) -> list[BaseRoute]:
    """The route of /metrics."""

    async def metrics(request: Request) -> Response:
        if not context.settings.open_metrics and not _is_from_here(request):
            authorize_manager(context, request.scope)
        page = await context.run(context.metrics.page)
        return Response(page, headers={"content-type": CONTENT_TYPE_LATEST})

    return [Route("/metrics", metrics, methods=["GET"])]
