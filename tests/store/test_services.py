"""The contract of `ServiceRepository`, for the database and for the double in memory."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from estudio.core.job import JobState
from estudio.core.service import KeySlot
from estudio.errors import (
    EndpointNotFound,
    KeyNotFound,
    ServiceNotFound,
    StateConflict,
    VersionNotFound,
)
from estudio.store.database import Database
from estudio.store.service_rules import KEPT_MINUTES
from tests.store import service_records as given
from tests.store.children import run_children

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from estudio.store.service_protocols import JobRepository, ServiceRepository

ENDPOINT = given.endpoint()
KEYS = (given.key("one", ENDPOINT), given.key("two", ENDPOINT, KeySlot.SECONDARY))


@pytest.fixture
def services(stores: tuple[ServiceRepository, JobRepository]) -> ServiceRepository:
    return stores[0]


@pytest.fixture
def jobs(stores: tuple[ServiceRepository, JobRepository]) -> JobRepository:
    return stores[1]


@pytest.fixture
def pima(services: ServiceRepository) -> ServiceRepository:
    """With one service of two versions, the first of which is current."""
    services.add_version(given.service(), given.version(), ENDPOINT, KEYS)
    services.add_version(given.service(), given.version(title="Second"), ENDPOINT, ())
    return services


def test_the_workspace_has_one_id(services: ServiceRepository) -> None:
    assert services.workspace_id() == services.workspace_id()
    assert len(services.workspace_id()) == 32
    assert int(services.workspace_id(), 16) >= 0


def test_a_first_version_makes_service_endpoint_and_keys(services: ServiceRepository) -> None:
    added = services.add_version(given.service(), given.version(number=77), ENDPOINT, KEYS)
    assert added == given.version(number=1)
    assert services.list_services() == [given.service()] == [services.get_service("pima")]
    assert services.get_service(given.ident("pima")) == given.service()
    assert services.get_version(added.service_id, 1) == added
    assert services.list_endpoints() == [ENDPOINT] == [services.get_endpoint(ENDPOINT.id)]
    assert sorted(services.list_keys(), key=lambda key: key.id) == sorted(KEYS, key=lambda key: key.id)


def test_a_further_version_is_not_promoted_and_adds_nothing_else(pima: ServiceRepository) -> None:
    other = replace(given.service(), id="f" * 32)
    endpoint = replace(ENDPOINT, id="e" * 32)
    third = pima.add_version(other, given.version("other"), endpoint, [given.key("three", endpoint)])
    assert (third.service_id, third.number) == (given.ident("pima"), 3)
    assert [each.number for each in pima.list_versions(given.ident("pima"))] == [3, 2, 1]
    assert pima.get_service("pima").current == 1
    assert (pima.list_endpoints(), len(pima.list_keys())) == ([ENDPOINT], 2)


def test_promoting_remembers_the_one_before(pima: ServiceRepository) -> None:
    of = given.ident("pima")
    assert (pima.promote(of, 2).current, pima.get_service(of).previous) == (2, 1)
    assert pima.promote(of, 2).previous == 1
    assert pima.promote(of, 1) == replace(given.service(), previous=2)
    with pytest.raises(VersionNotFound):
        pima.promote(of, 3)
    with pytest.raises(ServiceNotFound):
        pima.promote("0" * 32, 1)


def test_every_change_raises_the_generation(pima: ServiceRepository) -> None:
    of, more = given.ident("pima"), given.full_endpoint()
    key = given.key("later", more)
    changes: list[Callable[[], object]] = [
        lambda: pima.promote(of, 2),
        lambda: pima.rename_service(of, "diabetes"),
        lambda: pima.add_endpoint(more, [key]),
        lambda: pima.change_endpoint(replace(more, description="else")),
        lambda: pima.add_key(given.key("manage")),
        lambda: pima.replace_key(given.key("newer", more), None),
        lambda: pima.remove_key(given.key("newer", more).id),
        lambda: pima.remove_endpoint(more.id),
        lambda: pima.remove_version(of, 1),
        lambda: pima.add_version(given.service("diabetes"), given.version(), ENDPOINT, ()),
        lambda: pima.remove_service(of),
    ]
    for change in changes:
        before = pima.generation()
        change()
        assert pima.generation() > before
    before = pima.generation()
    pima.add_counts([given.counts(ENDPOINT)])
    pima.add_calls([given.call(ENDPOINT)], 5)
    with pytest.raises(ServiceNotFound):
        pima.remove_service(of)
    assert pima.generation() == before


def test_names_of_services_are_taken_once(pima: ServiceRepository) -> None:
    other = given.endpoint("other")
    pima.add_version(given.service("other"), given.version("other"), other, ())
    with pytest.raises(StateConflict, match="'other' already"):
        pima.rename_service(given.ident("pima"), "other")
    assert pima.rename_service(given.ident("pima"), "pima").name == "pima"
    assert pima.rename_service(given.ident("pima"), "a").name == "a"
    assert [service.name for service in pima.list_services()] == ["a", "other"]
    with pytest.raises(ServiceNotFound):
        pima.rename_service("0" * 32, "b")


def test_what_is_not_there_is_named(services: ServiceRepository) -> None:
    with pytest.raises(ServiceNotFound, match="“nothing”"):
        services.get_service("nothing")
    with pytest.raises(ServiceNotFound):
        services.list_versions("nothing")
    with pytest.raises(VersionNotFound):
        services.get_version("nothing", 1)
    with pytest.raises(EndpointNotFound):
        services.get_endpoint("nothing")
    with pytest.raises(EndpointNotFound):
        services.change_endpoint(ENDPOINT)
    with pytest.raises(EndpointNotFound):
        services.add_key(KEYS[0])
    with pytest.raises(EndpointNotFound):
        services.replace_key(KEYS[0], None)
    with pytest.raises(EndpointNotFound):
        services.remove_endpoint("nothing")
    with pytest.raises(KeyNotFound):
        services.remove_key("nothing")
    with pytest.raises(VersionNotFound):
        services.remove_version("nothing", 1)
    with pytest.raises(ServiceNotFound):
        services.add_endpoint(ENDPOINT, ())


def test_a_version_that_callers_reach_is_not_removed(pima: ServiceRepository, jobs: JobRepository) -> None:
    of = given.ident("pima")
    with pytest.raises(StateConflict, match="current one"):
        pima.remove_version(of, 1)
    pinned = given.endpoint(endpoint_name="pinned", version=2)
    pima.add_endpoint(pinned, ())
    with pytest.raises(StateConflict, match="pinned to version 2"):
        pima.remove_version(of, 2)
    pima.change_endpoint(replace(pinned, version=None))
    jobs.add_job(given.job(ENDPOINT, version=2))
    with pytest.raises(StateConflict, match="goes on"):
        pima.remove_version(of, 2)
    jobs.ask_cancel(given.ident("job"), 5.0)
    pima.remove_version(of, 2)
    with pytest.raises(VersionNotFound):
        pima.get_version(of, 2)
    assert pima.add_version(given.service(), given.version(), ENDPOINT, ()).number == 3


def test_a_removed_previous_version_is_nothing_to_go_back_to(pima: ServiceRepository) -> None:
    of = given.ident("pima")
    pima.promote(of, 2)
    pima.remove_version(of, 1)
    assert pima.get_service(of).previous is None


def test_a_removed_service_takes_all_that_is_its(pima: ServiceRepository, jobs: JobRepository) -> None:
    of = given.ident("pima")
    pima.add_calls([given.call(ENDPOINT)], 5)
    pima.add_counts([given.counts(ENDPOINT)])
    jobs.add_job(given.job(ENDPOINT))
    with pytest.raises(StateConflict, match="goes on"):
        pima.remove_service(of)
    jobs.ask_cancel(given.ident("job"), 5.0)
    pima.remove_service(of)
    assert (pima.list_services(), pima.list_endpoints(), pima.list_keys(), jobs.list_jobs()) == ([], [], [], [])
    assert (pima.list_calls(ENDPOINT.id, 9), pima.list_counts(ENDPOINT.id, 0)) == ([], [])
    assert pima.referenced_digests() == set()


def test_endpoints_come_with_the_default_one_first(pima: ServiceRepository) -> None:
    more = given.full_endpoint()
    before = given.endpoint(endpoint_name="alpha")
    pima.add_endpoint(more, [given.key("three", more)])
    pima.add_endpoint(before, ())
    assert pima.list_endpoints(given.ident("pima")) == [ENDPOINT, before, more]
    assert pima.list_endpoints("0" * 32) == []
    with pytest.raises(StateConflict, match="already"):
        pima.add_endpoint(replace(more, id="1" * 32), ())
    with pytest.raises(VersionNotFound):
        pima.add_endpoint(given.endpoint(endpoint_name="beta", version=9), ())


def test_an_endpoint_changes_all_but_what_it_is(pima: ServiceRepository) -> None:
    more = given.full_endpoint()
    pima.add_endpoint(more, ())
    pima.change_endpoint(replace(more, name="slow", version=None, description="new", service_id="0" * 32, created_at=0))
    assert pima.get_endpoint(more.id) == replace(more, name="slow", version=None, description="new")
    for wrong in (replace(more, name="default"), replace(ENDPOINT, name="other")):
        with pytest.raises(StateConflict):
            pima.change_endpoint(wrong)
    with pytest.raises(VersionNotFound):
        pima.change_endpoint(replace(more, version=9))


def test_a_removed_endpoint_takes_its_keys(pima: ServiceRepository, jobs: JobRepository) -> None:
    more = given.full_endpoint()
    pima.add_endpoint(more, [given.key("three", more)])
    jobs.add_job(given.job(more))
    with pytest.raises(StateConflict, match="goes on"):
        pima.remove_endpoint(more.id)
    jobs.ask_cancel(given.ident("job"), 5.0)
    pima.remove_endpoint(more.id)
    assert len(pima.list_keys()) == 2
    with pytest.raises(StateConflict, match="default"):
        pima.remove_endpoint(ENDPOINT.id)


def test_keys_are_found_by_the_beginning_of_their_digest(pima: ServiceRepository) -> None:
    manage = given.key("manage", expires_at=9.5, calls_per_minute=60, wrapped="abc")
    pima.add_key(manage)
    assert pima.list_keys(manage=True) == [manage]
    assert pima.find_keys(manage.digest[:8]) == [manage] == pima.find_keys(manage.digest)
    assert pima.find_keys("x") == []
    assert len(pima.find_keys("")) == 3
    assert set(pima.list_keys(ENDPOINT.id)) == set(KEYS)
    with pytest.raises(StateConflict):
        pima.add_key(replace(manage, id="0" * 16))


def test_a_rotated_key_may_live_on_for_a_while(pima: ServiceRepository) -> None:
    second = given.key("second", ENDPOINT, created_at=1100.0)
    pima.replace_key(second, 1200.0)
    assert {key.digest: key.expires_at for key in pima.list_keys(ENDPOINT.id)} == {
        KEYS[0].digest: 1200.0, KEYS[1].digest: None, second.digest: None,
    }  # fmt: skip
    third = given.key("third", ENDPOINT, created_at=1150.0)
    pima.replace_key(third, 1300.0)
    assert {key.digest: key.expires_at for key in pima.list_keys(ENDPOINT.id)} == {
        KEYS[0].digest: 1200.0, KEYS[1].digest: None, second.digest: 1300.0, third.digest: None,
    }  # fmt: skip
    fourth = given.key("fourth", ENDPOINT, created_at=1250.0)
    pima.replace_key(fourth, 1300.0)
    assert {key.digest for key in pima.list_keys(ENDPOINT.id)} == {
        KEYS[1].digest, second.digest, third.digest, fourth.digest,
    }  # fmt: skip
    pima.replace_key(given.key("fifth", ENDPOINT, created_at=1251.0), None)
    assert len(pima.list_keys(ENDPOINT.id)) == 2
    with pytest.raises(StateConflict):
        pima.replace_key(given.key("fifth", ENDPOINT, created_at=1252.0), 1300.0)
    assert len(pima.list_keys(ENDPOINT.id)) == 2


def test_counts_are_added_up(pima: ServiceRepository) -> None:
    pima.add_counts([given.counts(ENDPOINT), given.counts(ENDPOINT, 99), given.counts(ENDPOINT, version=2)])
    pima.add_counts([given.counts(ENDPOINT, latencies=(1, 1, 1)), given.counts(given.endpoint("gone"))])
    assert pima.list_counts(ENDPOINT.id, 99) == [
        given.counts(ENDPOINT, 99),
        given.counts(ENDPOINT, calls=6, failed=2, throttled=2, latencies=(2, 3, 1)),
        given.counts(ENDPOINT, version=2),
    ]
    assert len(pima.list_counts(ENDPOINT.id, 100)) == 2
    pima.add_counts([given.counts(ENDPOINT, 100 + KEPT_MINUTES)])
    assert [each.minute for each in pima.list_counts(ENDPOINT.id, 0)] == [100, 100, 100 + KEPT_MINUTES]


def test_of_each_endpoint_the_newest_calls_are_kept(pima: ServiceRepository) -> None:
    other = given.endpoint(endpoint_name="other")
    pima.add_endpoint(other, ())
    pima.add_calls([given.call(ENDPOINT, number) for number in range(4)], 3)
    pima.add_calls([given.call(other, 9), given.call(given.endpoint("gone"), 1)], 3)
    failed = given.call(ENDPOINT, 5, status=400, code="85", message="Error 0085: …")
    pima.add_calls([failed], 3)
    assert [record.request_id for record in pima.list_calls(ENDPOINT.id, 9)] == ["request-5", "request-3", "request-2"]
    assert pima.list_calls(ENDPOINT.id, 1) == [failed] == pima.list_calls(ENDPOINT.id, 9, failed_only=True)
    assert pima.list_calls(other.id, 9) == [given.call(other, 9)]
    assert pima.list_calls(given.endpoint("gone").id, 9) == []


def test_objects_that_versions_and_endpoints_refer_to(pima: ServiceRepository) -> None:
    pima.add_endpoint(given.full_endpoint(), ())
    assert pima.referenced_digests() == {digest * 32 for digest in ("aa", "bb", "cc", "dd")}


def test_threads_that_publish_at_once_get_distinct_numbers(services: ServiceRepository) -> None:
    numbers: list[int] = []
    begin = threading.Barrier(6)

    def publish() -> None:
        begin.wait()
        published = [services.add_version(given.service(), given.version(), ENDPOINT, KEYS) for _ in range(5)]
        numbers.extend(version.number for version in published)

    threads = [threading.Thread(target=publish) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 31))
    assert len(services.list_keys()) == 2


def test_processes_that_publish_at_once_get_distinct_numbers(tmp_path: Path) -> None:
    said = run_children("publish_versions", tmp_path, 3)
    numbers = [int(number) for each in said for number in each.split()]
    assert sorted(numbers) == list(range(1, 31))
    with Database(tmp_path / "database.sqlite") as database:
        service = database.services.get_service("pima")
        assert service.current in numbers
        assert service.previous != service.current
        assert len(database.services.list_endpoints()) == 1


def test_another_process_sees_each_change(tmp_path: Path) -> None:
    with Database(tmp_path / "d.sqlite") as one, Database(tmp_path / "d.sqlite") as two:
        assert one.services.workspace_id() == two.services.workspace_id()
        before = two.services.generation()
        one.services.add_version(given.service(), given.version(), ENDPOINT, KEYS)
        assert two.services.generation() > before
        assert two.services.get_service("pima") == given.service()


def test_a_job_that_has_not_begun_does_not_hold_a_service(pima: ServiceRepository, jobs: JobRepository) -> None:
    jobs.add_job(given.job(ENDPOINT, state=JobState.NOT_STARTED))
    pima.remove_service(given.ident("pima"))
    assert jobs.list_jobs() == []
