"""The addresses of a web service: the modern ones, the old wire's, and its pages for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.service import DEFAULT_ENDPOINT

if TYPE_CHECKING:
    from estudio.core.service import Endpoint, Service, ServiceVersion


@dataclass(frozen=True, slots=True)
class CallAddresses:
    """Where one endpoint of a service is called.

    Attributes:
        score: the modern address, of the endpoint's version.
        pinned: the modern address that stays with this version for ever.
        jobs: the modern address for batches.
        classic: the old wire's, with its query.
        page: the service's page for people.
        test: the page with a form.
    """

    score: str
    pinned: str
    jobs: str
    classic: str
    page: str
    test: str


def call_addresses(
    service: Service, version: ServiceVersion, endpoint: Endpoint, base_url: str, workspace_id: str
) -> CallAddresses:
    """The addresses of an endpoint. `base_url` has scheme, host and port: `http://127.0.0.1:8000`."""
    base = base_url.rstrip("/")
    page = f"{base}/services/{service.name}"
    called = page if endpoint.name == DEFAULT_ENDPOINT else f"{page}/endpoints/{endpoint.name}"
    return CallAddresses(
        score=f"{called}/score",
        pinned=f"{page}/versions/{version.number}/score",
        jobs=f"{called}/jobs",
        classic=f"{base}/workspaces/{workspace_id}/services/{endpoint.id}/execute?api-version=2.0&details=true",
        page=page,
        test=f"{page}/test",
    )
