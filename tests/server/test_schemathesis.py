"""Schemathesis calls the services as their documents say, and as they do not: nothing but what is documented comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.server.job_server import serving_jobs
from tests.server.running import context_of, running
from tests.server.test_openapi import described_host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(context_of(described_host())) as address:
        yield address


def beyond_schemas(case: Any) -> list[Any]:
    """Checks that cannot be made of this case.

    OpenAPI has no words for what is in a CSV or Parquet file. A key that was made wrong is replaced by the right one.
    A query that lacks what it must not lack is right when it is sent. Keys of idempotency are drawn for several calls.
    """
    excluded = []
    if case.media_type != "application/json" or "Idempotency-Key" in (case.headers or {}):
        excluded.append(positive_data_acceptance)
    body = case.meta.components.get(ParameterLocation.BODY)
    if body is None or body.mode is GenerationMode.POSITIVE or case.media_type != "application/json":
        excluded.append(negative_data_rejection)
    return excluded


def check_all(
    address: str, mode: GenerationMode, examples: int, headers: dict[str, str], leave_out: str = "nothing"
) -> None:
    for found in schemathesis.openapi.from_url(address).get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.path.endswith(leave_out):
            continue

        @settings(
            max_examples=examples,
            phases=[Phase.generate],
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: Any) -> None:
            case.call_and_validate(headers=headers, excluded_checks=beyond_schemas(case))

        check()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/services/all/openapi.json", "call-key"),
        ("/services/all/versions/1/openapi.json", "call-key"),
        ("/services/two/openapi.json", "two-key"),
    ],
)
def test_services_answer_as_documented(url: str, path: str, key: str, mode: GenerationMode) -> None:
    check_all(url + path, mode, 25, {"Authorization": f"Bearer {key}"})


def test_the_server_answers_as_documented(url: str) -> None:
    check_all(f"{url}/openapi.json", GenerationMode.POSITIVE, 5, {})


@pytest.mark.parametrize("mode", MODES)
def test_jobs_are_answered_as_documented(tmp_path: Path, mode: GenerationMode) -> None:
    with serving_jobs(tmp_path / "w") as served:
        headers = {"Authorization": f"Bearer {served.host.manage_key}"}
        check_all(
            f"{str(served.manage.base_url).rstrip('/')}/services/pima/openapi.json",
            mode,
            8,
            headers,
            leave_out="/score",
        )
