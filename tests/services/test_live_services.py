"""The real host: what changes in the store is seen without holding calls up, and versions never mix."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from estudio.core.outcome import ScriptState
from estudio.core.service import (
    DEFAULT_ENDPOINT,
    CallRecord,
    Diagnostics,
    Endpoint,
    EndpointResource,
    KeyScope,
    KeySlot,
)
from estudio.errors import (
    AccessDenied,
    EnvironmentFailed,
    InvalidCall,
    RateLimited,
    ServiceBusy,
    ServiceNotFound,
    ServiceThrottled,
)
from estudio.services.admission import Admission
from estudio.services.calling import ScoreCall
from estudio.services.keys import new_key

from .frozen_services import Bench, numbers, table
from .test_host_contract import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from estudio.modules.call_message import ScriptCall
    from estudio.services.live_services import LiveServices
    from estudio.tables.table import Table

ONE = ScoreCall({"input1": table(1)})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def host(bench: Bench) -> Iterator[LiveServices]:
    bench.publish(offset=10)
    made = bench.host()
    yield made
    bench.loading.set()
    made.close(drain_seconds=5)


def called(host: LiveServices) -> float:
    return numbers(host.find("double").score(ONE).outputs["output1"])[0]


def test_promoting_under_load_mixes_nothing(bench: Bench, host: LiveServices) -> None:
    stop, wrong, seen = threading.Event(), [], set()

    def call() -> None:
        while not stop.is_set():
            try:
                live = host.find("double")
                result = numbers(live.score(ONE).outputs["output1"])[0]
            except Exception as error:  # noqa: BLE001 -- told below
                wrong.append(repr(error))
                return
            seen.add(live.version.number)
            if result != 2 + 10 * live.version.number:
                wrong.append(f"version {live.version.number} gave {result}")

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(2, 6):
        bench.publish(offset=10 * number)
        until(lambda number=number: number in seen)  # type: ignore[misc]
    bench.repository.promote("s" * 32, 1)
    until(lambda: host.find("double").version.number == 1)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert wrong == []
    assert seen == {1, 2, 3, 4, 5}


def test_calls_go_on_with_the_old_version_until_the_new_one_is_loaded(bench: Bench, host: LiveServices) -> None:
    assert called(host) == 12
    bench.loading.clear()
    bench.publish(offset=20)
    until(lambda: host.versions("double")[0].number == 2)
    assert called(host) == 12
    assert "version 2 of double is being loaded" in host.readiness().waiting
    bench.loading.set()
    until(lambda: called(host) == 22)
    assert host.readiness().ready


def test_a_version_that_cannot_be_loaded_is_named_and_the_old_one_answers(bench: Bench, host: LiveServices) -> None:
    assert called(host) == 12
    frozen = bench.frozen(offset=20)
    missing = replace(frozen, environments={"default": "0" * 64})
    from estudio.services.frozen_version import save_manifest

    version = replace(bench.repository.get_version("s" * 32, 1), manifest=save_manifest(bench.objects, missing))
    service = bench.repository.get_service("double")
    endpoint = bench.repository.list_endpoints()[0]
    number = bench.repository.add_version(service, version, endpoint, []).number
    bench.repository.promote("s" * 32, number)
    until(lambda: any("cannot be loaded" in words for words in host.readiness().waiting))
    assert called(host) == 12
    with pytest.raises(ServiceBusy, match="cannot be loaded") as caught:
        host.find("double", version=number).score(ONE)
    assert caught.value.facts["retry_after_seconds"] == 5


def test_an_environment_that_is_gone_is_said_in_its_own_words(bench: Bench, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise EnvironmentFailed("No Python 3.5 here.")

    bench.publish()
    from estudio.services.live_services import LiveServices

    host = LiveServices(bench.repository, replace(bench.parts(), make_executors=refuse))  # type: ignore[arg-type]
    with pytest.raises(EnvironmentFailed, match="No Python"):
        host.find("double").score(ONE)
    assert host.readiness().waiting == ("version 1 of double cannot be loaded: No Python 3.5 here.",)
    host.close()
    assert list((tmp_path / "services").iterdir()) == []


def test_what_another_process_removes_is_gone_within_a_second(bench: Bench, host: LiveServices) -> None:
    held = host.find("double")
    bench.repository.remove_service("s" * 32)

    def is_gone() -> bool:
        try:
            host.find("double")
        except ServiceNotFound:
            return True
        return False

    until(is_gone, 1.0)
    assert numbers(held.score(ONE).outputs["output1"]) == [12]


def test_versions_that_nobody_wants_are_closed(bench: Bench, host: LiveServices) -> None:
    host.slots._keep_seconds = 0.0
    assert called(host) == 12
    bench.publish(offset=20)
    until(lambda: called(host) == 22)
    until(lambda: bench.executors[0].is_closed)
    assert numbers(host.find("double", version=1).score(ONE).outputs["output1"]) == [12]


def test_a_rotated_key_ends_within_a_second_and_its_successor_counts(bench: Bench, host: LiveServices) -> None:
    endpoint = host.find("double").endpoint
    host.authorize(bench.key, KeyScope.CALL, endpoint)
    new = new_key(KeyScope.CALL, time.time(), endpoint_id=endpoint.id, slot=KeySlot.PRIMARY, calls_per_minute=1)
    bench.repository.replace_key(new.key, time.time())

    def is_refused() -> bool:
        try:
            host.authorize(bench.key, KeyScope.CALL, endpoint)
        except AccessDenied:
            return True
        return False

    until(is_refused, 1.0)
    assert host.authorize(new.token, KeyScope.CALL, endpoint) == new.key
    with pytest.raises(RateLimited):
        host.authorize(new.token, KeyScope.CALL, endpoint)


def test_a_resource_replaces_a_frozen_value_on_its_endpoint_alone(bench: Bench, host: LiveServices) -> None:
    resource = EndpointResource("train", bench.stored("results", table(100)).digest)
    other = Endpoint("f" * 32, "s" * 32, "other", 1.0, resources=(resource,))
    bench.repository.add_endpoint(other, [])
    until(lambda: len(host.endpoints("double")) == 2)
    assert numbers(host.find("double", endpoint="other").score(ONE).outputs["output1"]) == [102]
    assert called(host) == 12
    assert numbers(host.loaded("s" * 32, 1, other.id).score(ONE).outputs["output1"]) == [102]
    assert numbers(host.loaded("s" * 32, 1).score(ONE).outputs["output1"]) == [12]


def test_a_wrong_parameter_is_the_callers_mistake(host: LiveServices) -> None:
    with pytest.raises(InvalidCall) as caught:
        host.find("double").score(ScoreCall({"input1": table(1)}, {"factor": "three"}))
    assert caught.value.problems[0].code == "wrong-parameter"
    assert caught.value.problems[0].input == "factor"


def test_time_that_is_over_and_calls_that_nobody_wants(bench: Bench, host: LiveServices) -> None:
    host.find("double").score(ONE)
    over = host.find("double").score(replace(ONE, deadline=time.monotonic() - 1))
    assert over.failure is not None
    assert over.failure.state is ScriptState.TIMED_OUT
    unwanted = threading.Event()
    unwanted.set()
    cancelled = host.find("double").score(replace(ONE, cancelled=unwanted))
    assert cancelled.failure is not None
    assert cancelled.failure.state is ScriptState.CANCELLED
    assert len(bench.executors) == 1


def test_scripts_get_what_is_left_of_the_time_and_the_endpoints_memory(bench: Bench, host: LiveServices) -> None:
    calls: list[ScriptCall] = []

    def noting(call: ScriptCall) -> Table:
        calls.append(call)
        return table(0)

    bench.works["doubled"] = noting
    endpoint = host.find("double").endpoint
    bench.repository.change_endpoint(replace(endpoint, timeout_seconds=7, memory_bytes=64 << 20))
    until(lambda: host.find("double").endpoint.timeout_seconds == 7)
    host.find("double").score(replace(ONE, seed=5))
    assert 6 < calls[0].limits.timeout_seconds <= 7
    assert calls[0].limits.memory_bytes == 64 << 20
    assert calls[0].seed == 5


def test_the_processes_share_an_endpoints_calls() -> None:
    endpoint = Endpoint("e", "s", DEFAULT_ENDPOINT, 1.0, max_concurrent_calls=3)
    admission = Admission(processes=2)
    with admission.admitted(endpoint), admission.admitted(endpoint):
        assert admission.in_flight("e") == 2
        with pytest.raises(ServiceThrottled) as caught, admission.admitted(endpoint):
            pass
    assert caught.value.facts == {"endpoint": "default", "maximum": 3, "retry_after_seconds": 1}
    assert admission.in_flight("e") == 0


def test_calls_are_counted_and_kept_as_diagnostics_say(bench: Bench, host: LiveServices) -> None:
    endpoint, now = host.find("double").endpoint, time.time()
    good = CallRecord(endpoint.id, 1, "good", now, 0.004, 0.0, 200)
    bad = CallRecord(endpoint.id, 1, "bad", now, 500.0, 0.0, 400, "module-execution", "m" * 5_000, "l" * 50_000)
    shed = CallRecord(endpoint.id, 1, "shed", now, 0.0, 0.0, 503, "service-throttled")
    for record in (good, bad, shed, replace(good, endpoint_id="gone")):
        host.note_call(record)
    (counts,) = host.statistics(endpoint.id)
    assert (counts.calls, counts.failed, counts.throttled) == (3, 1, 1)
    assert sum(counts.latencies) == 3
    assert counts.latencies[-1] == 1
    kept = bench.repository.list_calls(endpoint.id, 10)
    assert {record.request_id for record in kept} == {"bad", "shed"}
    assert max(len(record.log) for record in kept) == 8_000
    bench.repository.change_endpoint(replace(endpoint, diagnostics=Diagnostics.NONE))
    until(lambda: host.find("double").endpoint.diagnostics is Diagnostics.NONE)
    host.note_call(replace(bad, request_id="later"))
    host.statistics(endpoint.id)
    assert len(bench.repository.list_calls(endpoint.id, 10)) == 2


def test_a_version_that_is_loaded_too_late_is_closed_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("estudio.services.version_slots.CLOSING_SECONDS", 0.01)
    bench.publish()
    bench.loading.clear()
    host = bench.host()
    host.close(drain_seconds=1)
    bench.loading.set()
    until(lambda: len(bench.executors) == 1 and bench.executors[0].is_closed)
    until(lambda: not list((tmp_path / "services").iterdir()))


def test_closing_waits_for_calls_in_flight(bench: Bench, host: LiveServices) -> None:
    begun, go = threading.Event(), threading.Event()

    def waiting(call: ScriptCall) -> Table:
        del call
        begun.set()
        go.wait(10)
        return table(7)

    bench.works["doubled"] = waiting
    results: list[float] = []
    thread = threading.Thread(target=lambda: results.append(called(host)))
    thread.start()
    assert begun.wait(10)
    closing = threading.Thread(target=host.close, args=(10.0,))
    closing.start()
    until(lambda: not host.readiness().ready)
    go.set()
    thread.join(10)
    closing.join(10)
    assert results == [7]
    assert bench.executors[0].is_closed
